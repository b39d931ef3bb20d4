// Plays coordinator and receivers to one transmitter.
#ifndef SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_
#define SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/codec/tensor_codec.h"
#include "common/scenario/reader.h"
#include "tests/method/tiny_scenario.h"
#include "tests/transport/recording_transport.h"
#include "transmitter/transmitter_node.h"

namespace semlink::transmitter {

using Body = v1::Message::BodyCase;

// Transmitter 2 of the tiny scenario: image_fft, noise, noise.
class TransmitterDriver {
 public:
  explicit TransmitterDriver(const Scenario& scenario = TinyScenario(),
                             const std::string& state_folder = "")
      : scenario(scenario), node(1, &transport, {state_folder}) {
    Welcome();
    for (int t = 0; t < 2; ++t) Connected(t);
  }

  void Welcome() {
    v1::Message welcome;
    welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario));
    welcome.mutable_welcome()->set_run_id("run1");
    FromCoordinator(welcome);
  }
  void Connected(int t) {
    v1::Message hello;
    hello.mutable_hello();
    FromReceiver(t, hello);
  }
  void Lose(const NodeId& peer) {
    const absl::Status status = node.PeerDown(peer, absl::UnavailableError("cable cut"));
    EXPECT_TRUE(status.ok()) << status;
  }

  // Messages of windows carry the attempt of the last Open, unless they say otherwise.
  absl::Status TryFromCoordinator(v1::Message message) {
    if (message.attempt() == 0) message.set_attempt(attempt);
    return node.Handle(NodeId::Coordinator(), message);
  }
  void FromCoordinator(const v1::Message& message) {
    const absl::Status status = TryFromCoordinator(message);
    EXPECT_TRUE(status.ok()) << status;
  }
  void FromReceiver(int t, v1::Message message) {
    if (message.attempt() == 0) message.set_attempt(attempt);
    const absl::Status status = node.Handle(NodeId::Receiver(t), message);
    EXPECT_TRUE(status.ok()) << status;
  }

  // The same for the attempt that the next Open starts.
  v1::Message Early(v1::Message message) const {
    message.set_attempt(attempt + 1);
    return message;
  }
  void Open(const v1::OpenWindow& window) {
    open = window;
    ++attempt;
    v1::Message message;
    *message.mutable_open_window() = window;
    FromCoordinator(message);
  }
  v1::Message Request(const v1::OpenWindow& window, const std::vector<uint32_t>& rounds) const {
    v1::Message message;
    message.mutable_request()->set_window(window.window());
    message.mutable_request()->mutable_round()->Add(rounds.begin(), rounds.end());
    message.mutable_request()->set_common_randomness_digest(Plan(scenario, window).digest);
    return message;
  }
  // Both receivers ask; returns the claim.
  v1::Claim Ask(const std::vector<uint32_t>& first, const std::vector<uint32_t>& second) {
    requests = {first, second};
    for (int t = 0; t < 2; ++t) FromReceiver(t, Request(open, requests[t]));
    return LastClaim();
  }
  v1::Claim LastClaim() const {
    const auto claims = transport.Of(Body::kClaim, NodeId::Coordinator());
    EXPECT_FALSE(claims.empty());
    return claims.empty() ? v1::Claim() : claims.back().claim();
  }
  static v1::Message GrantOf(const v1::Claim& claim) {
    v1::Message message;
    message.mutable_grant()->set_window(claim.window());
    *message.mutable_grant()->mutable_link() = claim.link();
    return message;
  }
  v1::Features LastFeatures(int t) const {
    const auto sent = transport.Of(Body::kFeatures, NodeId::Receiver(t));
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Features() : sent.back().features();
  }
  // What receiver t answers to the features that it got last: any numbers, but always the same.
  v1::Message Gradients(int t) const {
    const v1::Features features = LastFeatures(t);
    v1::Message message;
    v1::Gradients* gradients = message.mutable_gradients();
    gradients->set_window(open.window());
    for (const v1::LinkFeatures& part : features.link()) {
      v1::LinkGradients* link = gradients->add_link();
      link->set_modality(part.modality());
      *link->mutable_round() = part.round();
      *link->mutable_dz() = codec::EncodeFloat32(
          Numbers({part.z().shape(0), part.z().shape(1)}, 10 * open.window() + part.modality()));
    }
    for (uint32_t round : requests[t]) {
      gradients->add_round(round);
      gradients->add_loss(1);
      gradients->add_advantage(0.5f * static_cast<float>(round) - 0.75f);
    }
    return message;
  }
  v1::Ready LastReady() const {
    const auto sent = transport.Of(Body::kReady, NodeId::Coordinator());
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Ready() : sent.back().ready();
  }
  v1::Report LastReport() const {
    const auto sent = transport.Of(Body::kReport, NodeId::Coordinator());
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Report() : sent.back().report();
  }
  v1::Checkpointed Checkpoint(uint64_t window, uint64_t keep_from = 0) {
    v1::Message message;
    message.mutable_checkpoint()->set_window(window);
    message.mutable_checkpoint()->set_keep_from(keep_from);
    FromCoordinator(message);
    return transport.Of(Body::kCheckpointed, NodeId::Coordinator()).back().checkpointed();
  }
  v1::Restored Restore(const v1::CheckpointId& id) {
    v1::Message message;
    *message.mutable_restore()->mutable_checkpoint() = id;
    FromCoordinator(message);
    return transport.Of(Body::kRestored, NodeId::Coordinator()).back().restored();
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
  // A whole window in good order, granted as claimed.
  void Report(uint64_t window) {
    Open(OpenTrain(scenario, window));
    FromCoordinator(GrantOf(Ask({0, 1, 2, 3}, {1, 2, 4})));
    for (int t = 0; t < 2; ++t) FromReceiver(t, Gradients(t));
  }
  void RunTrain(uint64_t window) {
    Report(window);
    Commit();
  }

  // What the node sends when it is asked for its parameters.
  std::string Parameters() {
    v1::Message message;
    message.mutable_parameters_request();
    FromCoordinator(message);
    const auto sent = transport.Of(Body::kParameters, NodeId::Coordinator());
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? "" : sent.back().SerializeAsString();
  }
  size_t Count(Body kind) const { return transport.Of(kind).size(); }

  Scenario scenario;
  RecordingTransport transport;
  TransmitterNode node;
  v1::OpenWindow open;
  uint64_t attempt = 0;
  std::vector<std::vector<uint32_t>> requests;
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_
