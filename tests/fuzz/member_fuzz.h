// What the fuzzers of transmitters and receivers share: a joined node, and peers that are honest,
// nearly honest or neither.
#ifndef SEMLINK_TESTS_FUZZ_MEMBER_FUZZ_H_
#define SEMLINK_TESTS_FUZZ_MEMBER_FUZZ_H_

#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/method/member_node.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate_message.h"
#include "tests/method/tiny_scenario.h"
#include "tests/transport/recording_transport.h"

namespace semlink::fuzz {

using Body = v1::Message::BodyCase;

// A test scenario that costs little to open: data are made once per input.
inline Scenario FuzzScenario() {
  Scenario scenario = TinyScenario();
  scenario.training.rounds_per_window = 3;
  scenario.training.batch_size = 2;
  scenario.model.hidden1 = 6;
  scenario.model.hidden2 = 4;
  scenario.model.embedding = 3;
  return scenario;
}

// Back to the parameters of the start.
inline v1::Message RestoreStart() {
  v1::Message message;
  message.mutable_restore()->mutable_checkpoint();
  return message;
}

// Plays everybody else to one node. `honest` messages are made by the role's fuzzer.
class Others {
 public:
  Others(Node* node, RecordingTransport* transport) : node_(node), transport_(transport) {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);  // it complains of each string that is not UTF-8
  }

  // The rest of the input decides what is changed in the message. A peer can't end the node.
  void Say(Input* input, const NodeId& from, v1::Message message) {
    message.set_attempt(attempt);
    MutateBody(input, &message);
    Deliver(from, message);
  }
  void Deliver(const NodeId& from, const v1::Message& message) {
    if (ended()) return;
    const v1::Message copy = Reparsed(message);
    const absl::Status status = node_->Handle(from, copy);
    if (status.ok()) return CheckSent();
    Require(from.role == Role::kCoordinator, "a peer's message does not end a node");
    ended_ = true;
  }
  void Lose(const NodeId& peer) {
    if (ended()) return;
    Require(node_->PeerDown(peer, absl::UnavailableError("cut")).ok(),
            "a break does not end a node");
  }
  void Welcome(const Scenario& scenario, const std::vector<std::string>& transmitter_addresses) {
    v1::Message message;
    message.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario));
    message.mutable_welcome()->set_run_id("run1");
    for (const std::string& address : transmitter_addresses) {
      message.mutable_welcome()->add_transmitter_address(address);
    }
    Deliver(NodeId::Coordinator(), message);
  }
  // Any message at all.
  void SayAnything(Input* input, const NodeId& from) {
    v1::Message message;
    const size_t size = input->Byte();
    if (!message.ParseFromString(std::string(input->Bytes(size)))) return;
    if (!MaySendTo(from, message)) return;
    Deliver(from, message);
  }
  bool ended() const { return ended_ || node_->done(); }

  v1::OpenWindow open;
  uint64_t window = 0;
  uint64_t attempt = 0;

  // The next window, or this one again.
  v1::Message OpenNext(const Scenario& scenario, int kind) {
    open = kind == 0   ? OpenTrain(scenario, window)
           : kind == 1 ? OpenEvaluate(scenario, window, 0, 5, 0)
                       : OpenInfer(scenario, window, 0);
    ++attempt;
    v1::Message message;
    *message.mutable_open_window() = open;
    return message;
  }

  // Commit or Abort of the open window.
  v1::Message Outcome(bool commit) {
    v1::Message message;
    if (commit) {
      message.mutable_commit()->set_window(open.window());
      window = open.window() + 1;
    } else {
      message.mutable_abort()->set_window(open.window());
    }
    return message;
  }

  // The last of a kind that the node has sent to `to`; empty if there is none.
  v1::Message Last(Body kind, const NodeId& to) const {
    for (auto i = transport_->sent.rbegin(); i != transport_->sent.rend(); ++i) {
      if (i->first == to && i->second.body_case() == kind) return i->second;
    }
    return {};
  }

 private:
  // One input in two leaves the message as it is.
  static void MutateBody(Input* input, v1::Message* message) {
    const int what = input->Below(2);
    if (what == 0) return;
    // Goes down into the body, not to the number of another kind.
    const google::protobuf::FieldDescriptor* body =
        message->GetReflection()->GetOneofFieldDescriptor(*message,
                                                          message->GetDescriptor()->oneof_decl(0));
    if (body == nullptr) return;
    MutateSome(input, message->GetReflection()->MutableMessage(message, body));
    if (input->Below(8) == 0) message->set_attempt(message->attempt() + input->Byte() - 128);
  }
  // As it would come over the wire: no string that protobuf would refuse.
  static v1::Message Reparsed(const v1::Message& message) {
    v1::Message copy;
    if (!copy.ParseFromString(message.SerializeAsString())) return {};
    return copy;
  }
  bool MaySendTo(const NodeId& from, const v1::Message& message) const {
    // These two end the run, as they should.
    return !message.has_stop() && !(from.role == Role::kCoordinator && message.has_refusal());
  }
  void CheckSent() {
    for (; checked_ < transport_->sent.size(); ++checked_) {
      const auto& [to, message] = transport_->sent[checked_];
      Require(message.ByteSizeLong() <= kMaxMessageBytes, "no message is too long to be sent");
      if (!message.has_report()) continue;
      Require(++reports_[message.attempt()] == 1, "one report for each attempt");
    }
  }

  Node* node_;
  RecordingTransport* transport_;
  bool ended_ = false;
  size_t checked_ = 0;
  std::map<uint64_t, int> reports_;
};

}  // namespace semlink::fuzz

#endif  // SEMLINK_TESTS_FUZZ_MEMBER_FUZZ_H_
