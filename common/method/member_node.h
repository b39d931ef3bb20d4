// What transmitters and receivers have in common as members of a run: joining and coming back,
// windows and attempts, doubt, checkpoints, failed pairs. docs/protocol.md says who sends what
// when.
#ifndef SEMLINK_COMMON_METHOD_MEMBER_NODE_H_
#define SEMLINK_COMMON_METHOD_MEMBER_NODE_H_

#include <google/protobuf/repeated_field.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/thread_cpu.h"
#include "common/method/early_messages.h"
#include "common/method/node_state.h"
#include "common/method/window_plan.h"
#include "common/nn/gemm.h"
#include "common/scenario/scenario.h"
#include "common/store/checkpoint.h"
#include "common/transport/transport.h"

namespace semlink::method {

// Floating-point operations of the networks' matrix products.
using FlopMeter = ThreadMeter<uint64_t, nn::ThreadFlops>;

struct MemberOptions {
  // Checkpoints go to state_folder/NODE. Empty: there are none, and a restarted node begins anew.
  std::string state_folder;
};

// The life of a member; each role adds its own steps inside a window by overriding the virtual
// functions.
//
// Errors. A role's handler returns INVALID_ARGUMENT for a message that makes no sense: the sender
// gets a Refusal(BAD_MESSAGE), the message is counted, and if it came over a pair, the pair has
// failed in this window. Any other error, and an exception, is fatal: the node says Refusal(FAILED)
// to the coordinator and ends.
class MemberNode : public Node {
 public:
  absl::Status Handle(const NodeId& from, const v1::Message& message) final;
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) final;
  bool done() const final { return phase_ == Phase::kDone; }

  // Messages refused so far.
  int refusals() const { return refusals_; }

 protected:
  // kJoining:  no Welcome yet, nothing is loaded.
  // kIdle:     outside windows.
  // kOpen:     a window is open; the role's own stages are inside this phase.
  // kReported: the window was reported; only Commit or Abort of its attempt ends it, also over a
  //            loss of the coordinator ("in doubt").
  // Legal moves: kJoining -> kIdle -> kOpen -> kReported -> kIdle; kOpen -> kIdle (Abort, the
  // coordinator is lost, an INFER window's Commit); kDone from any.
  enum class Phase { kJoining, kIdle, kOpen, kReported, kDone };

  // `transport` must outlive the node.
  MemberNode(const NodeId& self, Transport* transport, MemberOptions options);

  // ---- What a role adds.

  // Once, on the first Welcome: opens the data of scenario() and makes fresh networks. Any error is
  // fatal.
  virtual absl::Status Load() = 0;
  // Fresh networks, optimisers and baselines as Load made them.
  virtual void ResetLearners() = 0;
  virtual NodeState State() = 0;
  virtual int64_t train_size() const = 0;
  virtual int64_t test_size() const = 0;
  // After the answer to each Welcome, and on Addresses.
  virtual absl::Status OnAddresses(
      const google::protobuf::RepeatedPtrField<std::string>& addresses);
  // plan() is a new window: forget the last one, say what opens it.
  virtual absl::Status OnOpened() = 0;
  virtual absl::Status OnGrant(const v1::Grant& grant) = 0;
  virtual absl::Status OnInferStart(const v1::InferStart& start);
  // A message of the open attempt (phase kOpen or kReported) from a peer that is linked and has not
  // failed.
  virtual absl::Status OnData(int peer, const v1::Message& message) = 0;
  // Does what has become possible; called after each event in phase kOpen until nothing changes any
  // more.
  virtual absl::Status Advance() = 0;
  // The optimiser steps of the reported TRAIN window. After it, or without it, EndWindow frees what
  // the window held; Discard forgets its gradients as well.
  virtual void Step() = 0;
  virtual void Discard() = 0;
  virtual void EndWindow() = 0;
  // Hello (at transmitters) or Welcome (at receivers) of a peer: the stream is open.
  virtual absl::Status OnStream(int peer, const v1::Message& message) = 0;
  // A refusal of our Hello by `peer`, or the end of a stream with such a reason.
  virtual absl::Status OnStreamRefused(int peer, const std::string& reason);

  // ---- What a role uses.

  const Scenario& scenario() const { return scenario_; }
  const WindowPlan& plan() const { return plan_; }
  Phase phase() const { return phase_; }
  Transport* transport() { return transport_; }
  CpuMeter& cpu() { return cpu_; }
  FlopMeter& flops() { return flops_; }

  // The other role's nodes, by index.
  int peers() const;
  NodeId Peer(int index) const;
  // The pair with `peer` is part of this window (up, not cut), and has not failed in it.
  bool Linked(int peer) const;
  bool Alive(int peer) const { return Linked(peer) && !failed_[peer]; }
  // All linked peers either have it or have failed.
  bool AllHaveOrFailed(const std::vector<bool>& have) const;
  // A replay, in which this is to be left out again.
  bool FailedBefore(int peer, v1::PairFailure::Stage stage) const;
  // The pair counts as failed in the open window from now on.
  void FailPair(int peer, const std::string& why);
  void AddFailure(int peer, v1::PairFailure::Stage stage, v1::Report* report) const;

  // The stream to `peer` has been opened. The receiver tells the coordinator.
  void MarkStreamUp(int peer);
  bool StreamUp(int peer) const { return streams_.count(peer) > 0; }
  void SayPairStatus(int peer, bool up, const std::string& reason);

  // Sends with the attempt of the open window. A peer that can't be reached has failed; a
  // coordinator that can't is lost, and PeerDown will say so.
  absl::Status SendToPeer(int peer, v1::Message message);
  absl::Status SendInWindow(v1::Message message);
  absl::Status SendToCoordinator(v1::Message message);
  // report: from StartReport. Then phase kReported.
  absl::Status SendReport(v1::Report report);

  // Messages of the open attempt that can't be answered yet.
  absl::Status KeepEarly(int peer, const v1::Message& message);
  absl::Status ReplayEarly();

 private:
  // member_node.cc: joining, streams, the edge.
  absl::Status Guarded(const std::function<absl::Status()>& event);
  absl::Status Deliver(const NodeId& from, const v1::Message& message);
  absl::Status HandleCoordinator(const v1::Message& message);
  absl::Status HandlePeer(int peer, const v1::Message& message);
  absl::Status OnWelcome(const v1::Welcome& welcome);
  absl::Status Join(const v1::Welcome& welcome);
  absl::Status OnPairStatus(const v1::PairStatus& status);
  absl::Status OnCoordinatorRefusal(const v1::Refusal& refusal);
  absl::Status OnPeerRefusal(int peer, const v1::Message& message);
  absl::Status OnStop(const v1::Stop& stop);
  absl::Status CoordinatorDown(const absl::Status& why);
  absl::Status Refuse(const NodeId& to, uint64_t attempt, const absl::Status& why);

  // member_window.cc: windows.
  absl::Status OnOpenWindow(const v1::OpenWindow& open, uint64_t attempt);
  absl::StatusOr<WindowPlan> CheckOpenWindow(const v1::OpenWindow& open, uint64_t attempt) const;
  absl::Status OnCommit(const v1::Commit& commit);
  absl::Status OnAbort(const v1::Abort& abort);
  absl::Status HandleInWindow(const v1::Message& message);
  absl::Status OnParametersRequest(const v1::ParametersRequest& request);
  void DiscardWindow(const std::string& why);
  absl::Status Settle();

  // member_checkpoints.cc: state.
  absl::Status OpenCheckpoints(const std::string& scenario_text);
  absl::Status SayReady();
  absl::Status OnRestore(const v1::Restore& restore);
  absl::Status RestoreFrom(const v1::CheckpointId& id);
  absl::Status OnCheckpoint(const v1::Checkpoint& checkpoint);
  absl::StatusOr<store::CheckpointFolder::Written> WriteCheckpoint(uint64_t window);
  absl::Status ResetState();

  const NodeId self_;
  Transport* const transport_;
  const MemberOptions options_;
  Phase phase_ = Phase::kJoining;
  Scenario scenario_;
  std::string scenario_text_;
  std::string run_id_;
  google::protobuf::RepeatedPtrField<v1::NamedTensor> start_parameters_;
  std::optional<store::CheckpointFolder> checkpoints_;
  bool live_ = false;      // restored, or has taken part in a window
  bool changed_ = false;   // the state is another one than at the start
  std::set<int> streams_;  // peers whose data stream is open

  uint64_t next_window_ = 0;   // every window below has been applied or belongs to others
  uint64_t last_attempt_ = 0;  // the greatest one that was opened
  WindowPlan plan_;
  std::vector<bool> failed_;  // by peer, in this window
  EarlyMessages early_;
  // By peer: the last attempt that was not open yet when a message of it was refused. The peer
  // takes the pair for failed in it, so this end has to as well.
  std::map<int, uint64_t> refused_early_;
  CpuMeter cpu_;     // since the last report
  FlopMeter flops_;  // since the last report or, if it is later, since the open window was opened
  int refusals_ = 0;
};

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_MEMBER_NODE_H_
