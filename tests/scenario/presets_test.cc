#include "common/scenario/presets.h"

#include <gtest/gtest.h>

namespace semlink {
namespace {

TEST(PresetsTest, PaperDoesAsThePublishedCode) {
  const Preset* paper = FindPreset("paper");
  ASSERT_NE(paper, nullptr);
  Scenario scenario;
  ApplyPreset(*paper, &scenario);
  EXPECT_EQ(scenario.method.preset, "paper");
  EXPECT_EQ(scenario.data.image_scale, ImageScale::kBatch);
  EXPECT_FALSE(scenario.model.missing_slot_learned);
  EXPECT_EQ(scenario.training.schedule, Schedule::kConstant);
  EXPECT_EQ(scenario.policy.baseline, Baseline::kConstant);
  EXPECT_EQ(scenario.policy.credit, Credit::kOwn);
  EXPECT_EQ(scenario.training.learning_rate_codec, 1e-4);
  EXPECT_EQ(scenario.policy.credit, Credit::kOwn);
  EXPECT_EQ(scenario.policy.entropy_bonus, 0);
  EXPECT_EQ(scenario.training.learning_rate_codec, 1e-4);
  EXPECT_EQ(scenario.training.gamma, 0);
  EXPECT_EQ(scenario.rate.estimator, RateEstimator::kMarginal);
  EXPECT_FALSE(scenario.evaluation.mean_feature);
}

TEST(PresetsTest, DefaultImprovesOnIt) {
  Scenario scenario;
  ApplyPreset(Presets().front(), &scenario);
  EXPECT_EQ(scenario.method.preset, "default");
  EXPECT_EQ(scenario.data.image_scale, ImageScale::kSample);
  EXPECT_TRUE(scenario.model.missing_slot_learned);
  EXPECT_EQ(scenario.training.schedule, Schedule::kCosine);
  EXPECT_EQ(scenario.policy.baseline, Baseline::kRunningMean);
  EXPECT_EQ(scenario.policy.credit, Credit::kShared);
  EXPECT_EQ(scenario.policy.credit, Credit::kShared);
  EXPECT_GT(scenario.policy.entropy_bonus, 0);
  EXPECT_GT(scenario.training.gamma, 0);
  EXPECT_TRUE(scenario.evaluation.mean_feature);
}

TEST(PresetsTest, KnowsBaselines) {
  EXPECT_EQ(PresetBaseline(TaskKind::kParity), 0.6);
  EXPECT_EQ(PresetBaseline(TaskKind::kRing), 1.3);
  EXPECT_EQ(PresetBaseline(TaskKind::kDigit), 2.1);
}

TEST(PresetsTest, UnknownNamesAreNotFound) { EXPECT_EQ(FindPreset("papper"), nullptr); }

}  // namespace
}  // namespace semlink
