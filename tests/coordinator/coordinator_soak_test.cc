// Random sequences of failures, from a seed: the ledger stays in order, no limit is exceeded, and
// the run ends.
#include <gtest/gtest.h>

#include <functional>

#include "coordinator/ledger.h"
#include "coordinator/stored_window.h"
#include "tests/coordinator/fake_cluster.h"

namespace semlink::coordinator {
namespace {

constexpr int kWindows = 60;

class Soak {
 public:
  Soak(uint64_t seed, OnFailure on_failure, const std::string& dir)
      : random_(seed, Purpose::kFault), cluster_(MakeScenario(on_failure), dir, &random_) {}

  void Run() {
    ASSERT_TRUE(cluster_.StartCoordinator(false).ok());
    for (int step = 0; step < 400000 && !cluster_.done(); ++step) {
      Undo(step);
      if (random_.UniformInt(150) == 0) Fail(step);
      if (!cluster_.Step()) cluster_.Wait(absl::Seconds(1));
      ASSERT_TRUE(status_.ok()) << status_;
    }
    ASSERT_TRUE(cluster_.done()) << "hangs: " << Waiting();
    ASSERT_TRUE(cluster_.coordinator()->result().ok()) << cluster_.coordinator()->result();
    cluster_.KillCoordinator();
    CheckLedger();
  }
  int faults() const { return faults_; }

 private:
  static Scenario MakeScenario(OnFailure on_failure) {
    Scenario scenario = ClusterScenario(kWindows);
    scenario.on_failure = on_failure;
    scenario.evaluation.cr_draws = 3;
    return scenario;
  }
  std::string Waiting() {
    return cluster_.coordinator() == nullptr ? "no coordinator"
                                             : cluster_.coordinator()->Awaiting();
  }
  NodeId AnyNode() {
    return cluster_.ids()[random_.UniformInt(static_cast<uint32_t>(cluster_.ids().size()))];
  }
  void Later(int step, std::function<void()> action) {
    later_.emplace(step + 1 + static_cast<int>(random_.UniformInt(400)), std::move(action));
  }
  void Undo(int step) {
    while (!later_.empty() && later_.begin()->first <= step) {
      const std::function<void()> action = later_.begin()->second;
      later_.erase(later_.begin());
      action();
    }
  }
  void StartCoordinator() {
    if (cluster_.coordinator() == nullptr) status_ = cluster_.StartCoordinator(true);
  }
  void Fail(int step) {
    ++faults_;
    const NodeId id = AnyNode();
    const int k = static_cast<int>(random_.UniformInt(2)),
              t = static_cast<int>(random_.UniformInt(2));
    switch (random_.UniformInt(8)) {
      case 0:
      case 1:
        cluster_.KillNode(id);
        return Later(step, [=] { cluster_.RestartNode(id); });
      case 2:
      case 3:
        cluster_.BreakStream(id);
        return Later(step, [=] { cluster_.Reconnect(id); });
      case 4:
        cluster_.FailPair(k, t);
        return Later(step, [=] { cluster_.MendPair(k, t); });
      case 5:
        cluster_.RepeatOldMessage(id);
        return;
      case 6:
        cluster_.KillCoordinator();
        return Later(step, [this] { StartCoordinator(); });
      default:
        if (random_.UniformInt(3) > 0) return;
        cluster_.KillEverything();
        for (const NodeId& node : cluster_.ids()) {
          Later(step, [=] { cluster_.RestartNode(node); });
        }
        return Later(step, [this] { StartCoordinator(); });
    }
  }

  void CheckLedger() {
    auto ledger = Ledger::Open(cluster_.dir() + "/ledger.sqlite");
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ASSERT_EQ((*ledger)->committed(), kWindows + 3u);
    std::map<uint64_t, uint64_t> committed;
    for (uint64_t w = 0; w < (*ledger)->committed(); ++w) {
      const auto stored = (*ledger)->Stored(w);
      ASSERT_TRUE(stored.ok()) << stored.status();
      const WindowRecord record = FromStored(*stored);
      ASSERT_EQ(record.open.window(), w);
      committed[w] = record.attempt;
      CheckLimits(record);
    }
    for (const auto& [window, attempt] : cluster_.steps()) {
      EXPECT_EQ(committed[window], attempt)
          << "a node stepped on an attempt that was not committed";
    }
  }
  static void CheckLimits(const WindowRecord& record) {
    std::map<std::pair<uint32_t, uint32_t>, int> links;                 // (round, transmitter)
    std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> drawn;  // (round, receiver)
    for (const v1::LinkRounds& link : record.granted) {
      EXPECT_TRUE(record.open.transmitter_up(link.transmitter()));
      EXPECT_TRUE(record.open.receiver_up(link.task()));
      for (const v1::Pair& cut : record.open.cut()) {
        EXPECT_FALSE(cut.transmitter() == link.transmitter() && cut.receiver() == link.task());
      }
      for (const uint32_t round : link.round()) {
        EXPECT_LE((++links[{round, link.transmitter()}]), 2);  // E_k
        drawn[{round, link.task()}].insert(link.transmitter());
        EXPECT_LE(drawn[std::make_pair(round, link.task())].size(), 1u);  // E_t
      }
    }
  }

  RandomStream random_;
  FakeCluster cluster_;
  std::multimap<int, std::function<void()>> later_;
  absl::Status status_;
  int faults_ = 0;
};

class CoordinatorSoakTest : public ::testing::TestWithParam<std::tuple<int, OnFailure>> {};

TEST_P(CoordinatorSoakTest, EveryWindowIsCommittedOnceAndTheRunEnds) {
  TempDir folder;
  Soak soak(std::get<0>(GetParam()), std::get<1>(GetParam()), folder / "run");
  soak.Run();
  EXPECT_GT(soak.faults(), 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CoordinatorSoakTest,
                         ::testing::Combine(::testing::Range(1, 13),
                                            ::testing::Values(OnFailure::kDegrade,
                                                              OnFailure::kWait)));

}  // namespace
}  // namespace semlink::coordinator
