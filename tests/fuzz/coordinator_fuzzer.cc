// A coordinator under any sequence of messages, losses and silences of two transmitters and two
// receivers.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "coordinator/coordinator_node.h"
#include "tests/coordinator/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate_message.h"
#include "tests/fuzz/require_limits.h"

namespace {

using semlink::NodeId;
using semlink::coordinator::CoordinatorNode;
using semlink::fuzz::Input;
using semlink::fuzz::Require;
namespace v1 = semlink::v1;
using Body = v1::Message::BodyCase;

class Game {
 public:
  Game() {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);  // it complains of each string that is not UTF-8
    semlink::coordinator::CoordinatorOptions options;
    options.scenario = scenario_;
    options.out_dir = folder_ / "run";
    options.job.test_size = 18;
    auto node = CoordinatorNode::Create(options, &transport_, &clock_);
    Require(node.ok(), node.ok() ? "" : node.status().message());
    node_ = *std::move(node);
  }

  void Play(Input* input) {
    // All join, or some, in an order that the input gives.
    if (input->Below(4) != 0) {
      for (const NodeId& node : nodes_) Deliver(node, semlink::coordinator::HelloFrom(node));
      for (const NodeId& node : nodes_) Ready(node);
      for (int pair = 0; pair < 4; ++pair) Pair(pair, true);
    }
    while (!input->empty() && !node_->done()) Act(input);
  }

 private:
  void Act(Input* input) {
    const NodeId node = nodes_[static_cast<size_t>(input->Below(4))];
    switch (input->Below(16)) {
      case 0:
      case 1:
      case 2:
        return Say(input, node, Claim(input, node));
      case 3:
      case 4:
      case 5:
      case 6:
        return Say(input, node, Report(node));
      case 7:
        return Say(input, node, semlink::coordinator::HelloFrom(node));
      case 8:
        return Say(input, node, ReadyInDoubt(input));
      case 9:
        return Say(input, node, Restored());
      case 10:
        return Pair(input->Below(4), input->Below(2) == 1);
      case 11:
        return Say(input, node, Parameters(node));
      case 12:
        return Say(input, node, Checkpointed());
      case 13:
        Require(node_->PeerDown(node, absl::UnavailableError("cut")).ok(), "it copes");
        return;
      case 14:
        clock_.Advance(absl::Seconds(input->Below(200)));
        Require(node_->Tick().ok(), "it copes");
        return;
      default:
        return SayAnything(input, node);
    }
  }

  // The last of a kind that it has sent to `to`; empty if there is none.
  v1::Message Last(Body kind) const {
    for (auto i = transport_.sent.rbegin(); i != transport_.sent.rend(); ++i) {
      if (i->second.body_case() == kind) return i->second;
    }
    return {};
  }
  v1::OpenWindow Open() const { return Last(Body::kOpenWindow).open_window(); }

  void Say(Input* input, const NodeId& from, v1::Message message) {
    message.set_attempt(Last(Body::kOpenWindow).attempt());
    const auto* body = message.GetReflection()->GetOneofFieldDescriptor(
        message, message.GetDescriptor()->oneof_decl(0));
    if (body != nullptr && input->Below(2) == 1) {
      semlink::fuzz::MutateSome(input, message.GetReflection()->MutableMessage(&message, body));
    }
    v1::Message copy;  // as it would come over the wire
    if (copy.ParseFromString(message.SerializeAsString())) Deliver(from, copy);
  }
  void SayAnything(Input* input, const NodeId& from) {
    v1::Message message;
    const size_t size = input->Byte();
    if (message.ParseFromString(std::string(input->Bytes(size)))) Deliver(from, message);
  }
  void Deliver(const NodeId& from, const v1::Message& message) {
    if (node_->done()) return;
    Require(node_->Handle(from, message).ok(), "no message ends the coordinator's loop");
    CheckSent();
  }

  v1::Message Claim(Input* input, const NodeId& node) {
    v1::Message message;
    *message.mutable_claim() = semlink::coordinator::MakeClaim(Open().window());
    const int links = input->Below(3);
    for (int i = 0; i < links; ++i) {
      const uint8_t link = input->Byte();
      *message.mutable_claim()->add_link() = semlink::coordinator::MakeLink(
          node.index, link & 1, link >> 1 & 1, {uint32_t(link >> 2 & 1), 2, 3});
    }
    return message;
  }
  v1::Message Report(const NodeId& node) const {
    const v1::OpenWindow open = Open();
    const uint64_t samples =
        open.kind() == v1::EVALUATE ? open.samples() : open.rounds() * open.batch_size();
    v1::Message message;
    *message.mutable_report() =
        node.role == semlink::Role::kReceiver
            ? semlink::coordinator::ReceiverReport(open.window(), scenario_.K(), samples, 1, 0.5)
            : semlink::coordinator::TransmitterReport(open.window());
    return message;
  }
  void Ready(const NodeId& node) {
    Deliver(node, semlink::coordinator::ReadyMessage());
    Deliver(node, semlink::coordinator::RestoredMessage(0));
  }
  v1::Message ReadyInDoubt(Input* input) const {
    v1::Message message;
    v1::Ready* ready = message.mutable_ready();
    ready->set_live(input->Below(2) == 1);
    ready->set_in_doubt(ready->live() && input->Below(2) == 1);
    ready->set_next_window(Open().window());
    ready->set_attempt(ready->in_doubt() ? Last(Body::kOpenWindow).attempt() : 0);
    return message;
  }
  v1::Message Restored() const {
    return semlink::coordinator::RestoredMessage(
        Last(Body::kRestore).restore().checkpoint().window());
  }
  void Pair(int pair, bool up) {
    Deliver(NodeId::Receiver(pair & 1), semlink::coordinator::PairMessage(pair >> 1, pair & 1, up));
  }
  v1::Message Parameters(const NodeId& node) const {
    v1::Message message;
    v1::NamedTensor* tensor = message.mutable_parameters()->add_tensor();
    message.mutable_parameters()->set_window(
        Last(Body::kParametersRequest).parameters_request().window());
    tensor->set_name("a");
    tensor->mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
    tensor->mutable_tensor()->add_shape(1);
    tensor->mutable_tensor()->set_data(std::string(4, '\0'));
    return message;
  }
  v1::Message Checkpointed() const {
    v1::Message message;
    v1::CheckpointId* id = message.mutable_checkpointed()->mutable_checkpoint();
    id->set_window(Last(Body::kCheckpoint).checkpoint().window());
    id->set_sha256(std::string(64, 'a'));
    return message;
  }

  // All who take part in an attempt hear the same outcome, a window commits in one attempt, and
  // grants keep the limits. One who lies about being in doubt about an attempt of others is told
  // Abort, whatever becomes of it.
  void CheckSent() {
    for (; checked_ < transport_.sent.size(); ++checked_) {
      const auto& [to, message] = transport_.sent[checked_];
      if (message.has_open_window()) members_[message.attempt()].insert(to);
      if (message.has_grant()) {
        semlink::fuzz::RequireLimits(message.grant().link(), scenario_.limits.e_t,
                                     scenario_.limits.e_k);
      }
      const bool outcome = message.has_commit() || message.has_abort();
      if (!outcome || members_[message.attempt()].count(to) == 0) continue;
      const auto [known, first] = committed_.emplace(message.attempt(), message.has_commit());
      Require(first || known->second == message.has_commit(), "members hear the same outcome");
      if (!message.has_commit()) continue;
      const auto [of, new_window] =
          attempt_of_.emplace(message.commit().window(), message.attempt());
      Require(new_window || of->second == message.attempt(), "a window commits in one attempt");
    }
  }

  const semlink::Scenario scenario_ = semlink::coordinator::SmallScenario();
  const std::vector<NodeId> nodes_ = semlink::coordinator::AllNodes(scenario_);
  semlink::TempDir folder_;
  semlink::RecordingTransport transport_;
  semlink::FakeClock clock_;
  std::unique_ptr<CoordinatorNode> node_;
  size_t checked_ = 0;
  std::map<uint64_t, std::set<NodeId>> members_;  // by attempt
  std::map<uint64_t, bool> committed_;            // by attempt: its outcome
  std::map<uint64_t, uint64_t> attempt_of_;       // by committed window
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Game().Play(&input);
  return 0;
}
