// Plays coordinator and transmitters to one receiver.
#ifndef SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_
#define SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/codec/tensor_codec.h"
#include "common/scenario/reader.h"
#include "receiver/receiver_node.h"
#include "tests/method/tiny_scenario.h"
#include "tests/transport/recording_transport.h"

namespace semlink::receiver {

using Body = v1::Message::BodyCase;

// Receiver 2 of the tiny scenario: digit.
class ReceiverDriver {
 public:
  explicit ReceiverDriver(const Scenario& scenario = TinyScenario(), bool connect = true,
                          const std::string& state_folder = "")
      : scenario(scenario), node(1, &transport, &clock, {state_folder}) {
    Welcome();
    for (int k = 0; connect && k < 2; ++k) Connected(k);
  }

  void Welcome() {
    v1::Message welcome;
    welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario));
    welcome.mutable_welcome()->set_run_id("run1");
    welcome.mutable_welcome()->add_transmitter_address("host1:1");
    welcome.mutable_welcome()->add_transmitter_address("host2:1");
    FromCoordinator(welcome);
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
  void FromTransmitter(int k, v1::Message message) {
    if (message.attempt() == 0) message.set_attempt(attempt);
    const absl::Status status = node.Handle(NodeId::Transmitter(k), message);
    EXPECT_TRUE(status.ok()) << status;
  }
  void Connected(int k) {
    v1::Message welcome;
    welcome.mutable_welcome();
    FromTransmitter(k, welcome);
  }

  // Opens a window; requests[k] are the rounds asked of transmitter k.
  void Open(const v1::OpenWindow& window) {
    open = window;
    ++attempt;
    transport.sent.clear();
    v1::Message message;
    *message.mutable_open_window() = window;
    FromCoordinator(message);
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
    const auto sent = transport.Of(Body::kGradients, NodeId::Transmitter(k));
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Gradients() : sent.back().gradients();
  }
  v1::Report LastReport() const {
    const auto sent = transport.Of(Body::kReport, NodeId::Coordinator());
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Report() : sent.back().report();
  }
  v1::Ready LastReady() const {
    const auto sent = transport.Of(Body::kReady, NodeId::Coordinator());
    EXPECT_FALSE(sent.empty());
    return sent.empty() ? v1::Ready() : sent.back().ready();
  }
  std::vector<v1::PairStatus> PairsSaid() const {
    std::vector<v1::PairStatus> said;
    for (const v1::Message& message : transport.Of(Body::kPairStatus, NodeId::Coordinator()))
      said.push_back(message.pair_status());
    return said;
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
  FakeClock clock;
  ReceiverNode node;
  v1::OpenWindow open;
  uint64_t attempt = 0;
  std::vector<std::vector<uint32_t>> requests;
};

}  // namespace semlink::receiver

#endif  // SEMLINK_TESTS_RECEIVER_RECEIVER_DRIVER_H_
