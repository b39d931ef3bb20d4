#include "coordinator/checkpoint_plan.h"

#include <algorithm>
#include <utility>

namespace semlink::coordinator {

bool CheckpointDue(const CheckpointOptions& options, const Job& job, uint64_t window) {
  const uint64_t last = job.training_windows();
  if (window == 0 || window > last) return false;
  if (window == last) return true;
  return options.every > 0 && window % static_cast<uint64_t>(options.every) == 0;
}

uint64_t KeepFrom(int keep, const std::vector<uint64_t>& complete,
                  const std::vector<MemberEpoch>& epochs) {
  if (complete.empty()) return 0;
  const size_t oldest = std::min(complete.size(), static_cast<size_t>(std::max(1, keep))) - 1;
  uint64_t from = complete[oldest];
  for (bool earlier = true; std::exchange(earlier, false);) {
    for (const MemberEpoch& epoch : epochs) {
      const uint64_t restored = epoch.restored.window();
      // Window 0 needs no file.
      if (epoch.live || epoch.from_window < from || restored == 0 || restored >= from) continue;
      from = restored;
      earlier = true;  // a replay may have to begin there
    }
  }
  return from;
}

std::map<uint64_t, std::map<NodeId, v1::CheckpointId>> RestoresSince(
    uint64_t from, const std::vector<MemberEpoch>& epochs) {
  std::map<uint64_t, std::map<NodeId, v1::CheckpointId>> restores;
  for (const MemberEpoch& epoch : epochs) {
    if (epoch.live || epoch.from_window < from) continue;
    if (epoch.from_window == from && epoch.restored.window() == from) {
      // Nothing to do, and whatever it was restored to before that no longer counts.
      restores[from].erase(epoch.node);
      continue;
    }
    restores[epoch.from_window][epoch.node] = epoch.restored;
  }
  return restores;
}

}  // namespace semlink::coordinator
