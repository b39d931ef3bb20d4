#include "coordinator/checkpoint_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;

MemberEpoch Epoch(int k, uint64_t from, std::optional<uint64_t> restored) {
  MemberEpoch epoch;
  epoch.node = NodeId::Transmitter(k);
  epoch.from_window = from;
  epoch.live = !restored.has_value();
  epoch.restored.set_window(restored.value_or(0));
  return epoch;
}

TEST(CheckpointPlanTest, DueEverySoManyWindowsAndAfterTheLast) {
  Scenario scenario = SmallScenario();
  scenario.training.windows = 25;
  JobOptions options;
  options.test_size = 18;
  const Job job = Job::Make(scenario, options).value();
  const auto due = [&](int every) {
    CheckpointOptions checkpoint;
    checkpoint.every = every;
    std::vector<uint64_t> windows;
    for (uint64_t w = 0; w < 60; ++w) {
      if (CheckpointDue(checkpoint, job, w)) windows.push_back(w);
    }
    return windows;
  };
  EXPECT_THAT(due(10), ElementsAre(10u, 20u, 25u));
  EXPECT_THAT(due(0), ElementsAre(25u));
  options.kind = JobKind::kEvaluate;
  const Job evaluation = Job::Make(scenario, options).value();
  EXPECT_FALSE(CheckpointDue(CheckpointOptions(), evaluation, 50));
}

TEST(CheckpointPlanTest, KeepsTheLastCompleteOnesAndWhatAReplayFromThemNeeds) {
  EXPECT_EQ(KeepFrom(3, {}, {}), 0u);
  EXPECT_EQ(KeepFrom(3, {20, 10}, {}), 10u);
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20}, {}), 30u);
  EXPECT_EQ(KeepFrom(1, {50, 40, 30, 20}, {}), 50u);
  // Restored to 20 since 30: a replay from 30 does so, too.
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20}, {Epoch(0, 33, 20)}), 20u);
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20}, {Epoch(0, 30, 20)}), 20u);
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20}, {Epoch(0, 29, 20)}), 30u);
  // A replay from 20, should 30 be damaged, needs 10. In whatever order they were.
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20, 10}, {Epoch(0, 25, 10), Epoch(0, 33, 20)}), 10u);
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20, 10}, {Epoch(0, 33, 20), Epoch(1, 25, 10)}), 10u);
  EXPECT_EQ(KeepFrom(3, {50, 40, 30, 20, 10}, {Epoch(0, 19, 10), Epoch(0, 33, 20)}), 20u);
  // The start needs no file, a live node none at all.
  EXPECT_EQ(KeepFrom(3, {50, 40, 30}, {Epoch(0, 33, 0), Epoch(1, 34, std::nullopt)}), 30u);
}

TEST(CheckpointPlanTest, RestoresByTheWindowBeforeWhichTheyWere) {
  const std::vector<MemberEpoch> epochs = {
      Epoch(0, 0, 0),  Epoch(1, 0, 0),   Epoch(0, 12, 10),           Epoch(1, 25, 10),
      Epoch(0, 25, 5), Epoch(0, 25, 20), Epoch(0, 25, std::nullopt), Epoch(1, 20, 20)};
  const auto restores = RestoresSince(20, epochs);
  ASSERT_EQ(restores.size(), 2u);
  EXPECT_TRUE(restores.at(20).empty());  // that is where the replay begins
  ASSERT_EQ(restores.at(25).size(), 2u);
  EXPECT_EQ(restores.at(25).at(NodeId::Transmitter(0)).window(), 20u);  // the last one counts
  EXPECT_EQ(restores.at(25).at(NodeId::Transmitter(1)).window(), 10u);
  EXPECT_EQ(RestoresSince(0, epochs).at(12).at(NodeId::Transmitter(0)).window(), 10u);
}

}  // namespace
}  // namespace semlink::coordinator
