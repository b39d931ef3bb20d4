#include "common/method/schedule.h"

#include <gtest/gtest.h>

namespace semlink::method {
namespace {

TEST(CodecRateFactorTest, ConstantStaysOne) {
  TrainingOptions options;
  options.schedule = Schedule::kConstant;
  for (double progress : {0.0, 0.3, 1.0}) EXPECT_EQ(CodecRateFactor(options, progress), 1);
}

TEST(CodecRateFactorTest, CosineFallsFromOneToTheFloor) {
  TrainingOptions options;
  options.schedule = Schedule::kCosine;
  EXPECT_DOUBLE_EQ(CodecRateFactor(options, 0), 1);
  EXPECT_NEAR(CodecRateFactor(options, 1.0 / 3), 0.02 + 0.98 * 0.75, 1e-12);
  EXPECT_NEAR(CodecRateFactor(options, 0.5), 0.51, 1e-12);
  EXPECT_NEAR(CodecRateFactor(options, 1), 0.02, 1e-12);
  EXPECT_NEAR(CodecRateFactor(options, 1.5), 0.02, 1e-12);  // does not rise again
  EXPECT_DOUBLE_EQ(CodecRateFactor(options, -1), 1);
}

TEST(EntropyBonusTest, FallsLinearlyToZero) {
  PolicyOptions options;
  options.entropy_bonus = 0.2;
  options.entropy_decay = 0.5;
  EXPECT_DOUBLE_EQ(EntropyBonus(options, 0), 0.2);
  EXPECT_DOUBLE_EQ(EntropyBonus(options, 0.25), 0.1);
  EXPECT_DOUBLE_EQ(EntropyBonus(options, 0.5), 0);
  EXPECT_DOUBLE_EQ(EntropyBonus(options, 1), 0);
}

TEST(EntropyBonusTest, NoDecayTimeMeansNoBonus) {
  PolicyOptions options;
  options.entropy_bonus = 0.2;
  options.entropy_decay = 0;
  EXPECT_EQ(EntropyBonus(options, 0), 0);
}

}  // namespace
}  // namespace semlink::method
