// What a run does, as lines of the coordinator's log: for those who see nothing but logs, as those
// of containers.
#ifndef SEMLINK_COORDINATOR_PROGRESS_LOG_H_
#define SEMLINK_COORDINATOR_PROGRESS_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "coordinator/metrics.h"
#include "coordinator/status_board.h"

namespace semlink::coordinator {

// "training: window 120 of 300, 0.351 s per window; accuracy parity 98.1 %, digit 88.3 %"
std::string ProgressText(const Scenario& scenario, const RunStatus& status);

// summary.json in a few lines: windows and time, each task's accuracy and N-CE, rate and links, the
// parameters' digest. Empty for infer.json.
std::vector<std::string> SummaryLines(const Scenario& scenario, const Json& summary);

// A coordinator that also logs its progress, at most every `every`, when windows were committed
// since. Not thread-safe.
class LoggingNode final : public Node {
 public:
  // All of these outlive it.
  LoggingNode(const Scenario& scenario, const StatusBoard& board, Clock* clock, Node* node,
              absl::Duration every = absl::Seconds(10))
      : scenario_(scenario), board_(board), clock_(clock), node_(node), every_(every) {}

  absl::Status Handle(const NodeId& from, const v1::Message& message) override {
    return node_->Handle(from, message);
  }
  absl::Status PeerUp(const NodeId& peer) override { return node_->PeerUp(peer); }
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override {
    return node_->PeerDown(peer, why);
  }
  absl::Status Tick() override;
  bool done() const override { return node_->done(); }

 private:
  const Scenario& scenario_;
  const StatusBoard& board_;
  Clock* const clock_;
  Node* const node_;
  const absl::Duration every_;
  absl::Duration logged_at_ = absl::ZeroDuration();
  uint64_t logged_window_ = 0;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_PROGRESS_LOG_H_
