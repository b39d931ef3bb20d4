// Abort forgets: the window that is run again gives what it would have given at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

// How far the aborted attempt gets.
enum Stage { kOpened, kOneAsked, kClaimed, kGranted, kOneAnswered, kReported };

class TransmitterAbortTest : public ::testing::TestWithParam<Stage> {};

TEST_P(TransmitterAbortTest, LeavesNoTrace) {
  TransmitterDriver disturbed, clean;
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  const std::string before = disturbed.Parameters();

  const Stage stage = GetParam();
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  // The attempt differs from the one that counts, so that anything left of it shows.
  disturbed.requests = {{0, 4}, AllRounds(5)};
  if (stage >= kOneAsked) disturbed.FromReceiver(0, disturbed.Request(disturbed.open, {0, 4}));
  if (stage >= kClaimed) disturbed.FromReceiver(1, disturbed.Request(disturbed.open, AllRounds(5)));
  if (stage >= kGranted) {
    disturbed.FromCoordinator(TransmitterDriver::GrantOf(disturbed.LastClaim()));
  }
  if (stage >= kOneAnswered) disturbed.FromReceiver(1, disturbed.Gradients(1));
  if (stage >= kReported) disturbed.FromReceiver(0, disturbed.Gradients(0));
  disturbed.Abort();
  EXPECT_EQ(disturbed.Parameters(), before);

  disturbed.RunTrain(1);
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.LastClaim().SerializeAsString(), clean.LastClaim().SerializeAsString());
  for (int t = 0; t < 2; ++t) {
    EXPECT_EQ(disturbed.LastFeatures(t).SerializeAsString(),
              clean.LastFeatures(t).SerializeAsString());
  }
  // Of the attempt that counts alone.
  EXPECT_GT(clean.LastReport().flops(), 0u);
  EXPECT_EQ(disturbed.LastReport().flops(), clean.LastReport().flops());
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
  EXPECT_NE(clean.Parameters(), before);
  EXPECT_EQ(disturbed.node.refusals(), 0);
}

INSTANTIATE_TEST_SUITE_P(Stages, TransmitterAbortTest,
                         ::testing::Values(kOpened, kOneAsked, kClaimed, kGranted, kOneAnswered,
                                           kReported));

TEST(TransmitterAbortOrderTest, OutsideAWindowItChangesNothing) {
  TransmitterDriver driver, clean;
  driver.Abort();
  driver.RunTrain(0);
  clean.RunTrain(0);
  driver.Abort();
  EXPECT_EQ(driver.Parameters(), clean.Parameters());
}

TEST(TransmitterAbortOrderTest, RequestsOfTheAbortedAttemptDoNotCount) {
  TransmitterDriver driver;
  driver.RunTrain(0);
  driver.Open(OpenTrain(driver.scenario, 1));
  driver.FromReceiver(0, driver.Request(driver.open, {0}));
  driver.Abort();
  driver.Open(OpenTrain(driver.scenario, 1));
  driver.transport.sent.clear();
  driver.FromReceiver(1, driver.Request(driver.open, {0}));
  EXPECT_TRUE(driver.transport.sent.empty());
  driver.FromReceiver(0, driver.Request(driver.open, {0}));
  EXPECT_EQ(driver.Count(Body::kClaim), 1u);
}

}  // namespace
}  // namespace semlink::transmitter
