// Statistical checks for tests with fixed seeds. With a correct generator each would fail by chance
// in about one seed of 10 000; a seed that passes passes for ever.
#ifndef SEMLINK_TESTS_BASE_STATISTICS_H_
#define SEMLINK_TESTS_BASE_STATISTICS_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

namespace semlink::testing {

inline constexpr double kQuantile = 3.719;  // of the standard normal: 1 - 1e-4

// The 1 - 1e-4 quantile of the chi-squared distribution (Wilson and Hilferty, 1931).
inline double ChiSquaredBound(int degrees) {
  const double v = 2.0 / (9.0 * degrees);
  return degrees * std::pow(1 - v + kQuantile * std::sqrt(v), 3);
}

// Pearson's test of counts against probabilities. A cell of probability 0 must be empty; cells that
// expect fewer than five are pooled.
inline void ExpectFrequencies(const std::vector<double>& probability,
                              const std::vector<int>& count) {
  ASSERT_EQ(probability.size(), count.size());
  double total = 0, mass = 0;
  for (size_t i = 0; i < count.size(); ++i) {
    total += count[i];
    mass += probability[i];
    EXPECT_TRUE(probability[i] > 0 || count[i] == 0) << "cell " << i << " can't happen";
  }
  ASSERT_NEAR(mass, 1, 1e-9);
  double statistic = 0, rare_expected = 0, rare_count = 0;
  int cells = 0;
  const auto add = [&](double expected, double counted) {
    statistic += (counted - expected) * (counted - expected) / expected;
    ++cells;
  };
  for (size_t i = 0; i < count.size(); ++i) {
    const double expected = probability[i] * total;
    if (expected >= 5) {
      add(expected, count[i]);
    } else {
      rare_expected += expected;
      rare_count += count[i];
    }
  }
  if (rare_expected >= 1) add(rare_expected, rare_count);
  ASSERT_GE(cells, 2) << "nothing to compare";
  EXPECT_LT(statistic, ChiSquaredBound(cells - 1)) << cells << " cells, " << total << " draws";
}

}  // namespace semlink::testing

#endif  // SEMLINK_TESTS_BASE_STATISTICS_H_
