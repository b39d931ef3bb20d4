#include "common/method/shared_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

using Rounds = std::vector<std::vector<Link>>;

class SharedSelectionTest : public ::testing::Test {
 protected:
  SharedSelectionTest() { scenario_.method.name = "rsdib"; }
  Rounds Draw(const v1::OpenWindow& open, SelectionRule rule) {
    return SharedSelection(scenario_).Draw(Plan(scenario_, open), rule);
  }
  Scenario scenario_ = TinyScenario();
};

TEST_F(SharedSelectionTest, RandomIsFreshInEveryRoundAndFeasible) {
  std::set<std::vector<Link>> seen;
  SharedSelection selection(scenario_);
  for (uint64_t window = 0; window < 40; ++window) {
    const WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, window));
    const Rounds rounds = selection.Draw(plan, SelectionRule::kRandom);
    ASSERT_EQ(rounds.size(), plan.rounds.size());
    for (const std::vector<Link>& links : rounds) {
      std::map<int, int> served;
      for (const Link& link : links) EXPECT_LE(++served[link.k], scenario_.limits.e_k);
      seen.insert(links);
    }
    // Another node, which has drawn nothing yet, derives the same.
    EXPECT_EQ(Draw(OpenTrain(scenario_, window), SelectionRule::kRandom), rounds);
  }
  EXPECT_GT(seen.size(), 150u);
}

TEST_F(SharedSelectionTest, ASessionHasOneRandomSelection) {
  std::set<std::vector<Link>> seen;
  for (uint32_t draw = 0; draw < 16; ++draw) {
    const Rounds rounds = Draw(OpenEvaluate(scenario_, 3, 0, 11, draw), SelectionRule::kRandom);
    for (const std::vector<Link>& links : rounds) EXPECT_EQ(links, rounds.front());
    EXPECT_EQ(Draw(OpenInfer(scenario_, 70, draw), SelectionRule::kRandom).front(), rounds.front());
    seen.insert(rounds.front());
  }
  EXPECT_GT(seen.size(), 10u);
}

TEST_F(SharedSelectionTest, OnceIsTheSameOverTheWholeRun) {
  const std::vector<Link> links = Draw(OpenTrain(scenario_, 0), SelectionRule::kRandomOnce).front();
  EXPECT_FALSE(links.empty());
  for (const v1::OpenWindow& open : {OpenTrain(scenario_, 9), OpenEvaluate(scenario_, 3, 0, 11, 5),
                                     OpenInfer(scenario_, 8, 2)}) {
    for (const std::vector<Link>& of_round : Draw(open, SelectionRule::kRandomOnce)) {
      EXPECT_EQ(of_round, links);
    }
  }
  std::set<std::vector<Link>> seen;
  for (scenario_.seed = 1; scenario_.seed < 20; ++scenario_.seed) {
    seen.insert(Draw(OpenTrain(scenario_, 0), SelectionRule::kRandomOnce).front());
  }
  EXPECT_GT(seen.size(), 15u);
}

TEST_F(SharedSelectionTest, FullIsAll) {
  for (const std::vector<Link>& links : Draw(OpenTrain(scenario_, 4), SelectionRule::kFull)) {
    EXPECT_EQ(links.size(), static_cast<size_t>(scenario_.J() * scenario_.T()));
  }
}

TEST_F(SharedSelectionTest, ListedIsTheScenarios) {
  const std::vector<Link> links = {{0, 1, 0}, {1, 0, 1}, {1, 2, 0}};
  scenario_.method.links = links;
  for (const v1::OpenWindow& open : {OpenTrain(scenario_, 4), OpenEvaluate(scenario_, 3, 0, 11, 5),
                                     OpenInfer(scenario_, 8, 2)}) {
    const Rounds rounds = Draw(open, SelectionRule::kListed);
    EXPECT_EQ(rounds, Rounds(open.rounds(), links));
  }
}

TEST_F(SharedSelectionTest, NoLinkOverAPairThatIsNotLinked) {
  scenario_.method.links = {{0, 1, 0}, {0, 1, 1}, {1, 0, 0}, {1, 2, 1}};
  for (const SelectionRule rule : {SelectionRule::kRandom, SelectionRule::kRandomOnce,
                                   SelectionRule::kListed, SelectionRule::kFull}) {
    for (uint32_t i = 0; i < 10; ++i) {
      for (v1::OpenWindow open : {OpenTrain(scenario_, i), OpenEvaluate(scenario_, i, 0, 11, i)}) {
        open.set_receiver_up(0, false);
        v1::Pair* cut = open.add_cut();
        cut->set_transmitter(0);
        cut->set_receiver(1);
        for (const std::vector<Link>& links : Draw(open, rule)) {
          for (const Link& link : links) {
            EXPECT_EQ(link.k, 1);
            EXPECT_EQ(link.t, 1);
          }
        }
      }
    }
  }
}

TEST_F(SharedSelectionTest, TheViewMayChangeBetweenWindows) {
  SharedSelection selection(scenario_);
  v1::OpenWindow without = OpenTrain(scenario_, 1);
  without.set_transmitter_up(0, false);
  const Rounds before =
      selection.Draw(Plan(scenario_, OpenTrain(scenario_, 1)), SelectionRule::kRandom);
  const Rounds during = selection.Draw(Plan(scenario_, without), SelectionRule::kRandom);
  EXPECT_NE(before, during);
  EXPECT_EQ(selection.Draw(Plan(scenario_, OpenTrain(scenario_, 1)), SelectionRule::kRandom),
            before);
}

TEST_F(SharedSelectionTest, RankedMeasuresAtTheStartOfTraining) {
  scenario_.method.name = "midib";
  scenario_.method.measuring_share = 0.25;
  v1::OpenWindow open = OpenTrain(scenario_, 0);
  for (const double progress : {0.0, 0.2, 0.25, 0.9, 1.0}) {
    open.set_training_progress(progress);
    const WindowPlan plan = Plan(scenario_, open);
    EXPECT_EQ(MeasuresLinks(scenario_, plan), progress < 0.25) << progress;
    EXPECT_EQ(RuleOf(scenario_, plan),
              progress < 0.25 ? SelectionRule::kRandom : SelectionRule::kRanked);
  }
  const WindowPlan evaluation = Plan(scenario_, OpenEvaluate(scenario_, 0, 0, 11, 0));
  EXPECT_EQ(RuleOf(scenario_, evaluation), SelectionRule::kRanked);
  scenario_.method.name = "vddib";
  open.set_training_progress(0);
  EXPECT_FALSE(MeasuresLinks(scenario_, Plan(scenario_, open)));
  EXPECT_EQ(RuleOf(scenario_, Plan(scenario_, open)), SelectionRule::kFull);
}

}  // namespace
}  // namespace semlink::method
