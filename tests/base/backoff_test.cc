#include "common/base/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace semlink {
namespace {

RandomStream Stream(uint64_t id) { return RandomStream(1, Purpose::kFault, 0, 0, id); }

std::vector<absl::Duration> Delays(Backoff backoff, int n) {
  std::vector<absl::Duration> delays;
  for (int i = 0; i < n; ++i) delays.push_back(backoff.Next());
  return delays;
}

TEST(BackoffTest, DoublesFromAFifthOfASecondToFiveSeconds) {
  BackoffOptions options;
  options.jitter = 0;
  const std::vector<double> expected = {0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5};
  const std::vector<absl::Duration> delays = Delays(Backoff(Stream(0), options), 8);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(absl::ToDoubleSeconds(delays[i]), expected[i], 1e-6);
  }
}

TEST(BackoffTest, JitterStaysBelowTheNominalDelayAndSpreads) {
  const std::vector<double> nominal = {0.2, 0.4, 0.8, 1.6, 3.2, 5, 5};
  for (size_t i = 0; i < nominal.size(); ++i) {
    double least = 1, most = 0;
    for (uint64_t id = 0; id < 200; ++id) {
      const double delay = absl::ToDoubleSeconds(Delays(Backoff(Stream(id)), 7)[i]) / nominal[i];
      EXPECT_LE(delay, 1 + 1e-9);
      EXPECT_GE(delay, 0.8 - 1e-9);
      least = std::min(least, delay);
      most = std::max(most, delay);
    }
    EXPECT_LT(least, 0.82);
    EXPECT_GT(most, 0.98);
  }
}

TEST(BackoffTest, TheSameStreamGivesTheSameDelays) {
  EXPECT_EQ(Delays(Backoff(Stream(3)), 6), Delays(Backoff(Stream(3)), 6));
  EXPECT_NE(Delays(Backoff(Stream(3)), 6), Delays(Backoff(Stream(4)), 6));
}

TEST(BackoffTest, ResetStartsFromTheFirstDelay) {
  Backoff backoff(Stream(5));
  for (int i = 0; i < 6; ++i) backoff.Next();
  EXPECT_GT(backoff.Next(), absl::Seconds(3));
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(200));
}

TEST(BackoffTest, AFirstDelayAboveTheLongestIsCut) {
  BackoffOptions options;
  options.first = absl::Seconds(10);
  EXPECT_LE(Backoff(Stream(6), options).Next(), options.longest);
}

}  // namespace
}  // namespace semlink
