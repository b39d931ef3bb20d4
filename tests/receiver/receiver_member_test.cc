// Coming back, doubt, attempts, checkpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/base/temp_dir.h"
#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

Scenario RunningMean() {
  Scenario scenario = TinyScenario();
  scenario.policy.baseline = Baseline::kRunningMean;
  return scenario;
}

TEST(ReceiverMemberTest, LosingTheCoordinatorBeforeTheReportForgetsTheWindow) {
  ReceiverDriver disturbed(RunningMean()), clean(RunningMean());
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  disturbed.FromCoordinator(disturbed.Grant());
  disturbed.FromTransmitter(0, disturbed.Features(0));
  disturbed.Lose(NodeId::Coordinator());
  disturbed.FromTransmitter(1, disturbed.Features(1));  // of an attempt that is over
  EXPECT_EQ(disturbed.Count(Body::kReport), 0u);
  disturbed.transport.sent.clear();
  disturbed.Welcome();
  EXPECT_TRUE(disturbed.LastReady().live());
  EXPECT_FALSE(disturbed.LastReady().in_doubt());
  EXPECT_EQ(disturbed.LastReady().next_window(), 1u);
  // The coordinator may be another process: it is told again of every stream.
  ASSERT_EQ(disturbed.PairsSaid().size(), 2u);
  EXPECT_TRUE(disturbed.PairsSaid()[0].up());
  EXPECT_TRUE(disturbed.PairsSaid()[1].up());
  for (uint64_t w : {1, 2}) {
    disturbed.RunTrain(w);
    clean.RunTrain(w);
  }
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
  EXPECT_EQ(disturbed.node.refusals(), 0);
}

class ReceiverDoubtTest : public ::testing::Test {
 protected:
  void Doubt(ReceiverDriver* driver) {
    driver->RunTrain(0);
    driver->Open(OpenTrain(driver->scenario, 1));
    driver->Report();
    driver->Lose(NodeId::Coordinator());
    driver->Welcome();
    const v1::Ready ready = driver->LastReady();
    EXPECT_TRUE(ready.in_doubt());
    EXPECT_EQ(ready.next_window(), 1u);
    EXPECT_EQ(ready.attempt(), driver->attempt);
  }
  // Windows `from` and later, so that a baseline that differs shows as well.
  std::string Continue(ReceiverDriver* driver, uint64_t from) {
    for (uint64_t w = from; w < 4; ++w) driver->RunTrain(w);
    return driver->Parameters();
  }
  ReceiverDriver doubtful_{RunningMean()}, clean_{RunningMean()};
};

TEST_F(ReceiverDoubtTest, CommitIsAsGoodAsAtOnce) {
  Doubt(&doubtful_);
  doubtful_.Commit();
  EXPECT_EQ(Continue(&doubtful_, 2), Continue(&clean_, 0));
}

TEST_F(ReceiverDoubtTest, AbortLeavesNoTrace) {
  Doubt(&doubtful_);
  doubtful_.Abort();
  EXPECT_EQ(Continue(&doubtful_, 1), Continue(&clean_, 0));
}

TEST_F(ReceiverDoubtTest, NothingElseEndsIt) {
  Doubt(&doubtful_);
  v1::Message open;
  *open.mutable_open_window() = OpenTrain(doubtful_.scenario, 1);
  open.set_attempt(doubtful_.attempt + 1);
  doubtful_.FromCoordinator(open);
  EXPECT_EQ(doubtful_.node.refusals(), 1);
  EXPECT_FALSE(doubtful_.Restore({}).ok());
  doubtful_.Lose(NodeId::Transmitter(0));
  doubtful_.Connected(0);
  doubtful_.Commit();
  EXPECT_EQ(Continue(&doubtful_, 2), Continue(&clean_, 0));
}

// An inference holds nothing that could be in doubt.
TEST(ReceiverMemberTest, InferenceIsForgotten) {
  ReceiverDriver driver;
  driver.Open(OpenInfer(driver.scenario, 0, 0));
  v1::Message grant, start;
  grant.mutable_grant()->set_window(0);
  start.mutable_infer_start()->set_samples(4);
  start.mutable_infer_start()->set_batch_size(4);
  start.mutable_infer_start()->set_in_flight(1);
  driver.FromCoordinator(grant);
  driver.FromCoordinator(start);
  EXPECT_EQ(driver.Count(Body::kInferReport), 1u);
  driver.Lose(NodeId::Coordinator());
  driver.Welcome();
  EXPECT_FALSE(driver.LastReady().in_doubt());
  EXPECT_EQ(driver.LastReady().next_window(), 0u);
  driver.RunTrain(0);
}

class ReceiverCheckpointTest : public ::testing::TestWithParam<Baseline> {
 protected:
  ReceiverCheckpointTest() { scenario_.policy.baseline = GetParam(); }
  Scenario scenario_ = TinyScenario();
  TempDir dir_;
};

TEST_P(ReceiverCheckpointTest, RestoredNodeGoesOnToTheLastBit) {
  ReceiverDriver whole(scenario_), before(scenario_, true, dir_.path());
  for (uint64_t w = 0; w < 4; ++w) whole.RunTrain(w);
  for (uint64_t w = 0; w < 2; ++w) before.RunTrain(w);
  const v1::CheckpointId id = before.Checkpoint(2).checkpoint();
  ReceiverDriver after(scenario_, true, dir_.path());
  EXPECT_FALSE(after.LastReady().live());
  ASSERT_EQ(after.LastReady().checkpoint_size(), 1);
  EXPECT_EQ(after.LastReady().checkpoint(0).sha256(), id.sha256());
  after.RunTrain(0);  // whatever it did before is gone
  EXPECT_TRUE(after.Restore(id).ok());
  for (uint64_t w = 2; w < 4; ++w) after.RunTrain(w);
  EXPECT_EQ(after.Parameters(), whole.Parameters());
  ReceiverDriver other(scenario_, true, dir_.path() + "/other");
  for (uint64_t w = 0; w < 4; ++w) other.RunTrain(w);
  EXPECT_EQ(after.Checkpoint(4).checkpoint().sha256(), other.Checkpoint(4).checkpoint().sha256());
}

TEST_P(ReceiverCheckpointTest, RestoreOfWindow0IsTheFreshState) {
  ReceiverDriver driver(scenario_), fresh(scenario_);
  driver.RunTrain(0);
  EXPECT_TRUE(driver.Restore({}).ok());
  for (uint64_t w = 0; w < 3; ++w) {
    driver.RunTrain(w);
    fresh.RunTrain(w);
  }
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
}

// A run that starts from given parameters goes back to these.
TEST_P(ReceiverCheckpointTest, RestoreOfWindow0IsTheGivenState) {
  ReceiverDriver trained(scenario_);
  trained.RunTrain(0);
  const v1::Parameters start = trained.AskParameters();
  ReceiverDriver driver(scenario_, true, "", start), fresh(scenario_, true, "", start);
  driver.RunTrain(0);
  EXPECT_NE(driver.Parameters(), start.SerializeAsString());
  EXPECT_TRUE(driver.Restore({}).ok());
  EXPECT_EQ(driver.Parameters(), start.SerializeAsString());
  for (uint64_t w = 0; w < 3; ++w) {
    driver.RunTrain(w);
    fresh.RunTrain(w);
  }
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
}

INSTANTIATE_TEST_SUITE_P(Baselines, ReceiverCheckpointTest,
                         ::testing::Values(Baseline::kConstant, Baseline::kRunningMean));

}  // namespace
}  // namespace semlink::receiver
