#include "common/method/member_node.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"

namespace semlink::method {

MemberNode::MemberNode(const NodeId& self, Transport* transport, MemberOptions options)
    : self_(self), transport_(transport), options_(std::move(options)) {}

absl::Status MemberNode::Handle(const NodeId& from, const v1::Message& message) {
  return Guarded([&] { return Deliver(from, message); });
}

absl::Status MemberNode::PeerDown(const NodeId& peer, const absl::Status& why) {
  if (phase_ == Phase::kDone) return absl::OkStatus();
  return Guarded([&]() -> absl::Status {
    if (peer.role == Role::kCoordinator) return CoordinatorDown(why);
    spdlog::warn("lost {}: {}", peer.ToString(), std::string(why.message()));
    if (streams_.erase(peer.index) > 0) {
      SayPairStatus(peer.index, false, std::string(why.message()));
      FailPair(peer.index, std::string(why.message()));
    }
    if (absl::IsPermissionDenied(why))
      return OnStreamRefused(peer.index, std::string(why.message()));
    return absl::OkStatus();
  });
}

// The edge of the node: what becomes possible by an event is done, nothing is thrown, and the
// coordinator hears why this node can't go on.
absl::Status MemberNode::Guarded(const std::function<absl::Status()>& event) {
  const CpuMeter::Scope timed(&cpu_);
  const FlopMeter::Scope counted(&flops_);
  absl::Status status;
  try {
    status = event();
    if (status.ok()) status = Settle();
  } catch (const std::bad_alloc&) {
    status = absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    status = absl::InternalError(absl::StrCat("unexpected error: ", error.what()));
  }
  if (!status.ok() && phase_ != Phase::kDone) {
    v1::Message message;
    message.mutable_refusal()->set_reason(v1::Refusal::FAILED);
    message.mutable_refusal()->set_detail(std::string(status.message()));
    transport_->Send(NodeId::Coordinator(), std::move(message)).IgnoreError();
  }
  return status;
}

absl::Status MemberNode::Deliver(const NodeId& from, const v1::Message& message) {
  if (phase_ == Phase::kDone) return absl::OkStatus();
  absl::Status status;
  if (from.role == Role::kCoordinator) {
    status = HandleCoordinator(message);
  } else if (from == Peer(from.index)) {
    status = HandlePeer(from.index, message);
  } else {
    spdlog::warn("ignored a {} of {}", MessageName(message), from.ToString());
  }
  return absl::IsInvalidArgument(status) ? Refuse(from, message.attempt(), status) : status;
}

absl::Status MemberNode::HandleCoordinator(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kWelcome:
      return OnWelcome(message.welcome());
    case v1::Message::kRefusal:
      return OnCoordinatorRefusal(message.refusal());
    case v1::Message::kStop:
      return OnStop(message.stop());
    default:
      break;
  }
  if (phase_ == Phase::kJoining) {
    return absl::InvalidArgumentError(absl::StrCat(MessageName(message), " before Welcome"));
  }
  switch (message.body_case()) {
    case v1::Message::kAddresses:
      return OnAddresses(message.addresses().transmitter_address());
    case v1::Message::kPairStatus:
      return OnPairStatus(message.pair_status());
    case v1::Message::kRestore:
      return OnRestore(message.restore());
    case v1::Message::kCheckpoint:
      return OnCheckpoint(message.checkpoint());
    case v1::Message::kParametersRequest:
      return OnParametersRequest(message.parameters_request());
    case v1::Message::kOpenWindow:
      return OnOpenWindow(message.open_window(), message.attempt());
    default:
      return HandleInWindow(message);
  }
}

absl::Status MemberNode::OnWelcome(const v1::Welcome& welcome) {
  if (phase_ == Phase::kJoining) {
    const absl::Status joined = Join(welcome);
    // A scenario or parameters that make no sense can't be answered by a refusal: there is nothing
    // to go on with.
    if (absl::IsInvalidArgument(joined)) return absl::FailedPreconditionError(joined.message());
    RETURN_IF_ERROR(joined);
    cpu_.Take();  // loading the data is no window's work
  } else if (welcome.run_id() != run_id_ || welcome.scenario_yaml() != scenario_text_) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the coordinator welcomes to ",
        welcome.run_id() != run_id_ ? absl::StrCat("run ", welcome.run_id()) : "another scenario",
        ", but this node holds state of run ", run_id_, ": start it again to take part"));
  } else {
    spdlog::info("back in run {}", run_id_);
    if (phase_ == Phase::kOpen) DiscardWindow("the coordinator has begun anew");
  }
  RETURN_IF_ERROR(SayReady());
  if (self_.role == Role::kReceiver) {
    for (int peer : streams_) SayPairStatus(peer, true, "");
  }
  return OnAddresses(welcome.transmitter_address());
}

absl::Status MemberNode::Join(const v1::Welcome& welcome) {
  ASSIGN_OR_RETURN(scenario_,
                   ParseScenario(welcome.scenario_yaml(), "scenario from the coordinator"));
  const int nodes = self_.role == Role::kTransmitter ? scenario_.K() : scenario_.T();
  if (self_.index >= nodes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the scenario has ", nodes, " of this kind, this is ", self_.ToString()));
  }
  RETURN_IF_ERROR(OpenCheckpoints(welcome.scenario_yaml()));
  RETURN_IF_ERROR(Load());
  if (welcome.parameters_size() > 0) {
    NodeState state = State();
    RETURN_IF_ERROR(LoadParameters(welcome.parameters(), &state));
    start_parameters_ = welcome.parameters();
  }
  scenario_text_ = welcome.scenario_yaml();
  run_id_ = welcome.run_id();
  phase_ = Phase::kIdle;
  spdlog::info("joined run {}: {} training samples", run_id_, train_size());
  return absl::OkStatus();
}

absl::Status MemberNode::OnAddresses(const google::protobuf::RepeatedPtrField<std::string>&) {
  return absl::OkStatus();
}

absl::Status MemberNode::OnInferStart(const v1::InferStart&) {
  return absl::InvalidArgumentError("InferStart is for receivers");
}

absl::Status MemberNode::OnCoordinatorRefusal(const v1::Refusal& refusal) {
  if (refusal.reason() == v1::Refusal::BAD_MESSAGE ||
      refusal.reason() == v1::Refusal::DUPLICATE_NODE) {
    // A complaint, or the transport tries again by itself.
    spdlog::warn("the coordinator refused: {}", refusal.detail());
    return absl::OkStatus();
  }
  phase_ = Phase::kDone;
  return absl::PermissionDeniedError(
      absl::StrCat("the coordinator refused this node: ", refusal.detail()));
}

absl::Status MemberNode::OnStop(const v1::Stop& stop) {
  phase_ = Phase::kDone;
  if (!stop.failed()) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("the run failed: ", stop.reason()));
}

// The transport dials on, except after a refusal that is final, a coordinator that can't prove to
// be one, or a wait that the user has limited.
absl::Status MemberNode::CoordinatorDown(const absl::Status& why) {
  if (absl::IsPermissionDenied(why) || absl::IsUnauthenticated(why) ||
      absl::IsDeadlineExceeded(why)) {
    return absl::Status(why.code(), absl::StrCat("lost the coordinator: ", why.message()));
  }
  spdlog::warn("lost the coordinator: {}; dialling again", std::string(why.message()));
  if (phase_ == Phase::kOpen) DiscardWindow("the coordinator is lost");
  return absl::OkStatus();
}

absl::Status MemberNode::HandlePeer(int peer, const v1::Message& message) {
  if (message.has_refusal()) return OnPeerRefusal(peer, message);
  if (message.has_hello() || message.has_welcome()) return OnStream(peer, message);
  if (phase_ == Phase::kJoining || peer >= peers()) {
    spdlog::warn("ignored a {} of {}", MessageName(message), Peer(peer).ToString());
    return absl::OkStatus();
  }
  const bool known = message.has_request() || message.has_features() || message.has_gradients() ||
                     message.has_sample_request();
  if (!known || !MaySend(Peer(peer).role, self_.role, message)) {
    return absl::InvalidArgumentError(absl::StrCat(MessageName(message), " is not expected here"));
  }
  if (message.attempt() > last_attempt_) return early_.Keep(peer, message);
  const bool within = phase_ == Phase::kOpen || phase_ == Phase::kReported;
  if (!within || message.attempt() != plan_.attempt) return absl::OkStatus();  // of the past
  if (!Linked(peer)) {
    return absl::InvalidArgumentError(
        absl::StrCat(MessageName(message), " over a pair that is not part of this window"));
  }
  if (failed_[peer]) return absl::OkStatus();
  return OnData(peer, message);
}

absl::Status MemberNode::OnPeerRefusal(int peer, const v1::Message& message) {
  const v1::Refusal& refusal = message.refusal();
  spdlog::warn("{} refused: {}", Peer(peer).ToString(), refusal.detail());
  if (refusal.reason() == v1::Refusal::BAD_MESSAGE) {
    if (message.attempt() == plan_.attempt) FailPair(peer, "it refused a message");
    return absl::OkStatus();
  }
  if (refusal.reason() == v1::Refusal::DUPLICATE_NODE) return absl::OkStatus();
  return OnStreamRefused(peer, refusal.detail());
}

absl::Status MemberNode::OnStreamRefused(int, const std::string&) { return absl::OkStatus(); }

absl::Status MemberNode::OnPairStatus(const v1::PairStatus& status) {
  const bool transmitter = self_.role == Role::kTransmitter;
  const uint32_t own = transmitter ? status.transmitter() : status.receiver();
  const uint32_t other = transmitter ? status.receiver() : status.transmitter();
  if (own != static_cast<uint32_t>(self_.index) || other >= static_cast<uint32_t>(peers())) {
    return absl::InvalidArgumentError("PairStatus about a pair that this node does not have");
  }
  if (status.up()) return absl::OkStatus();
  const int peer = static_cast<int>(other);
  FailPair(peer, status.reason());
  // It has been opened again since, or only the other end lost it: the pair stays out until this
  // end says so.
  if (!transmitter && StreamUp(peer)) SayPairStatus(peer, true, "");
  return absl::OkStatus();
}

absl::Status MemberNode::Refuse(const NodeId& to, uint64_t attempt, const absl::Status& why) {
  ++refusals_;
  spdlog::warn("refused a message of {}: {}", to.ToString(), std::string(why.message()));
  v1::Message message;
  message.set_attempt(attempt);
  message.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  message.mutable_refusal()->set_detail(std::string(why.message()));
  transport_->Send(to, std::move(message)).IgnoreError();  // best effort: the peer may be gone
  if (to.role == Role::kCoordinator) return absl::OkStatus();
  if (attempt == plan_.attempt) FailPair(to.index, std::string(why.message()));
  if (attempt > last_attempt_) refused_early_[to.index] = attempt;
  return absl::OkStatus();
}

int MemberNode::peers() const {
  return self_.role == Role::kTransmitter ? scenario_.T() : scenario_.K();
}

NodeId MemberNode::Peer(int index) const {
  return self_.role == Role::kTransmitter ? NodeId::Receiver(index) : NodeId::Transmitter(index);
}

void MemberNode::MarkStreamUp(int peer) {
  streams_.insert(peer);
  if (self_.role == Role::kReceiver) SayPairStatus(peer, true, "");
}

void MemberNode::SayPairStatus(int peer, bool up, const std::string& reason) {
  const bool transmitter = self_.role == Role::kTransmitter;
  v1::Message message;
  v1::PairStatus* status = message.mutable_pair_status();
  status->set_transmitter(transmitter ? self_.index : peer);
  status->set_receiver(transmitter ? peer : self_.index);
  status->set_up(up);
  status->set_reason(reason);
  // A coordinator that can't be reached learns it after its next Welcome.
  transport_->Send(NodeId::Coordinator(), std::move(message)).IgnoreError();
}

absl::Status MemberNode::SendToPeer(int peer, v1::Message message) {
  message.set_attempt(plan_.attempt);
  const absl::Status sent = transport_->Send(Peer(peer), std::move(message));
  if (absl::IsUnavailable(sent)) {
    FailPair(peer, std::string(sent.message()));
    return absl::OkStatus();
  }
  // Not for the peer to answer for.
  return absl::IsInvalidArgument(sent) ? absl::InternalError(sent.message()) : sent;
}

absl::Status MemberNode::SendInWindow(v1::Message message) {
  message.set_attempt(plan_.attempt);
  return SendToCoordinator(std::move(message));
}

absl::Status MemberNode::SendToCoordinator(v1::Message message) {
  const absl::Status sent = transport_->Send(NodeId::Coordinator(), std::move(message));
  if (absl::IsUnavailable(sent)) return absl::OkStatus();
  return absl::IsInvalidArgument(sent) ? absl::InternalError(sent.message()) : sent;
}

absl::Status MemberNode::KeepEarly(int peer, const v1::Message& message) {
  return early_.Keep(peer, message);
}

absl::Status MemberNode::ReplayEarly() {
  for (const EarlyMessages::Entry& entry : early_.Take(plan_.attempt)) {
    RETURN_IF_ERROR(Deliver(Peer(entry.peer), entry.message));
  }
  return absl::OkStatus();
}

}  // namespace semlink::method
