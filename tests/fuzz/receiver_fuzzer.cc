// A receiver that has joined, under any sequence of messages from the coordinator and two
// transmitters.
#include <utility>
#include <vector>

#include "common/codec/tensor_codec.h"
#include "receiver/receiver_node.h"
#include "tests/fuzz/member_fuzz.h"

namespace {

using semlink::NodeId;
using semlink::fuzz::Body;
using semlink::fuzz::Input;
namespace v1 = semlink::v1;

class Game {
 public:
  Game() : others_(&node_, &transport_) {
    others_.Welcome(scenario_, {"host:1", "host:1"});
    for (int k = 0; k < 2; ++k) {
      v1::Message opened;
      opened.mutable_welcome();
      others_.Deliver(NodeId::Transmitter(k), opened);
    }
    others_.Deliver(NodeId::Coordinator(), semlink::fuzz::RestoreStart());
  }

  void Play(Input* input) {
    while (!input->empty() && !others_.ended()) Act(input);
  }

 private:
  void Act(Input* input) {
    const int what = input->Below(16), k = what & 1;
    const NodeId coordinator = NodeId::Coordinator(), transmitter = NodeId::Transmitter(k);
    switch (what) {
      case 0:
      case 1:
      case 2:
      case 3:
        return others_.Say(input, transmitter, Features(k));
      case 4:
        return others_.Say(input, coordinator, others_.OpenNext(scenario_, 0));
      case 5:
        return others_.Say(input, coordinator, others_.OpenNext(scenario_, 1 + input->Below(2)));
      case 6:
      case 7:
        return others_.Say(input, coordinator, Grant());
      case 8:
        return others_.Say(input, coordinator, others_.Outcome(true));
      case 9:
        return others_.Say(input, coordinator, others_.Outcome(false));
      case 10:
        return others_.Say(input, coordinator, InferStart());
      case 11:
        return others_.Say(input, coordinator, Other(input));
      case 12:
        return others_.Lose(input->Below(3) == 0 ? coordinator
                                                 : NodeId::Transmitter(input->Below(2)));
      case 13:
        return others_.SayAnything(input, coordinator);
      default:
        return others_.SayAnything(input, transmitter);
    }
  }

  // The rounds of the open window in which it asked for transmitter k.
  std::vector<uint32_t> Asked(int k) const {
    const v1::Message last = others_.Last(Body::kRequest, NodeId::Transmitter(k));
    if (last.attempt() != others_.attempt) return {};
    std::vector<uint32_t> asked;
    for (uint32_t r : last.request().round()) {
      // Of a changed OpenWindow it may have understood more rounds than the honest one has.
      if (r < others_.open.rounds()) asked.push_back(r);
    }
    return asked;
  }
  v1::Message Grant() const {
    v1::Message message;
    message.mutable_grant()->set_window(others_.open.window());
    for (const auto& [k, m] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{1, 2}}) {
      const std::vector<uint32_t> asked = Asked(k);
      if (asked.empty()) continue;
      v1::LinkRounds* link = message.mutable_grant()->add_link();
      link->set_transmitter(k);
      link->set_modality(m);
      link->set_task(1);
      link->mutable_round()->Add(asked.begin(), asked.end());
    }
    return message;
  }
  v1::Message Features(int k) const {
    v1::Message message;
    message.mutable_features()->set_window(others_.open.window());
    const v1::Message asked = others_.Last(Body::kSampleRequest, NodeId::Transmitter(k));
    const bool infer = others_.open.kind() == v1::INFER;
    if (infer) message.mutable_features()->set_sequence(asked.sample_request().sequence());
    const v1::Message grant = Grant();
    for (const v1::LinkRounds& link : grant.grant().link()) {
      if (static_cast<int>(link.transmitter()) != k) continue;
      v1::LinkFeatures* part = message.mutable_features()->add_link();
      part->set_modality(link.modality());
      *part->mutable_round() = link.round();
      const int64_t rows = infer ? asked.sample_request().samples() % 64
                                 : semlink::Plan(scenario_, others_.open)
                                       .rows({link.round().begin(), link.round().end()});
      *part->mutable_z() = semlink::codec::EncodeFloat32(
          semlink::Numbers({rows, scenario_.model.embedding}, link.modality()));
      for (int i = 0; i < link.round_size(); ++i) part->add_rate_nats(0.5f);
    }
    return message;
  }
  v1::Message InferStart() const {
    v1::Message message;
    v1::InferStart* start = message.mutable_infer_start();
    start->set_window(others_.open.window());
    start->set_samples(5);
    start->set_batch_size(2);
    start->set_in_flight(2);
    return message;
  }
  v1::Message Other(Input* input) const {
    v1::Message message;
    switch (input->Below(5)) {
      case 0:
        message.mutable_parameters_request()->set_window(others_.open.window());
        break;
      case 1:
        message.mutable_pair_status()->set_receiver(1);
        break;
      case 2:
        return semlink::fuzz::RestoreStart();
      case 3:
        message.mutable_checkpoint()->set_window(others_.window);
        break;
      case 4:
        for (int k = 0; k < 2; ++k) message.mutable_addresses()->add_transmitter_address("host:2");
        break;
    }
    return message;
  }

  const semlink::Scenario scenario_ = semlink::fuzz::FuzzScenario();
  semlink::RecordingTransport transport_;
  semlink::FakeClock clock_;
  semlink::receiver::ReceiverNode node_{1, &transport_, &clock_};
  semlink::fuzz::Others others_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Game().Play(&input);
  return 0;
}
