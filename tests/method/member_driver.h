// Plays everybody else to one node: what the tests of transmitters and receivers share.
#ifndef SEMLINK_TESTS_METHOD_MEMBER_DRIVER_H_
#define SEMLINK_TESTS_METHOD_MEMBER_DRIVER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/scenario/reader.h"
#include "common/transport/transport.h"
#include "tests/method/tiny_scenario.h"
#include "tests/transport/recording_transport.h"

namespace semlink {

// Messages carry the attempt of the window that was opened last, unless they say otherwise.
class MemberDriver {
 public:
  using Body = v1::Message::BodyCase;

  // start: the parameters that the coordinator hands out; empty: the node makes fresh ones.
  MemberDriver(const Scenario& scenario, const v1::Parameters& start)
      : scenario(scenario), start(start) {}
  virtual ~MemberDriver() = default;

  void Lose(const NodeId& peer) {
    const absl::Status status = member().PeerDown(peer, absl::UnavailableError("cable cut"));
    EXPECT_TRUE(status.ok()) << status;
  }
  absl::Status TryFrom(const NodeId& from, v1::Message message) {
    if (message.attempt() == 0) message.set_attempt(attempt);
    return member().Handle(from, message);
  }
  void From(const NodeId& from, const v1::Message& message) {
    const absl::Status status = TryFrom(from, message);
    EXPECT_TRUE(status.ok()) << status;
  }
  absl::Status TryFromCoordinator(const v1::Message& message) {
    return TryFrom(NodeId::Coordinator(), message);
  }
  void FromCoordinator(const v1::Message& message) { From(NodeId::Coordinator(), message); }

  // The first message of every connection to the coordinator.
  void Welcome(const std::vector<std::string>& transmitter_addresses) {
    v1::Message message;
    message.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario));
    message.mutable_welcome()->set_run_id("run1");
    *message.mutable_welcome()->mutable_parameters() = start.tensor();
    for (const std::string& address : transmitter_addresses) {
      message.mutable_welcome()->add_transmitter_address(address);
    }
    FromCoordinator(message);
  }
  void Commit() {
    v1::Message message;
    message.mutable_commit()->set_window(open.window());
    FromCoordinator(message);
  }
  void Abort() {
    v1::Message message;
    message.mutable_abort()->set_window(open.window());
    FromCoordinator(message);
  }
  v1::Checkpointed Checkpoint(uint64_t window, uint64_t keep_from = 0) {
    v1::Message message;
    message.mutable_checkpoint()->set_window(window);
    message.mutable_checkpoint()->set_keep_from(keep_from);
    FromCoordinator(message);
    return LastToCoordinator(Body::kCheckpointed).checkpointed();
  }
  v1::Restored Restore(const v1::CheckpointId& id) {
    v1::Message message;
    *message.mutable_restore()->mutable_checkpoint() = id;
    FromCoordinator(message);
    return LastToCoordinator(Body::kRestored).restored();
  }
  // What the node sends when it is asked for its parameters.
  v1::Parameters AskParameters() {
    v1::Message message;
    message.mutable_parameters_request();
    FromCoordinator(message);
    return LastToCoordinator(Body::kParameters).parameters();
  }
  std::string Parameters() { return AskParameters().SerializeAsString(); }

  v1::Report LastReport() const { return LastToCoordinator(Body::kReport).report(); }
  v1::Ready LastReady() const { return LastToCoordinator(Body::kReady).ready(); }
  size_t Count(Body kind) const { return transport.Of(kind).size(); }

  Scenario scenario;
  v1::Parameters start;
  RecordingTransport transport;
  v1::OpenWindow open;
  uint64_t attempt = 0;

 protected:
  virtual Node& member() = 0;

  // The last message of this kind; a failure if there is none.
  v1::Message LastTo(const NodeId& to, Body kind) const {
    const auto sent = transport.Of(kind, to);
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Message() : sent.back();
  }
  v1::Message LastToCoordinator(Body kind) const { return LastTo(NodeId::Coordinator(), kind); }

  // Opens a window in a new attempt.
  void SendOpen(const v1::OpenWindow& window) {
    open = window;
    ++attempt;
    v1::Message message;
    *message.mutable_open_window() = window;
    FromCoordinator(message);
  }
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_METHOD_MEMBER_DRIVER_H_
