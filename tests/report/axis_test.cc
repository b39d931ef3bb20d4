#include "report/axis.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink::report {
namespace {

using ::testing::ElementsAre;

TEST(AxisTest, TicksAreRoundNumbers) {
  const Axis axis = MakeAxis(0, 2000, 5);
  EXPECT_THAT(axis.ticks, ElementsAre(0, 500, 1000, 1500, 2000));
  EXPECT_EQ(axis.Label(500), "500");
  EXPECT_DOUBLE_EQ(axis.Share(1000), 0.5);
}

TEST(AxisTest, LabelsHaveTheDigitsThatTellThemApart) {
  const Axis axis = MakeAxis(-0.12, -0.03, 5);
  EXPECT_EQ(axis.digits, 2);
  EXPECT_EQ(axis.Label(-0.1), "\u22120.10");
  EXPECT_EQ(axis.Label(0.0), "0.00");
  EXPECT_LE(axis.low, -0.12);
  EXPECT_GE(axis.high, -0.03);
}

TEST(AxisTest, AnythingGivesSomeAxis) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::pair<double, double> kRanges[] = {
      {3, 3}, {0, 0}, {5, 1}, {NAN, 1}, {0, inf}, {-1e308, 1e308}, {1e18, 1e18 + 1}, {-7, -7}};
  for (const auto& [low, high] : kRanges) {
    const Axis axis = MakeAxis(low, high, 5);
    EXPECT_LT(axis.low, axis.high) << low << ".." << high;
    EXPECT_GE(axis.ticks.size(), 2u) << low << ".." << high;
    EXPECT_LE(axis.ticks.size(), 20u) << low << ".." << high;
  }
}

}  // namespace
}  // namespace semlink::report
