// When checkpoints are made, and which ones are kept (docs/protocol.md, "Checkpoints"). Pure.
#ifndef SEMLINK_COORDINATOR_CHECKPOINT_PLAN_H_
#define SEMLINK_COORDINATOR_CHECKPOINT_PLAN_H_

#include <cstdint>
#include <map>
#include <vector>

#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "coordinator/job.h"
#include "coordinator/run_state.h"

namespace semlink::coordinator {

// Whether a checkpoint is made once all windows below `window` are committed: every
// `checkpoint.every` TRAIN windows, and after the last one.
bool CheckpointDue(const CheckpointOptions& options, const Job& job, uint64_t window);

// Checkpoint.keep_from: the oldest of the last `keep` complete checkpoints, and none newer than one
// to which a node was restored since: a replay from there needs it. The same holds for that one,
// and so on. `complete`: descending. 0: keep everything.
uint64_t KeepFrom(int keep, const std::vector<uint64_t>& complete,
                  const std::vector<MemberEpoch>& epochs);

// By window w: the checkpoints to which nodes were restored before they took part in w, for all w
// >= `from`. Where a node was restored more than once before the same window, the last counts. Left
// out: restores to `from` itself before window `from`, which a replay from there has made anyway.
std::map<uint64_t, std::map<NodeId, v1::CheckpointId>> RestoresSince(
    uint64_t from, const std::vector<MemberEpoch>& epochs);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_CHECKPOINT_PLAN_H_
