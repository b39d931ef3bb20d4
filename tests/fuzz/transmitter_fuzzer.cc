// A transmitter that has joined, under any sequence of messages from the coordinator and two
// receivers.
#include <vector>

#include "common/codec/tensor_codec.h"
#include "tests/fuzz/member_fuzz.h"
#include "transmitter/transmitter_node.h"

namespace {

using semlink::NodeId;
using semlink::fuzz::Body;
using semlink::fuzz::Input;
namespace v1 = semlink::v1;

class Game {
 public:
  Game() : others_(&node_, &transport_) {
    others_.Welcome(scenario_, {});
    for (int t = 0; t < 2; ++t) {
      v1::Message hello;
      hello.mutable_hello();
      others_.Deliver(NodeId::Receiver(t), hello);
    }
    others_.Deliver(NodeId::Coordinator(), semlink::fuzz::RestoreStart());
  }

  void Play(Input* input) {
    while (!input->empty() && !others_.ended()) Act(input);
  }

 private:
  void Act(Input* input) {
    const int what = input->Below(16), t = what & 1;
    const NodeId coordinator = NodeId::Coordinator(), receiver = NodeId::Receiver(t);
    switch (what) {
      case 0:
      case 1:
        return others_.Say(input, receiver, Request(input, t));
      case 2:
      case 3:
        return others_.Say(input, receiver, Gradients(t));
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
        return others_.Say(input, receiver, SampleRequest());
      case 11:
        return others_.Say(input, coordinator, Other(input));
      case 12:
        return others_.Lose(input->Below(3) == 0 ? coordinator : NodeId::Receiver(input->Below(2)));
      case 13:
        return others_.SayAnything(input, coordinator);
      default:
        return others_.SayAnything(input, receiver);
    }
  }

  v1::Message Request(Input* input, int t) {
    v1::Message message;
    message.mutable_request()->set_window(others_.open.window());
    requests_[t].clear();
    const uint8_t asked = input->Byte();
    for (uint32_t r = 0; r < others_.open.rounds(); ++r) {
      if (asked >> r & 1) requests_[t].push_back(r);
    }
    message.mutable_request()->mutable_round()->Add(requests_[t].begin(), requests_[t].end());
    if (others_.open.rounds() > 0) {
      message.mutable_request()->set_common_randomness_digest(
          semlink::Plan(scenario_, others_.open).digest);
    }
    return message;
  }
  v1::Message Grant() {
    v1::Message message;
    message.mutable_grant()->set_window(others_.open.window());
    *message.mutable_grant()->mutable_link() =
        others_.Last(Body::kClaim, NodeId::Coordinator()).claim().link();
    return message;
  }
  v1::Message Gradients(int t) {
    v1::Message message;
    v1::Gradients* gradients = message.mutable_gradients();
    gradients->set_window(others_.open.window());
    const v1::Message last = others_.Last(Body::kFeatures, NodeId::Receiver(t));
    for (const v1::LinkFeatures& part : last.features().link()) {
      v1::LinkGradients* link = gradients->add_link();
      link->set_modality(part.modality());
      *link->mutable_round() = part.round();
      *link->mutable_dz() = part.z();
    }
    for (uint32_t r : requests_[t]) {
      gradients->add_round(r);
      gradients->add_loss(1);
      gradients->add_advantage(0.5f);
    }
    return message;
  }
  v1::Message SampleRequest() {
    v1::Message message;
    message.mutable_sample_request()->set_window(others_.open.window());
    message.mutable_sample_request()->set_sequence(++sequence_);
    message.mutable_sample_request()->set_samples(2);
    return message;
  }
  v1::Message Other(Input* input) {
    v1::Message message;
    switch (input->Below(4)) {
      case 0:
        message.mutable_parameters_request()->set_window(others_.open.window());
        break;
      case 1:
        message.mutable_pair_status()->set_transmitter(1);
        break;
      case 2:
        return semlink::fuzz::RestoreStart();
      case 3:
        message.mutable_checkpoint()->set_window(others_.window);
        break;
    }
    return message;
  }

  const semlink::Scenario scenario_ = semlink::fuzz::FuzzScenario();
  semlink::RecordingTransport transport_;
  semlink::transmitter::TransmitterNode node_{1, &transport_};
  semlink::fuzz::Others others_;
  std::vector<uint32_t> requests_[2];
  uint64_t sequence_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Game().Play(&input);
  return 0;
}
