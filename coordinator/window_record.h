// What the coordinator knows about a window when it commits: the ledger, the metrics and the
// summary are made from it.
#ifndef SEMLINK_COORDINATOR_WINDOW_RECORD_H_
#define SEMLINK_COORDINATOR_WINDOW_RECORD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

struct WindowRecord {
  v1::OpenWindow open;                           // without common_randomness
  uint64_t attempt = 0;                          // Message.attempt of this window's messages
  std::vector<v1::LinkRounds> granted;           // sorted by (transmitter, modality, task)
  std::map<NodeId, v1::Report> reports;          // TRAIN, EVALUATE: one per live node
  std::map<int, v1::InferReport> infer_reports;  // INFER: by receiver
  // Refused (link, round) pairs and refused messages, by reason: "receiver_limit", "late", ...
  std::map<std::string, int> refused;
  int refused_links = 0;  // the (link, round) pairs among them
  absl::Time opened_at;   // dates
  absl::Time committed_at;
  absl::Duration elapsed;  // by a clock that never jumps

  double seconds() const { return absl::ToDoubleSeconds(elapsed); }
  // CPU time of all nodes.
  double cpu_seconds() const {
    double sum = 0;
    for (const auto& [node, report] : reports) sum += report.compute_seconds();
    return sum;
  }
  int refused_total() const {
    int sum = 0;
    for (const auto& [reason, count] : refused) sum += count;
    return sum;
  }

  // The pairs that failed in this window, as their ends said (Report.failed): sorted by
  // (transmitter, receiver, stage), each once. What OpenWindow.failed of a replay is.
  std::vector<v1::PairFailure> failed() const;
};

// The first stage at which the pair of this link failed; nullopt: it did not. REQUEST: the link can
// not have been granted. FEATURES: the receiver decoded from zeros. GRADIENTS: it was used, and
// took no gradient.
std::optional<v1::PairFailure::Stage> FailedStage(const std::vector<v1::PairFailure>& failed,
                                                  const v1::LinkRounds& link);

// "train", "evaluate", "infer".
const char* KindName(v1::WindowKind kind);

// "request", "features", "gradients".
const char* Name(v1::PairFailure::Stage stage);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_WINDOW_RECORD_H_
