#include "tests/coordinator/fake_cluster.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"

namespace semlink::coordinator {
namespace {

std::string Hash(const std::string& text) { return Sha256Hex(text); }

bool IsOfWindow(const v1::Message& message) { return message.has_claim() || message.has_report(); }

}  // namespace

std::string FreshState(const NodeId& id) { return Hash(id.ToString()); }

FakeCluster::FakeCluster(const Scenario& scenario, std::string dir, RandomStream* random)
    : scenario_(scenario), dir_(std::move(dir)), random_(random), ids_(AllNodes(scenario)) {
  options_.scenario = scenario;
  options_.out_dir = dir_;
  options_.job.test_size = 18;
  for (const NodeId& id : ids_) {
    nodes_[id] = std::make_unique<FakeNode>(id);
    Fresh(nodes_[id].get());
  }
}

void FakeCluster::Fresh(FakeNode* node) {
  node->incarnation = ++incarnations_;
  node->live = false;
  node->state = FreshState(node->id);
  node->next_window = 0;
  node->attempt = 0;
  node->reported = false;
  node->failed.clear();
}

absl::Status FakeCluster::StartCoordinator(bool resume) {
  options_.resume_dir = resume ? dir_ : "";
  auto made = CoordinatorNode::Create(options_, this, &clock_);
  if (!made.ok()) return made.status();
  coordinator_ = *std::move(made);
  for (const NodeId& id : ids_) {
    if (node(id).running) Reconnect(id);
  }
  return absl::OkStatus();
}

void FakeCluster::KillCoordinator() {
  coordinator_.reset();
  for (const NodeId& id : ids_) {
    node(id).connected = false;
    node(id).inbox.clear();
    node(id).outbox.clear();
  }
}

void FakeCluster::Reconnect(const NodeId& id) {
  FakeNode& n = node(id);
  if (n.connected || !n.running || coordinator_ == nullptr) return;
  n.connected = true;
  n.stopped = false;
  v1::Message hello = HelloFrom(id);
  hello.mutable_hello()->set_incarnation(n.incarnation);
  n.outbox.push_back(std::move(hello));
}

void FakeCluster::BreakStream(const NodeId& id) {
  FakeNode& n = node(id);
  if (!n.connected) return;
  n.connected = false;
  n.inbox.clear();
  n.outbox.clear();
  if (coordinator_ == nullptr) return;
  coordinator_->PeerDown(id, absl::UnavailableError("stream broke")).IgnoreError();
}

void FakeCluster::KillNode(const NodeId& id) {
  FakeNode& n = node(id);
  n.running = false;
  BreakStream(id);
  Fresh(&n);
  // The other ends of its data streams notice.
  for (const NodeId& other : ids_) {
    if (other.role == id.role || !node(other).connected) continue;
    const int k = id.role == Role::kTransmitter ? id.index : other.index;
    const int t = id.role == Role::kTransmitter ? other.index : id.index;
    v1::Message down;
    down.mutable_pair_status()->set_transmitter(k);
    down.mutable_pair_status()->set_receiver(t);
    down.mutable_pair_status()->set_reason("peer died");
    Say(&node(other), std::move(down));
  }
}

void FakeCluster::RestartNode(const NodeId& id) {
  FakeNode& n = node(id);
  if (n.running) return;
  n.running = true;
  Reconnect(id);
  if (id.role != Role::kTransmitter) return;
  for (const NodeId& other : ids_) {
    if (other.role == Role::kReceiver) SayPairs(&node(other));
  }
}

void FakeCluster::KillEverything() {
  KillCoordinator();
  for (const NodeId& id : ids_) KillNode(id);
}

void FakeCluster::RestartAllNodes() {
  for (const NodeId& id : ids_) RestartNode(id);
}

bool FakeCluster::PairOpen(int k, int t) const {
  return broken_pairs_.count({k, t}) == 0 && nodes_.at(NodeId::Transmitter(k))->running &&
         nodes_.at(NodeId::Receiver(t))->running;
}

void FakeCluster::FailPair(int k, int t) {
  if (!broken_pairs_.insert({k, t}).second) return;
  for (const NodeId& id : {NodeId::Transmitter(k), NodeId::Receiver(t)}) {
    v1::Message down;
    down.mutable_pair_status()->set_transmitter(k);
    down.mutable_pair_status()->set_receiver(t);
    down.mutable_pair_status()->set_reason("stream broke");
    FakeNode& n = node(id);
    if (n.attempt != 0 && !n.reported) {
      v1::PairFailure failure;
      failure.set_transmitter(k);
      failure.set_receiver(t);
      failure.set_stage(id.role == Role::kTransmitter ? v1::PairFailure::GRADIENTS
                                                      : v1::PairFailure::FEATURES);
      n.failed.push_back(failure);
    }
    Say(&n, std::move(down));
  }
}

bool FakeCluster::WaitsForAPeer(const FakeNode& node) const {
  const bool transmitter = node.id.role == Role::kTransmitter;
  const auto& up = transmitter ? node.open.receiver_up() : node.open.transmitter_up();
  return std::any_of(ids_.begin(), ids_.end(), [&](const NodeId& id) {
    return id.role != node.id.role && up[id.index] && nodes_.at(id)->stuck;
  });
}

void FakeCluster::MendPair(int k, int t) {
  broken_pairs_.erase({k, t});
  SayPairs(&node(NodeId::Receiver(t)));
}

void FakeCluster::SayPairs(FakeNode* node) {
  for (int k = 0; k < scenario_.K(); ++k) {
    if (!PairOpen(k, node->id.index)) continue;
    v1::Message up;
    up.mutable_pair_status()->set_transmitter(k);
    up.mutable_pair_status()->set_receiver(node->id.index);
    up.mutable_pair_status()->set_up(true);
    Say(node, std::move(up));
  }
}

void FakeCluster::Say(FakeNode* node, v1::Message message) {
  if (!node->connected) return;
  if (IsOfWindow(message)) history_[node->id].push_back(message);
  node->outbox.push_back(std::move(message));
}

void FakeCluster::RepeatOldMessage(const NodeId& id) {
  const std::vector<v1::Message>& said = history_[id];
  if (said.empty() || !node(id).connected) return;
  const uint32_t back = random_ != nullptr ? random_->UniformInt(8) : 0;
  node(id).outbox.push_back(said[said.size() - 1 - std::min<size_t>(back, said.size() - 1)]);
}

absl::Status FakeCluster::Send(const NodeId& to, v1::Message message) {
  const auto found = nodes_.find(to);
  if (found == nodes_.end() || !found->second->connected) {
    return absl::UnavailableError("no connection");
  }
  sent_.emplace_back(to, message);
  found->second->inbox.push_back(std::move(message));
  return absl::OkStatus();
}

std::vector<v1::Message> FakeCluster::Sent(v1::Message::BodyCase kind, const NodeId& to) const {
  std::vector<v1::Message> found;
  for (const auto& [id, message] : sent_) {
    if (id == to && message.body_case() == kind) found.push_back(message);
  }
  return found;
}

bool FakeCluster::Step() {
  const size_t queues = 2 * ids_.size();
  size_t first = random_ != nullptr ? random_->UniformInt(static_cast<uint32_t>(queues)) : turn_++;
  for (size_t i = 0; i < queues; ++i) {
    const size_t queue = (first + i) % queues;
    FakeNode& n = node(ids_[queue / 2]);
    std::deque<v1::Message>& box = queue % 2 == 0 ? n.inbox : n.outbox;
    if (box.empty() || (n.stuck && queue % 2 == 0)) continue;
    const v1::Message message = box.front();
    box.pop_front();
    if (queue % 2 == 0) {
      Handle(&n, message);
    } else if (coordinator_ != nullptr) {
      coordinator_->Handle(n.id, message).IgnoreError();
    }
    return true;
  }
  return false;
}

void FakeCluster::RunUntil(uint64_t windows) {
  while (!done() && committed() < windows && Step()) {
  }
  while (done() && Step()) {  // the nodes hear of the end
  }
}

void FakeCluster::Wait(absl::Duration duration) {
  clock_.Advance(duration);
  if (coordinator_ != nullptr) coordinator_->Tick().IgnoreError();
}

bool FakeCluster::RunUntilSent(v1::Message::BodyCase kind, const NodeId& to) {
  for (;;) {
    for (const v1::Message& message : node(to).inbox) {
      if (message.body_case() == kind) return true;
    }
    if (done() || !Step()) return false;
  }
}

std::vector<nlohmann::json> FakeCluster::Events(const std::string& name) const {
  std::vector<nlohmann::json> found;
  for (nlohmann::json& event : ReadJsonLines(dir_ + "/events.jsonl")) {
    if (event["event"] == name) found.push_back(std::move(event));
  }
  return found;
}

std::map<NodeId, std::string> FakeCluster::States() const {
  std::map<NodeId, std::string> states;
  for (const auto& [id, n] : nodes_) states[id] = n->state;
  return states;
}

void FakeCluster::Handle(FakeNode* node, const v1::Message& message) {
  v1::Message answer;
  switch (message.body_case()) {
    case v1::Message::kWelcome:
      return OnWelcome(node);
    case v1::Message::kPairStatus:
      // Only the other end has lost it, or it has been opened again.
      return node->id.role == Role::kReceiver ? SayPairs(node) : void();
    case v1::Message::kOpenWindow:
      return OnOpenWindow(node, message);
    case v1::Message::kGrant:
      if (message.attempt() != node->attempt) return;
      node->grant = message.grant();
      return WaitsForAPeer(*node) ? void() : SendReport(node);
    case v1::Message::kCommit:
      return OnOutcome(node, message, true);
    case v1::Message::kAbort:
      return OnOutcome(node, message, false);
    case v1::Message::kRestore:
      return OnRestore(node, message.restore().checkpoint());
    case v1::Message::kCheckpoint:
      return OnCheckpoint(node, message.checkpoint());
    case v1::Message::kParametersRequest: {
      answer.mutable_parameters()->set_window(message.parameters_request().window());
      v1::NamedTensor* tensor = answer.mutable_parameters()->add_tensor();
      tensor->set_name("state");
      tensor->mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
      tensor->mutable_tensor()->add_shape(16);
      tensor->mutable_tensor()->set_data(node->state);
      return Say(node, std::move(answer));
    }
    case v1::Message::kStop:
      node->stopped = true;
      return;
    case v1::Message::kRefusal:
      ++node->refusals;
      return;
    default:
      return;
  }
}

void FakeCluster::OnWelcome(FakeNode* node) {
  if (!node->reported) node->attempt = 0;  // what it had not reported can't commit
  v1::Message message;
  v1::Ready* ready = message.mutable_ready();
  ready->set_live(node->live);
  if (node->live) {
    ready->set_next_window(node->next_window);
    ready->set_in_doubt(node->reported);
    if (node->reported) {
      ready->set_next_window(node->open.window());
      ready->set_attempt(node->attempt);
    }
  }
  for (const auto& [window, state] : node->files) {
    v1::CheckpointId* id = ready->add_checkpoint();
    id->set_window(window);
    id->set_sha256(Hash(state));
  }
  Say(node, std::move(message));
  if (node->id.role == Role::kReceiver) SayPairs(node);
}

v1::Claim FakeCluster::ClaimOf(const FakeNode& node) const {
  const int k = node.id.index;
  v1::Claim claim;
  claim.set_window(node.open.window());
  RandomStream stream(std::stoull(node.state.substr(0, 15), nullptr, 16), Purpose::kTrim,
                      node.open.window() + (node.other_software ? 1 : 0));
  for (int t = 0; t < scenario_.T(); ++t) {
    const bool cut =
        std::any_of(node.open.cut().begin(), node.open.cut().end(), [&](const auto& c) {
          return static_cast<int>(c.transmitter()) == k && static_cast<int>(c.receiver()) == t;
        });
    for (int m = 0; m < scenario_.M(k); ++m) {
      const bool wanted = stream.Uniform() < 0.6f;  // always drawn
      if (!wanted || cut || !node.open.receiver_up(t)) continue;
      *claim.add_link() = MakeLink(k, m, t, {0, 2});  // may exceed E_t and E_k: is refused then
    }
  }
  return claim;
}

void FakeCluster::OnOpenWindow(FakeNode* node, const v1::Message& message) {
  node->live = true;
  node->open = message.open_window();
  node->attempt = message.attempt();
  node->reported = false;
  node->failed.clear();
  for (const v1::PairFailure& failure : node->open.failed()) {
    const bool own = node->id.role == Role::kTransmitter
                         ? static_cast<int>(failure.transmitter()) == node->id.index &&
                               failure.stage() != v1::PairFailure::FEATURES
                         : static_cast<int>(failure.receiver()) == node->id.index &&
                               failure.stage() == v1::PairFailure::FEATURES;
    if (own) node->failed.push_back(failure);
  }
  if (node->id.role != Role::kTransmitter || WaitsForAPeer(*node)) return;
  v1::Message claim;
  claim.set_attempt(node->attempt);
  *claim.mutable_claim() = ClaimOf(*node);
  Say(node, std::move(claim));
}

void FakeCluster::SendReport(FakeNode* node) {
  const uint64_t window = node->open.window();
  const bool evaluate = node->open.kind() == v1::EVALUATE;
  const uint64_t samples =
      evaluate ? node->open.samples() : node->open.rounds() * node->open.batch_size();
  v1::Message message;
  message.set_attempt(node->attempt);
  *message.mutable_report() =
      node->id.role == Role::kTransmitter
          ? TransmitterReport(window)
          : ReceiverReport(window, scenario_.K(), samples, samples / 2.0, 0.5);
  for (const v1::PairFailure& failure : node->failed) {
    *message.mutable_report()->add_failed() = failure;
  }
  node->reported = true;
  Say(node, std::move(message));
}

void FakeCluster::OnOutcome(FakeNode* node, const v1::Message& message, bool commit) {
  if (node->attempt == 0 || message.attempt() != node->attempt) return;
  const bool steps = commit && node->reported;
  if (steps && node->open.kind() == v1::TRAIN) {
    std::string text = absl::StrCat(node->state, "/", node->open.window(), "/");
    for (const v1::LinkRounds& link : node->grant.link()) text += link.SerializeAsString();
    for (const v1::PairFailure& failure : node->failed) text += failure.SerializeAsString();
    node->state = Hash(text);
  }
  if (steps) node->next_window = node->open.window() + 1;
  if (steps && !node->open.replay()) steps_.insert({node->open.window(), node->attempt});
  node->attempt = 0;
  node->reported = false;
}

void FakeCluster::OnRestore(FakeNode* node, const v1::CheckpointId& checkpoint) {
  v1::Message message;
  v1::Restored* restored = message.mutable_restored();
  restored->set_window(checkpoint.window());
  const auto file = node->files.find(checkpoint.window());
  if (checkpoint.window() == 0) {
    node->state = FreshState(node->id);
    restored->set_ok(true);
  } else if (file != node->files.end() && node->damaged.count(checkpoint.window()) == 0) {
    node->state = file->second;
    restored->set_ok(true);
  } else {
    restored->set_detail("damaged: wrong checksum");
  }
  if (restored->ok()) {
    node->live = true;
    node->next_window = checkpoint.window();
    node->attempt = 0;
    node->reported = false;
  }
  Say(node, std::move(message));
}

void FakeCluster::OnCheckpoint(FakeNode* node, const v1::Checkpoint& checkpoint) {
  v1::Message message;
  v1::Checkpointed* written = message.mutable_checkpointed();
  written->mutable_checkpoint()->set_window(checkpoint.window());
  if (node->disk_full) {
    written->set_detail("no space left on device");
  } else {
    node->files[checkpoint.window()] = node->state;
    node->damaged.erase(checkpoint.window());
    written->mutable_checkpoint()->set_sha256(Hash(node->state));
    written->set_bytes(64);
    node->files.erase(node->files.begin(), node->files.lower_bound(checkpoint.keep_from()));
  }
  Say(node, std::move(message));
}

}  // namespace semlink::coordinator
