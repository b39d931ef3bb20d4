// The coordinator as a node: membership, the window clock, the link limits, the record of the run.
// Computes nothing.
#ifndef SEMLINK_COORDINATOR_COORDINATOR_NODE_H_
#define SEMLINK_COORDINATOR_COORDINATOR_NODE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "coordinator/job.h"
#include "coordinator/membership.h"
#include "coordinator/run_recorder.h"
#include "coordinator/status_board.h"
#include "coordinator/window.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

struct CoordinatorOptions {
  Scenario scenario;
  std::string out_dir;  // must not hold a run yet
  JobOptions job;
  std::string parameters_dir;  // evaluate, infer (required), train (optional): start from
                               // DIR/NODE.safetensors
  // A node that says nothing for so long while the run waits for it is taken for lost. Needs
  // Tick().
  absl::Duration node_timeout = absl::Seconds(120);
  // Where to publish, for those who need it before the node is made; empty: a new one.
  std::shared_ptr<StatusBoard> board;
};

// Waiting for nodes -> the phases of the job -> finished, or failed at any time. docs/protocol.md
// is what it does.
class CoordinatorNode : public Node {
 public:
  // Creates the run folder and reads the parameters to start from. `transport` and `clock` outlive
  // the node.
  static absl::StatusOr<std::unique_ptr<CoordinatorNode>> Create(CoordinatorOptions options,
                                                                 Transport* transport,
                                                                 Clock* clock);

  // Never fails: whatever stops the run is told to the nodes and kept in result().
  absl::Status Handle(const NodeId& from, const v1::Message& message) override;
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override;
  absl::Status Tick() override;
  bool done() const override { return done_; }

  // Once done(): OK, or why the run failed. UNAVAILABLE: a node was lost. CANCELLED: stopped by an
  // operator. Before: OK.
  const absl::Status& result() const { return result_; }
  // What the run waits for, for people: "waiting for transmitter2, receiver1 to join".
  std::string Awaiting() const;

  // Thread-safe.
  StatusBoard& status_board() { return *board_; }

 private:
  CoordinatorNode(CoordinatorOptions options, Job job, Transport* transport, Clock* clock);

  // A status that is not OK ends the run.
  absl::Status Dispatch(const NodeId& from, const v1::Message& message);
  absl::Status OnHello(const NodeId& from, const v1::Hello& hello);
  absl::Status OnReady(const NodeId& from, const v1::Report& report);
  absl::Status OnClaim(const NodeId& from, const v1::Claim& claim);
  absl::Status OnReport(const NodeId& from, const v1::Report& report);
  absl::Status OnInferReport(const NodeId& from, const v1::InferReport& report);
  absl::Status OnParameters(const NodeId& from, const v1::Parameters& parameters);
  absl::Status OnComplaint(const NodeId& from, const v1::Refusal& refusal);
  absl::Status OnGone(const NodeId& peer, const absl::Status& why);

  absl::Status WelcomeReceivers();
  absl::Status SendWelcome(Member* member);
  absl::Status Advance();
  absl::Status AnnouncePhase(const Phase& phase);
  absl::Status OpenWindow(const Phase& phase);
  absl::Status SendGrants();
  absl::Status CommitWindow();
  absl::Status RequestParameters();
  absl::Status Finish();
  void Fail(const absl::Status& why);

  // Counts the message, tells its sender, and goes on.
  absl::Status Refuse(const NodeId& from, const char* what, MessageRefusal reason,
                      const std::string& detail);
  absl::Status Send(const NodeId& to, v1::Message message);
  absl::Status SendToAll(const v1::Message& message);
  absl::Status CheckSilence();
  // Whether the node has sent the last thing that the present step asks of it.
  bool HasAnswered(const NodeId& id) const;
  bool started() const { return membership_.view() > 0; }
  const Phase* phase() const;
  void Publish();

  CoordinatorOptions options_;
  Job job_;
  Transport* transport_;
  Clock* clock_;
  std::string scenario_yaml_;
  Membership membership_;
  std::unique_ptr<RunRecorder> recorder_;
  ParametersByNode initial_;  // sent in Welcome; empty: fresh
  std::shared_ptr<StatusBoard> board_;

  size_t phase_ = 0;              // index into job_.phases()
  uint64_t phase_window_ = 0;     // windows of the phase that are committed
  uint64_t next_window_ = 0;      // number of the next window, over all phases
  std::optional<Window> window_;  // the open one
  bool collecting_ = false;       // Parameters are awaited
  ParametersByNode collected_;
  absl::Duration window_started_;
  absl::Duration step_started_;  // when the nodes were last asked for something
  absl::Duration last_notice_;   // when it was last logged who is awaited
  uint64_t refusals_ = 0;
  bool done_ = false;
  absl::Status result_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_COORDINATOR_NODE_H_
