#include "report/statistics.h"

#include <cmath>

#include "gtest/gtest.h"

namespace semlink::report {
namespace {

// From a printed table of Student's t.
TEST(StatisticsTest, QuantilesAreThoseOfStudent) {
  EXPECT_NEAR(StudentT975(1), 12.706, 5e-4);
  EXPECT_NEAR(StudentT975(2), 4.303, 5e-4);
  EXPECT_NEAR(StudentT975(4), 2.776, 5e-4);
  EXPECT_NEAR(StudentT975(15), 2.131, 5e-4);
  EXPECT_NEAR(StudentT975(30), 2.042, 5e-4);
  EXPECT_NEAR(StudentT975(40), 2.021, 5e-4);
  EXPECT_NEAR(StudentT975(60), 2.000, 5e-4);
  EXPECT_NEAR(StudentT975(120), 1.980, 5e-4);
  EXPECT_TRUE(std::isnan(StudentT975(0)));
}

TEST(StatisticsTest, IntervalOfThreeValues) {
  const Estimate estimate = MeanWithInterval({1, 2, 3});
  EXPECT_DOUBLE_EQ(estimate.mean, 2);
  EXPECT_EQ(estimate.n, 3);
  EXPECT_NEAR(estimate.half, 4.3027 * 1 / std::sqrt(3), 1e-3);
}

TEST(StatisticsTest, OneValueHasNoInterval) {
  const Estimate estimate = MeanWithInterval({5});
  EXPECT_DOUBLE_EQ(estimate.mean, 5);
  EXPECT_TRUE(std::isnan(estimate.half));
  EXPECT_TRUE(std::isnan(MeanWithInterval({}).mean));
}

TEST(StatisticsTest, LeavesOutWhatIsNoNumber) {
  const Estimate estimate = MeanWithInterval({1, NAN, 3});
  EXPECT_DOUBLE_EQ(estimate.mean, 2);
  EXPECT_EQ(estimate.n, 2);
  EXPECT_TRUE(std::isnan(MeanOf({NAN})));
}

}  // namespace
}  // namespace semlink::report
