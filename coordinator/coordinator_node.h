// The coordinator as a node: membership, the window clock, the link limits, the record of the run,
// checkpoints, and how a run goes on after failures. Computes nothing.
#ifndef SEMLINK_COORDINATOR_COORDINATOR_NODE_H_
#define SEMLINK_COORDINATOR_COORDINATOR_NODE_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
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
#include "coordinator/coordinator_faults.h"
#include "coordinator/job.h"
#include "coordinator/membership.h"
#include "coordinator/run_recorder.h"
#include "coordinator/status_board.h"
#include "coordinator/window.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

struct CoordinatorOptions {
  // Go on with the run in this folder; `scenario`, `out_dir` and `job` are then taken from it.
  std::string resume_dir;
  Scenario scenario;
  std::string out_dir;  // must not hold a run yet
  JobOptions job;
  std::string parameters_dir;  // evaluate, infer (required), train (optional): start from
                               // DIR/NODE.safetensors. Needed again to resume such a run
  // A node that says nothing for so long while the run waits for it is taken for lost. Needs
  // Tick(), like the other durations.
  absl::Duration node_timeout = absl::Seconds(120);
  // Resuming: how long the nodes of the last view are waited for.
  absl::Duration gather_timeout = absl::Seconds(10);
  // Resuming when no node is live: how long those are waited for that an exact replay needs.
  absl::Duration replay_timeout = absl::Seconds(60);
  // on_failure: degrade. How long lost nodes are waited for before the parameters are written
  // without theirs.
  absl::Duration parameters_timeout = absl::Seconds(30);
  // Where to publish, for those who need it before the node is made; empty: a new one.
  std::shared_ptr<StatusBoard> board;
  CoordinatorFaults::Options faults;
};

// What the coordinator does while no window is open, or around one.
//
// kGathering: waits for nodes and pairs before the first window of this start.
// kRestoring: resumed, no node is live: all go back to one checkpoint.
// kReplaying: committed TRAIN windows once more, from that checkpoint on.
// kRunning:   the phases of the job: windows, checkpoints, parameters, the end.
//
// Legal moves: kGathering -> kRunning; kGathering -> kRestoring -> kReplaying -> kRunning;
// kRestoring, kReplaying -> kGathering (a node or a pair was lost: from the checkpoint again).
enum class Course { kGathering, kRestoring, kReplaying, kRunning };

// docs/protocol.md is what it does. Handlers take what was said into the state; Settle() then does
// the next step, if there is one.
class CoordinatorNode : public Node {
 public:
  // Creates or reopens the run folder and reads the parameters to start from. `transport` and
  // `clock` outlive the node.
  static absl::StatusOr<std::unique_ptr<CoordinatorNode>> Create(CoordinatorOptions options,
                                                                 Transport* transport,
                                                                 Clock* clock);

  // Never fails: whatever stops the run is told to the nodes and kept in result().
  absl::Status Handle(const NodeId& from, const v1::Message& message) override;
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override;
  absl::Status Tick() override;
  bool done() const override { return done_; }

  // Once done(): OK, or why the run failed. UNAVAILABLE: a node could not take part. CANCELLED:
  // stopped by an operator. Before: OK.
  const absl::Status& result() const { return result_; }
  // What is run: of a run that is resumed, as its ledger has it.
  const Scenario& scenario() const { return options_.scenario; }
  // What the run waits for, for people: "waiting for transmitter2, receiver1 to join".
  std::string Awaiting() const;

  // Thread-safe.
  StatusBoard& status_board() { return *board_; }

 private:
  // A checkpoint that is being written.
  struct OpenCheckpoint {
    uint64_t window = 0;
    std::set<NodeId> awaited;
    int files = 0;
  };
  // Restoring and replaying.
  struct Replay {
    uint64_t checkpoint = 0;
    uint64_t next = 0;      // the window that is replayed next
    uint64_t end = 0;       // TRAIN windows below this one are replayed
    bool refused = false;   // some node could not read the checkpoint
    bool restored = false;  // the restores before window `next` have been asked for
    std::map<uint64_t, std::map<NodeId, v1::CheckpointId>> restores;  // RestoresSince()
    WindowRecord recorded;                                            // the open window's
  };

  CoordinatorNode(CoordinatorOptions options, Job job, Transport* transport, Clock* clock);
  // After RunRecorder::Resume: where the run stands.
  absl::Status TakeUp();
  absl::Status Expect(const std::optional<ViewState>& view);
  absl::Status FindLastWindows();  // Member::last_window of all

  // coordinator_node.cc: messages in and out. A status that is not OK ends the run.
  absl::Status Dispatch(const NodeId& from, const v1::Message& message);
  absl::Status DispatchStep(const NodeId& from, const v1::Message& message);
  void Guarded(const absl::Status& status);  // settles, or fails the run
  absl::Status Settle();
  absl::StatusOr<bool> Advance();  // true: something was done, call again
  bool IsStale(const v1::Message& message);
  // Counts the message, tells its sender, and goes on. `attempt`: of a message of the open window.
  absl::Status Refuse(const NodeId& from, const char* what, MessageRefusal reason,
                      const std::string& detail, uint64_t attempt = 0);
  // A node that can't be reached is lost at the next Settle().
  void Send(const NodeId& to, v1::Message message);
  void Ask(const NodeId& to, v1::Message message);  // and expects an answer
  absl::Status CheckTime();
  absl::Status CheckSilence();
  bool Owes(const NodeId& id) const;  // the present step waits for it
  bool OwesInWindow(const NodeId& id) const;
  void Fail(const absl::Status& why);
  void Publish();

  // coordinator_members.cc: joining, coming back, going.
  absl::Status RecordJoined(const Member& member);
  absl::Status OnHello(const NodeId& from, const v1::Hello& hello);
  absl::Status OnReady(const NodeId& from, const v1::Ready& ready);
  absl::Status OnRestored(const NodeId& from, const v1::Restored& restored);
  absl::Status OnNotRestored(Member* member, const v1::Restored& restored);
  absl::Status OnPairStatus(const NodeId& from, const v1::PairStatus& status);
  void TellPairDown(const v1::PairStatus& status, const NodeId& to);
  absl::Status OnComplaint(const NodeId& from, const v1::Refusal& refusal);
  absl::Status RefuseHello(const NodeId& from, const HelloRefusal& refusal);
  void WelcomeReceivers();
  void SendWelcome(Member* member);
  // It was lost by its silence: takes in what it says on the connection that lives. It joins again
  // with the answer to its new Welcome.
  absl::Status HearAgain(Member* member, const v1::Message& message);
  void SendAddresses(const NodeId& receiver);
  absl::Status SettleDoubt(Member* member);
  bool IsLive(const Member& member) const;
  // Settles the state of a node in kHeld: it keeps it, or is restored.
  absl::Status AnswerReady(Member* member);
  void Restore(Member* member, const v1::CheckpointId& checkpoint);
  // The newest complete checkpoint below `below` that the node holds; else window 0.
  absl::StatusOr<v1::CheckpointId> LastHeld(const Member& member, uint64_t below);
  absl::StatusOr<bool> Holds(const Member& member, uint64_t window, v1::CheckpointId* file);
  absl::Status LoseNode(const NodeId& id, const std::string& why);
  // Lost, because it was silent while the run waited for it. Perhaps it only waited for another
  // that is stuck, and can't know that the window is gone: welcomed at once, it joins again.
  absl::Status LoseSilent(Member* member, const std::string& why);
  // Refuses a connected node, which is lost at the next Settle().
  void Dismiss(const NodeId& id, const std::string& why);
  // Those who are ready are up from now on: a new view, and an epoch of each.
  absl::Status AdmitReady();
  absl::Status RecordView();  // if it has changed

  // coordinator_run.cc: phases, windows, parameters, the end.
  absl::StatusOr<bool> Continue();
  bool MayGoOn();
  absl::Status AnnouncePhase(const Phase& phase);
  absl::Status OpenWindow(const Phase& phase);
  void SendOpenWindow(v1::OpenWindow open);
  absl::Status OnClaim(const NodeId& from, const v1::Claim& claim);
  absl::Status OnReport(const NodeId& from, const v1::Report& report);
  absl::Status OnInferReport(const NodeId& from, const v1::InferReport& report);
  absl::Status OnParameters(const NodeId& from, const v1::Parameters& parameters);
  absl::Status Grant();
  absl::Status CommitWindow();
  absl::Status AbortAttempt(const std::string& reason);
  void SendAbort(const std::string& reason);
  void SendToMembers(v1::Message message);  // of the open window, with its attempt
  absl::StatusOr<bool> CollectParameters();
  absl::Status Finish();

  // coordinator_checkpoints.cc
  absl::Status BeginCheckpoint();
  absl::Status FinishCheckpoint();
  absl::Status OnCheckpointed(const NodeId& from, const v1::Checkpointed& checkpointed);

  // coordinator_replay.cc: the first window of this start; resuming.
  absl::StatusOr<bool> Gather();
  absl::Status StartFresh();
  absl::StatusOr<bool> GatherResumed();
  absl::Status GoOnWithoutReplay();
  absl::StatusOr<uint64_t> ChooseCheckpoint();
  // All are there that took part in a TRAIN window since `checkpoint`.
  absl::StatusOr<bool> CanReplay(uint64_t checkpoint);
  absl::Status BeginRestore(uint64_t checkpoint);
  absl::StatusOr<bool> ContinueRestore();
  absl::StatusOr<bool> ContinueReplay();
  absl::StatusOr<bool> RestoreBetween();
  absl::StatusOr<bool> OpenReplayWindow();
  absl::Status CheckReplayedClaims();
  bool FailedAnew() const;
  void CommitReplayed();
  absl::Status InterruptReplay(const std::string& why);
  void GatherAgain();
  absl::Status FinishReplay();

  bool replaying() const { return course_ == Course::kRestoring || course_ == Course::kReplaying; }
  const Phase* phase() const;
  const char* PhaseText() const;

  CoordinatorOptions options_;
  Job job_;
  Transport* transport_;
  Clock* clock_;
  std::string scenario_yaml_;
  Membership membership_;
  std::unique_ptr<RunRecorder> recorder_;
  ParametersByNode initial_;  // sent in Welcome; empty: fresh
  std::shared_ptr<StatusBoard> board_;
  std::unique_ptr<CoordinatorFaults> faults_;

  Course course_ = Course::kGathering;
  bool resumed_ = false;            // windows may have been opened before this start
  std::set<NodeId> expected_;       // resumed: who is waited for
  bool start_recorded_ = false;     // RunRecorder::Started()
  bool settling_ = false;           // resumed: the first window waits for restores
  absl::Duration gathering_since_;  // kGathering: when it began

  size_t phase_ = 0;              // index into job_.phases()
  uint64_t phase_window_ = 0;     // windows of the phase that are committed
  uint64_t next_window_ = 0;      // number of the next window, over all phases
  bool announced_ = false;        // the phase
  uint32_t attempts_ = 0;         // of this start
  std::optional<Window> window_;  // the open one
  absl::Duration window_started_;
  int stale_ = 0;  // stale messages since the last window was opened

  std::optional<OpenCheckpoint> checkpoint_;
  uint64_t checkpointed_ = 0;                    // the window of the last checkpoint that was made
  std::optional<uint64_t> complete_checkpoint_;  // of the last one that every node has
  std::optional<Replay> replay_;
  std::set<uint64_t> refused_checkpoints_;

  bool collecting_ = false;  // Parameters are collected
  absl::Duration collecting_since_;
  std::map<NodeId, bool> asked_;  // who was asked for parameters, and has answered
  ParametersByNode collected_;

  std::map<NodeId, std::string> unreachable_;  // to be lost at the next Settle(), and why
  absl::Duration last_notice_;                 // when it was last logged who is awaited
  uint64_t refusals_ = 0;
  bool done_ = false;
  absl::Status result_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_COORDINATOR_NODE_H_
