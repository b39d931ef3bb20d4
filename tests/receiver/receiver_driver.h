// Plays coordinator and transmitters to one receiver.
#ifndef SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_
#define SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/codec/tensor_codec.h"
#include "receiver/receiver_node.h"
#include "tests/method/member_driver.h"

namespace semlink::receiver {

using Body = v1::Message::BodyCase;

// Receiver 2 of the tiny scenario: digit.
class ReceiverDriver : public MemberDriver {
 public:
  explicit ReceiverDriver(const Scenario& scenario = TinyScenario(), bool connect = true,
                          const std::string& state_folder = "", const v1::Parameters& start = {})
      : MemberDriver(scenario, start), node(1, &transport, &clock, {state_folder}) {
    Welcome();
    for (int k = 0; connect && k < 2; ++k) Connected(k);
  }

  void Welcome() { MemberDriver::Welcome({"host1:1", "host2:1"}); }
  void FromTransmitter(int k, const v1::Message& message) { From(NodeId::Transmitter(k), message); }
  void Connected(int k) {
    v1::Message welcome;
    welcome.mutable_welcome();
    FromTransmitter(k, welcome);
  }

  // Opens a window; requests[k] are the rounds asked of transmitter k.
  void Open(const v1::OpenWindow& window) {
    transport.sent.clear();
    SendOpen(window);
    requests.assign(2, {});
    for (int k = 0; k < 2; ++k) {
      for (const v1::Message& sent : transport.Of(Body::kRequest, NodeId::Transmitter(k)))
        requests[k].assign(sent.request().round().begin(), sent.request().round().end());
    }
  }
  // What a generous coordinator grants: of transmitter 1 its second modality, of transmitter 2 its
  // first and third, in every round that asked for them.
  v1::Message Grant() const {
    v1::Message message;
    message.mutable_grant()->set_window(open.window());
    for (const auto& [k, m] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{1, 2}}) {
      if (requests[k].empty()) continue;
      v1::LinkRounds* link = message.mutable_grant()->add_link();
      link->set_transmitter(k);
      link->set_modality(m);
      link->set_task(1);
      link->mutable_round()->Add(requests[k].begin(), requests[k].end());
    }
    return message;
  }
  // The features of transmitter k for Grant(): any numbers, but always the same.
  v1::Message Features(int k) const {
    const method::WindowPlan plan = Plan(scenario, open);
    v1::Message message;
    message.mutable_features()->set_window(open.window());
    const v1::Message grant = Grant();
    for (const v1::LinkRounds& link : grant.grant().link()) {
      if (static_cast<int>(link.transmitter()) != k) continue;
      v1::LinkFeatures* part = message.mutable_features()->add_link();
      part->set_modality(link.modality());
      *part->mutable_round() = link.round();
      const int64_t rows = plan.rows({link.round().begin(), link.round().end()});
      *part->mutable_z() = codec::EncodeFloat32(Numbers(
          {rows, scenario.model.embedding}, 100 * open.window() + 10 * k + link.modality()));
      for (int i = 0; i < link.round_size(); ++i) part->add_rate_nats(0.5f * static_cast<float>(i));
    }
    return message;
  }
  // The rest of an open window, in good order.
  void Report() {
    FromCoordinator(Grant());
    for (int k = 0; k < 2; ++k) FromTransmitter(k, Features(k));
  }
  void Finish() {
    Report();
    Commit();
  }
  void RunTrain(uint64_t window) {
    Open(OpenTrain(scenario, window));
    Finish();
  }
  v1::Gradients LastGradients(int k) const {
    return LastTo(NodeId::Transmitter(k), Body::kGradients).gradients();
  }
  std::vector<v1::PairStatus> PairsSaid() const {
    std::vector<v1::PairStatus> said;
    for (const v1::Message& message : transport.Of(Body::kPairStatus, NodeId::Coordinator()))
      said.push_back(message.pair_status());
    return said;
  }
  FakeClock clock;
  ReceiverNode node;
  std::vector<std::vector<uint32_t>> requests;

 private:
  Node& member() override { return node; }
};

}  // namespace semlink::receiver

#endif  // SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_
