#include "common/transport/protocol.h"

#include <algorithm>
#include <climits>

#include "absl/strings/str_cat.h"

namespace semlink {
namespace {

// The two kinds of stream there are: node <-> coordinator, receiver <-> transmitter.
bool Connected(Role a, Role b) {
  const auto is_node = [](Role r) { return r == Role::kTransmitter || r == Role::kReceiver; };
  if (a == Role::kCoordinator) return is_node(b);
  if (b == Role::kCoordinator) return is_node(a);
  return is_node(a) && is_node(b) && a != b;
}

}  // namespace

const char* TrafficKind(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kRequest:
    case v1::Message::kSampleRequest:
      return "request";
    case v1::Message::kFeatures:
      return "feature";
    case v1::Message::kGradients:
      return "gradient";
    default:
      return "control";
  }
}

bool IsTrafficKind(const std::string& kind) {
  return kind == "request" || kind == "feature" || kind == "gradient" || kind == "control";
}

const char* MessageName(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kHello:
      return "Hello";
    case v1::Message::kWelcome:
      return "Welcome";
    case v1::Message::kRefusal:
      return "Refusal";
    case v1::Message::kOpenWindow:
      return "OpenWindow";
    case v1::Message::kRequest:
      return "Request";
    case v1::Message::kClaim:
      return "Claim";
    case v1::Message::kGrant:
      return "Grant";
    case v1::Message::kFeatures:
      return "Features";
    case v1::Message::kGradients:
      return "Gradients";
    case v1::Message::kReport:
      return "Report";
    case v1::Message::kCommit:
      return "Commit";
    case v1::Message::kAbort:
      return "Abort";
    case v1::Message::kParametersRequest:
      return "ParametersRequest";
    case v1::Message::kParameters:
      return "Parameters";
    case v1::Message::kSampleRequest:
      return "SampleRequest";
    case v1::Message::kInferStart:
      return "InferStart";
    case v1::Message::kInferReport:
      return "InferReport";
    case v1::Message::kHeartbeat:
      return "Heartbeat";
    case v1::Message::kStop:
      return "Stop";
    case v1::Message::kReady:
      return "Ready";
    case v1::Message::kAddresses:
      return "Addresses";
    case v1::Message::kRestore:
      return "Restore";
    case v1::Message::kRestored:
      return "Restored";
    case v1::Message::kCheckpoint:
      return "Checkpoint";
    case v1::Message::kCheckpointed:
      return "Checkpointed";
    case v1::Message::kPairStatus:
      return "PairStatus";
    case v1::Message::kSetFaults:
      return "SetFaults";
    case v1::Message::kSuffer:
      return "Suffer";
    case v1::Message::kFaultsSet:
      return "FaultsSet";
    case v1::Message::BODY_NOT_SET:
      break;
  }
  return "a message without a body";
}

bool MaySend(Role from, Role to, const v1::Message& message) {
  if (!Connected(from, to)) return false;
  const bool from_coordinator = from == Role::kCoordinator;
  const bool to_coordinator = to == Role::kCoordinator;
  const bool up = from == Role::kReceiver && to == Role::kTransmitter;
  const bool down = from == Role::kTransmitter && to == Role::kReceiver;
  switch (message.body_case()) {
    case v1::Message::kRefusal:
    case v1::Message::kHeartbeat:
      return true;
    case v1::Message::kHello:
      return to_coordinator || up;
    case v1::Message::kWelcome:
      return from_coordinator || down;
    case v1::Message::kRequest:
    case v1::Message::kGradients:
    case v1::Message::kSampleRequest:
      return up;
    case v1::Message::kFeatures:
      return down;
    case v1::Message::kClaim:
      return to_coordinator && from == Role::kTransmitter;
    case v1::Message::kInferReport:
      return to_coordinator && from == Role::kReceiver;
    case v1::Message::kReport:
    case v1::Message::kParameters:
    case v1::Message::kReady:
    case v1::Message::kRestored:
    case v1::Message::kCheckpointed:
    case v1::Message::kFaultsSet:
      return to_coordinator;
    case v1::Message::kPairStatus:
      return to_coordinator || from_coordinator;
    case v1::Message::kAddresses:
    case v1::Message::kInferStart:
      return from_coordinator && to == Role::kReceiver;
    case v1::Message::kOpenWindow:
    case v1::Message::kGrant:
    case v1::Message::kCommit:
    case v1::Message::kAbort:
    case v1::Message::kParametersRequest:
    case v1::Message::kRestore:
    case v1::Message::kCheckpoint:
    case v1::Message::kSetFaults:
    case v1::Message::kSuffer:
    case v1::Message::kStop:
      return from_coordinator;
    case v1::Message::BODY_NOT_SET:
      break;
  }
  return false;
}

absl::Status ClosedByPeer() { return absl::UnavailableError("it closed the connection"); }

absl::Status CheckMaySend(const NodeId& from, const NodeId& to, const v1::Message& message) {
  if (message.has_hello()) {
    return absl::InvalidArgumentError("a node must not send Hello: the transport sends it");
  }
  if (MaySend(from.role, to.role, message)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(from.ToString(), " may not send ", MessageName(message), " to ", to.ToString()));
}

absl::Status CheckSize(const NodeId& to, const v1::Message& message, std::size_t bytes,
                       std::size_t limit) {
  if (bytes <= limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(MessageName(message), " for ", to.ToString(), " has ", bytes, " bytes; at most ",
                   limit, " are allowed: use fewer rounds or smaller batches"));
}

v1::NodeName ToProto(const NodeId& id) {
  v1::NodeName name;
  switch (id.role) {
    case Role::kCoordinator:
      name.set_role(v1::COORDINATOR);
      break;
    case Role::kTransmitter:
      name.set_role(v1::TRANSMITTER);
      break;
    case Role::kReceiver:
      name.set_role(v1::RECEIVER);
      break;
    case Role::kOperator:
      name.set_role(v1::OPERATOR);
      break;
  }
  name.set_index(static_cast<uint32_t>(std::max(id.index, 0)));
  return name;
}

NodeId FromProto(const v1::NodeName& name) {
  const int index = static_cast<int>(std::min<uint32_t>(name.index(), INT_MAX));
  switch (name.role()) {
    case v1::COORDINATOR:
      return {Role::kCoordinator, index};
    case v1::TRANSMITTER:
      return {Role::kTransmitter, index};
    case v1::RECEIVER:
      return {Role::kReceiver, index};
    default:
      return {Role::kOperator, index};  // may send nothing to anybody
  }
}

}  // namespace semlink
