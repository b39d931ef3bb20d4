// Nodes without tensors around a real coordinator: they follow docs/protocol.md, keep checkpoints,
// and have a state that depends on every window that they stepped on, so that a replay that differs
// in anything ends in another state. The test decides who dies, and when.
#ifndef SEMLINK_TESTS_COORDINATOR_FAKE_CLUSTER_H_
#define SEMLINK_TESTS_COORDINATOR_FAKE_CLUSTER_H_

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "coordinator/coordinator_node.h"
#include "semlink/v1/message.pb.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {

// One process of a node, and its folder of checkpoints, which outlives it.
struct FakeNode {
  explicit FakeNode(const NodeId& node) : id(node) {}

  NodeId id;
  bool running = true;
  bool connected = false;
  uint64_t incarnation = 0;
  std::deque<v1::Message> inbox;   // from the coordinator
  std::deque<v1::Message> outbox;  // to the coordinator

  // In memory.
  bool live = false;  // it has state of this run
  std::string state;  // of its parameters
  uint64_t next_window = 0;
  v1::OpenWindow open;
  uint64_t attempt = 0;  // of the open window; 0: none is open
  bool reported = false;
  v1::Grant grant;
  std::vector<v1::PairFailure> failed;  // in the open window
  bool stopped = false;
  int refusals = 0;

  // On disk.
  std::map<uint64_t, std::string> files;  // state by window
  std::set<uint64_t> damaged;             // listed, but can't be read
  bool disk_full = false;

  bool stuck = false;           // handles nothing; its connection lives, its peers wait for it
  bool other_software = false;  // draws other links from the same state
};

// Two transmitters and two receivers, with a checkpoint every 5 windows, of which 2 are kept.
inline Scenario ClusterScenario(int windows) {
  Scenario scenario = SmallScenario();
  scenario.training.windows = windows;
  scenario.checkpoint.every = 5;
  scenario.checkpoint.keep = 2;
  scenario.evaluation.cr_draws = 1;
  return scenario;
}

class FakeCluster : public Transport {
 public:
  // Selects who is served next; nullptr: in turn.
  FakeCluster(const Scenario& scenario, std::string dir, RandomStream* random = nullptr);

  // The coordinator starts, anew or again, and the connected nodes join.
  absl::Status StartCoordinator(bool resume);
  // Its process ends. Nodes keep their state and what they have not been told.
  void KillCoordinator();
  void KillNode(const NodeId& id);     // loses its memory
  void RestartNode(const NodeId& id);  // comes back with its files
  void KillEverything();
  void RestartAllNodes();
  void BreakStream(const NodeId& id);  // keeps its memory
  void Reconnect(const NodeId& id);
  void FailPair(int k, int t);
  void MendPair(int k, int t);
  // The last messages of `node` that belong to a window, once more.
  void RepeatOldMessage(const NodeId& node);

  // Delivers one message, if there is one.
  bool Step();
  // Until the run is done, or `windows` are committed, or nothing is left to deliver.
  void RunUntil(uint64_t windows);
  void RunToTheEnd() { RunUntil(UINT64_MAX); }
  // Until a node was sent such a message that it has not handled. False if that never comes.
  bool RunUntilSent(v1::Message::BodyCase kind, const NodeId& to);
  // The clock moves on, and the coordinator notices.
  void Wait(absl::Duration duration);

  FakeNode& node(const NodeId& id) { return *nodes_.at(id); }
  CoordinatorNode* coordinator() { return coordinator_.get(); }
  uint64_t committed() { return coordinator_->status_board().Read().window; }
  bool done() const { return coordinator_ != nullptr && coordinator_->done(); }
  const std::string& dir() const { return dir_; }
  std::vector<nlohmann::json> Events(const std::string& name) const;
  const std::vector<NodeId>& ids() const { return ids_; }
  // (window, attempt) pairs on which any node stepped, replays left out.
  const std::set<std::pair<uint64_t, uint64_t>>& steps() const { return steps_; }
  std::map<NodeId, std::string> States() const;
  // What the coordinator sent since ClearSent().
  std::vector<v1::Message> Sent(v1::Message::BodyCase kind, const NodeId& to) const;
  void ClearSent() { sent_.clear(); }

  // Transport, the coordinator's.
  absl::Status Connect(const NodeId&, const std::string&) override { return absl::OkStatus(); }
  absl::Status Send(const NodeId& to, v1::Message message) override;
  std::vector<v1::Traffic> TrafficSnapshot() const override { return {}; }
  std::vector<v1::Wire> WireSnapshot() const override { return {}; }

 private:
  void Handle(FakeNode* node, const v1::Message& message);
  void OnWelcome(FakeNode* node);
  void OnOpenWindow(FakeNode* node, const v1::Message& message);
  void SendReport(FakeNode* node);
  void OnOutcome(FakeNode* node, const v1::Message& message, bool commit);
  void OnRestore(FakeNode* node, const v1::CheckpointId& checkpoint);
  void OnCheckpoint(FakeNode* node, const v1::Checkpoint& checkpoint);
  void SayPairs(FakeNode* node);
  void Say(FakeNode* node, v1::Message message);
  void Fresh(FakeNode* node);
  bool PairOpen(int k, int t) const;
  bool WaitsForAPeer(const FakeNode& node) const;  // one that is stuck, in the open window
  v1::Claim ClaimOf(const FakeNode& node) const;

  Scenario scenario_;
  std::string dir_;
  RandomStream* random_;
  FakeClock clock_{absl::FromUnixSeconds(1000)};
  CoordinatorOptions options_;
  std::unique_ptr<CoordinatorNode> coordinator_;
  std::vector<NodeId> ids_;
  std::map<NodeId, std::unique_ptr<FakeNode>> nodes_;
  std::set<std::pair<int, int>> broken_pairs_;
  std::map<NodeId, std::vector<v1::Message>> history_;
  std::set<std::pair<uint64_t, uint64_t>> steps_;
  std::vector<std::pair<NodeId, v1::Message>> sent_;
  uint64_t incarnations_ = 0;
  size_t turn_ = 0;
};

// The state of a node that has stepped on nothing.
std::string FreshState(const NodeId& id);

}  // namespace semlink::coordinator

#endif  // SEMLINK_TESTS_COORDINATOR_FAKE_CLUSTER_H_
