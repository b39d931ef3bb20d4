// Abort forgets: the window that is run again gives what it would have given at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

// How far the aborted attempt gets.
enum Stage { kAsked, kGranted, kOneArrived, kEarlyFeatures, kReported };

class ReceiverAbortTest : public ::testing::TestWithParam<std::tuple<Stage, Baseline>> {};

TEST_P(ReceiverAbortTest, LeavesNoTrace) {
  Scenario scenario = TinyScenario();
  scenario.policy.baseline = std::get<1>(GetParam());
  ReceiverDriver disturbed(scenario), clean(scenario);
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  const std::string before = disturbed.Parameters();

  const Stage stage = std::get<0>(GetParam());
  disturbed.Open(OpenTrain(scenario, 1));
  // Other features than those that count, so that anything left of them shows.
  v1::Message other[2];
  for (int k = 0; k < 2; ++k) {
    other[k] = disturbed.Features(k);
    for (v1::LinkFeatures& link : *other[k].mutable_features()->mutable_link()) {
      *link.mutable_z() =
          codec::EncodeFloat32(Numbers({link.z().shape(0), link.z().shape(1)}, 999));
    }
  }
  if (stage == kEarlyFeatures) disturbed.FromTransmitter(0, other[0]);
  if (stage != kAsked && stage != kEarlyFeatures) disturbed.FromCoordinator(disturbed.Grant());
  if (stage == kOneArrived || stage == kReported) disturbed.FromTransmitter(0, other[0]);
  if (stage == kReported) {
    disturbed.FromTransmitter(1, other[1]);
    ASSERT_EQ(disturbed.LastReport().window(), 1u);
  }
  disturbed.Abort();
  EXPECT_EQ(disturbed.Parameters(), before);

  for (uint64_t window : {1, 2}) {
    disturbed.RunTrain(window);
    clean.RunTrain(window);
    for (int k = 0; k < 2; ++k) {
      EXPECT_EQ(disturbed.LastGradients(k).SerializeAsString(),
                clean.LastGradients(k).SerializeAsString());
    }
  }
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
  EXPECT_NE(clean.Parameters(), before);
  EXPECT_EQ(disturbed.node.refusals(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Stages, ReceiverAbortTest,
    ::testing::Combine(::testing::Values(kAsked, kGranted, kOneArrived, kEarlyFeatures, kReported),
                       ::testing::Values(Baseline::kConstant, Baseline::kRunningMean)));

}  // namespace
}  // namespace semlink::receiver
