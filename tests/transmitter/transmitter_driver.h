// Plays coordinator and receivers to one transmitter.
#ifndef SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_
#define SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/codec/tensor_codec.h"
#include "tests/method/member_driver.h"
#include "transmitter/transmitter_node.h"

namespace semlink::transmitter {

using Body = v1::Message::BodyCase;

// Transmitter 2 of the tiny scenario: image_fft, noise, noise.
class TransmitterDriver : public MemberDriver {
 public:
  explicit TransmitterDriver(const Scenario& scenario = TinyScenario(),
                             const std::string& state_folder = "", const v1::Parameters& start = {})
      : MemberDriver(scenario, start), node(1, &transport, {state_folder}) {
    Welcome();
    for (int t = 0; t < 2; ++t) Connected(t);
  }

  void Welcome() { MemberDriver::Welcome({}); }
  void Connected(int t) {
    v1::Message hello;
    hello.mutable_hello();
    FromReceiver(t, hello);
  }
  void FromReceiver(int t, const v1::Message& message) { From(NodeId::Receiver(t), message); }

  // The message in the attempt that the next Open starts.
  v1::Message Early(v1::Message message) const {
    message.set_attempt(attempt + 1);
    return message;
  }
  void Open(const v1::OpenWindow& window) { SendOpen(window); }
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
  v1::Claim LastClaim() const { return LastToCoordinator(Body::kClaim).claim(); }
  static v1::Message GrantOf(const v1::Claim& claim) {
    v1::Message message;
    message.mutable_grant()->set_window(claim.window());
    *message.mutable_grant()->mutable_link() = claim.link();
    return message;
  }
  v1::Features LastFeatures(int t) const {
    return LastTo(NodeId::Receiver(t), Body::kFeatures).features();
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

  TransmitterNode node;
  std::vector<std::vector<uint32_t>> requests;

 private:
  Node& member() override { return node; }
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TESTS_TRANSMITTER_TRANSMITTER_DRIVER_H_
