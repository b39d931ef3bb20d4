// docs/extend/method.md
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/method/shared_selection.h"
#include "tests/extend/example.h"

namespace semlink::extend {
namespace {

method::WindowPlan TrainPlan(const Scenario& scenario, uint64_t window) {
  method::WindowPlan plan;
  plan.window = window;
  plan.kind = v1::TRAIN;
  plan.seed = scenario.seed;
  plan.rounds.resize(scenario.training.rounds_per_window);
  plan.transmitter_up.assign(scenario.K(), true);
  plan.receiver_up.assign(scenario.T(), true);
  return plan;
}

class RoundRobinTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto read = ReadExample("round_robin.yaml");
    ASSERT_TRUE(read.ok()) << read.status();
    scenario_ = *read;
  }
  std::vector<std::vector<Link>> Draw(const method::WindowPlan& plan) {
    return method::SharedSelection(scenario_).Draw(plan, method::RuleOf(scenario_, plan));
  }
  Scenario scenario_;
};

TEST_F(RoundRobinTest, KeepsTheLimitsAndGivesEveryLinkItsTurn) {
  std::set<Link> used;
  std::set<std::vector<Link>> selections;
  for (uint64_t window = 0; window < 2; ++window) {
    const auto rounds = Draw(TrainPlan(scenario_, window));
    ASSERT_EQ(rounds.size(), 20u);
    for (const std::vector<Link>& links : rounds) {
      std::map<int, int> served;
      std::map<int, std::set<int>> asked;
      for (const Link& link : links) {
        EXPECT_LE(++served[link.k], 4);
        asked[link.t].insert(link.k);
        EXPECT_LE(asked[link.t].size(), 2u);
      }
      EXPECT_EQ(asked.size(), 3u);  // nobody goes without
      EXPECT_TRUE(std::is_sorted(links.begin(), links.end()));
      used.insert(links.begin(), links.end());
      selections.insert(links);
    }
  }
  EXPECT_EQ(used.size(), 27u);
  EXPECT_GT(selections.size(), 10u);  // turns go on from window to window
}

TEST_F(RoundRobinTest, LeavesOutWhoIsAway) {
  method::WindowPlan plan = TrainPlan(scenario_, 0);
  plan.transmitter_up[1] = false;
  for (const std::vector<Link>& links : Draw(plan)) {
    EXPECT_FALSE(links.empty());
    for (const Link& link : links) EXPECT_NE(link.k, 1);
  }
}

TEST_F(RoundRobinTest, ASessionKeepsItsLinks) {
  method::WindowPlan plan = TrainPlan(scenario_, 3);
  plan.kind = v1::EVALUATE;
  plan.draw = 5;
  const auto rounds = Draw(plan);
  for (const std::vector<Link>& links : rounds) EXPECT_EQ(links, rounds.front());
  plan.draw = 6;
  EXPECT_NE(Draw(plan).front(), rounds.front());
}

}  // namespace
}  // namespace semlink::extend
