#include "common/base/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "tests/base/statistics.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Known answers of Random123 (kat_vectors, philox4x32, 10 rounds).
TEST(PhiloxTest, GivesTheKnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  const uint32_t ones = 0xffffffff;
  EXPECT_THAT(Philox4x32({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// Runs written with today's code must repeat with tomorrow's: a change of these numbers breaks
// every stored run.
TEST(RandomStreamTest, KeepsItsNumbersFromVersionToVersion) {
  RandomStream stream(42, Purpose::kTrim, 7, 3, 1);
  const std::vector<uint32_t> numbers = {stream.NextU32(), stream.NextU32(), stream.NextU32(),
                                         stream.NextU32(), stream.NextU32()};
  EXPECT_THAT(numbers, ElementsAre(2115512184, 3078834399, 1671737725, 671078518, 842781427));
}

TEST(RandomStreamTest, EqualKeysRepeatAndAnyOtherKeyDiffers) {
  using Key = std::tuple<uint64_t, Purpose, uint64_t, uint32_t, uint64_t>;
  const auto first = [](const Key& key) {
    RandomStream stream = std::make_from_tuple<RandomStream>(key);
    const uint64_t high = stream.NextU32();
    return (high << 32) | stream.NextU32();
  };
  std::set<uint64_t> seen;
  size_t keys = 0;
  for (uint64_t seed : {0, 1, 2}) {
    for (Purpose purpose : {Purpose::kSamples, Purpose::kTrim}) {
      for (uint64_t window : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40}) {
        for (uint32_t round : {0, 1, 2}) {
          for (uint64_t id : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32}) {
            const Key key{seed, purpose, window, round, id};
            EXPECT_EQ(first(key), first(key));
            seen.insert(first(key));
            ++keys;
          }
        }
      }
    }
  }
  EXPECT_THAT(seen, SizeIs(keys));
}

// Kolmogorov-Smirnov: the largest distance between the empirical distribution and `cdf`.
void ExpectDistribution(std::vector<float> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double f = cdf(values[i]);
    distance = std::max({distance, f - i / n, (i + 1) / n - f});
  }
  EXPECT_LT(distance * std::sqrt(n), 2.225);  // 1 - 1e-4
}

// E[x^power] within the bound; `variance` is that of x^power.
void ExpectMoment(const std::vector<float>& values, int power, double expected, double variance) {
  double sum = 0;
  for (float value : values) sum += std::pow(static_cast<double>(value), power);
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, expected, 4 * std::sqrt(variance / n)) << "moment " << power;
}

TEST(RandomStreamTest, UniformIsUniform) {
  std::vector<float> values(100000);
  RandomStream(1, Purpose::kSynthetic).FillUniform(values.data(), values.size());
  EXPECT_GE(*std::min_element(values.begin(), values.end()), 0.0f);
  EXPECT_LT(*std::max_element(values.begin(), values.end()), 1.0f);
  ExpectMoment(values, 1, 1.0 / 2, 1.0 / 12);
  ExpectMoment(values, 2, 1.0 / 3, 4.0 / 45);
  ExpectMoment(values, 3, 1.0 / 4, 9.0 / 112);
  ExpectDistribution(values, [](double x) { return x; });
}

TEST(RandomStreamTest, NormalIsStandardNormal) {
  std::vector<float> values(100000);
  RandomStream(2, Purpose::kFeatureNoise).FillNormal(values.data(), values.size());
  ExpectMoment(values, 1, 0, 1);
  ExpectMoment(values, 2, 1, 2);
  ExpectMoment(values, 3, 0, 15);
  ExpectMoment(values, 4, 3, 96);
  ExpectDistribution(values, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); });
}

TEST(RandomStreamTest, FillingEqualsDrawingOneByOne) {
  std::vector<float> normal(7), uniform(7);
  RandomStream filled(3, Purpose::kSynthetic), drawn(3, Purpose::kSynthetic);
  filled.FillNormal(normal.data(), normal.size());
  filled.FillUniform(uniform.data(), uniform.size());
  for (float value : normal) EXPECT_EQ(value, drawn.Normal());
  for (float value : uniform) EXPECT_EQ(value, drawn.Uniform());
}

double Correlation(RandomStream a, RandomStream b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += static_cast<double>(a.Normal()) * b.Normal();
  return sum / n;  // of standard normals: mean 0 and variance 1/n if they are independent
}

TEST(RandomStreamTest, StreamsWithNeighbouringKeysAreUncorrelated) {
  constexpr int kDraws = 4000;
  double squares = 0;
  int pairs = 0;
  const auto check = [&](const RandomStream& a, const RandomStream& b) {
    const double z = Correlation(a, b, kDraws) * std::sqrt(static_cast<double>(kDraws));
    EXPECT_LT(std::abs(z), 5);
    squares += z * z;
    ++pairs;
  };
  const Purpose purpose = Purpose::kFeatureNoise;
  for (uint64_t i = 0; i < 40; ++i) {
    const RandomStream base(i, purpose, i, i, i);
    check(base, RandomStream(i + 1, purpose, i, i, i));
    check(base, RandomStream(i, Purpose::kModalityNoise, i, i, i));
    check(base, RandomStream(i, purpose, i + 1, i, i));
    check(base, RandomStream(i, purpose, i, i + 1, i));
    check(base, RandomStream(i, purpose, i, i, i + 1));
  }
  EXPECT_LT(squares, testing::ChiSquaredBound(pairs));
}

TEST(RandomStreamTest, FirstNumbersOfConsecutiveRoundsAreUniform) {
  // Nodes take few numbers from each of many streams: these must be as good as many from one.
  std::vector<float> values;
  for (uint32_t round = 0; round < 50000; ++round) {
    values.push_back(RandomStream(4, Purpose::kTrim, 0, round).Uniform());
  }
  ExpectDistribution(values, [](double x) { return x; });
}

TEST(RandomStreamTest, UniformIntIsUniform) {
  for (uint32_t n : {2u, 3u, 10u, 100u}) {
    RandomStream stream(5, Purpose::kSamples, n);
    std::vector<int> count(n, 0);
    for (int i = 0; i < 50000; ++i) {
      const uint32_t x = stream.UniformInt(n);
      ASSERT_LT(x, n);
      ++count[x];
    }
    testing::ExpectFrequencies(std::vector<double>(n, 1.0 / n), count);
  }
  RandomStream stream(6, Purpose::kSamples);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(stream.UniformInt(1), 0u);
}

TEST(RandomStreamTest, UniformIntHasNoModuloBias) {
  // For n = 3 * 2^30 plain modulo would give the lowest third twice as often as the others.
  constexpr uint32_t kThird = 1u << 30;
  RandomStream stream(7, Purpose::kSamples);
  std::vector<int> count(3, 0);
  for (int i = 0; i < 30000; ++i) ++count[stream.UniformInt(3 * kThird) / kThird];
  testing::ExpectFrequencies({1.0 / 3, 1.0 / 3, 1.0 / 3}, count);
}

TEST(RandomStreamTest, SubsetsAreEquallyLikely) {
  std::map<std::vector<int>, int> counted;
  RandomStream stream(8, Purpose::kTrim);
  for (int i = 0; i < 20000; ++i) ++counted[stream.Subset(5, 2)];
  ASSERT_THAT(counted, SizeIs(10));
  std::vector<int> count;
  for (const auto& [subset, n] : counted) {
    EXPECT_LT(subset[0], subset[1]);
    count.push_back(n);
  }
  testing::ExpectFrequencies(std::vector<double>(10, 0.1), count);
}

TEST(RandomStreamTest, SubsetsAtTheEdges) {
  RandomStream stream(9, Purpose::kTrim);
  EXPECT_THAT(stream.Subset(4, 0), IsEmpty());
  EXPECT_THAT(stream.Subset(0, 3), IsEmpty());
  EXPECT_THAT(stream.Subset(3, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(stream.Subset(3, 5), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace semlink
