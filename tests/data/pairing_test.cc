#include "common/data/pairing.h"

#include <map>

#include "gtest/gtest.h"

namespace semlink::data {
namespace {

// Recordings 10 d .. 10 d + 9 say digit d.
std::vector<uint8_t> Recordings() {
  std::vector<uint8_t> digits;
  for (uint8_t d = 0; d < 10; ++d) digits.insert(digits.end(), 10, d);
  return digits;
}

std::vector<uint8_t> Images(int n) {
  std::vector<uint8_t> digits(n);
  for (int i = 0; i < n; ++i) digits[i] = static_cast<uint8_t>(i % 10);
  return digits;
}

TEST(Pairing, UniformWithinTheDigit) {
  const std::vector<uint8_t> images = Images(20000);
  const auto pairs = PairRecordings(images, Recordings(), Pairing::kUniform, 1, Split::kTest);
  ASSERT_EQ(pairs.size(), images.size());
  std::vector<int> count(100, 0);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    ASSERT_EQ(pairs[i] / 10, images[i]);
    ++count[pairs[i]];
  }
  // Chi-square over 100 cells with 90 degrees of freedom: beyond 140 with probability 6e-4.
  double chi2 = 0;
  for (const int c : count) chi2 += (c - 200.0) * (c - 200.0) / 200.0;
  EXPECT_LT(chi2, 140);
}

TEST(Pairing, DependsOnSeedAndSplitOnly) {
  const auto pair = [](uint64_t seed, Split split, int n) {
    return PairRecordings(Images(n), Recordings(), Pairing::kUniform, seed, split);
  };
  EXPECT_EQ(pair(1, Split::kTest, 500), pair(1, Split::kTest, 500));
  EXPECT_NE(pair(1, Split::kTest, 500), pair(2, Split::kTest, 500));
  EXPECT_NE(pair(1, Split::kTest, 500), pair(1, Split::kTrain, 500));
}

TEST(Pairing, ReferenceFillsUpTheTestSetWithTheLastRecording) {
  const auto pairs =
      PairRecordings(Images(1000), Recordings(), Pairing::kReference, 1, Split::kTest);
  std::map<int, int> count;
  for (const int p : pairs) ++count[p];
  for (int r = 0; r < 100; ++r) EXPECT_EQ(count[r], r % 10 == 9 ? 91 : 1) << r;
  EXPECT_EQ(pairs[0], 0);
  EXPECT_EQ(pairs[10], 1);
  EXPECT_EQ(pairs[990], 9);
}

TEST(Pairing, ReferenceLeavesTrainingUniform) {
  EXPECT_EQ(PairRecordings(Images(1000), Recordings(), Pairing::kReference, 1, Split::kTrain),
            PairRecordings(Images(1000), Recordings(), Pairing::kUniform, 1, Split::kTrain));
}

}  // namespace
}  // namespace semlink::data
