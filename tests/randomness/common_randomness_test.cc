#include "common/randomness/common_randomness.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/rng.h"

namespace semlink {
namespace {

v1::OpenWindow Open(v1::WindowKind kind, uint64_t window, uint32_t rounds, uint32_t draw = 0) {
  v1::OpenWindow open;
  open.set_kind(kind);
  open.set_window(window);
  open.set_rounds(rounds);
  open.set_cr_draw(draw);
  return open;
}

std::vector<float> Row(const std::vector<float>& u, int row, int d) {
  return {u.begin() + row * d, u.begin() + (row + 1) * d};
}

TEST(WindowRandomnessTest, TrainingRoundsDifferAndComeFromTheirStreams) {
  const auto u = WindowRandomness(CrSource::kDerived, 7, Open(v1::TRAIN, 3, 5), 24);
  ASSERT_EQ(u.size(), 5u * 24);
  EXPECT_NE(Row(u, 0, 24), Row(u, 1, 24));
  std::vector<float> expected(24);
  RandomStream(7, Purpose::kCommonRandomness, 3, 4).FillNormal(expected.data(), expected.size());
  EXPECT_EQ(Row(u, 4, 24), expected);
}

TEST(WindowRandomnessTest, TrainingDependsOnSeedAndWindow) {
  const auto u = WindowRandomness(CrSource::kDerived, 7, Open(v1::TRAIN, 3, 2), 8);
  EXPECT_EQ(u, WindowRandomness(CrSource::kDerived, 7, Open(v1::TRAIN, 3, 2), 8));
  EXPECT_NE(u, WindowRandomness(CrSource::kDerived, 8, Open(v1::TRAIN, 3, 2), 8));
  EXPECT_NE(u, WindowRandomness(CrSource::kDerived, 7, Open(v1::TRAIN, 4, 2), 8));
}

TEST(WindowRandomnessTest, EvaluationSharesOneVectorWhateverTheWindow) {
  const auto u = WindowRandomness(CrSource::kDerived, 7, Open(v1::EVALUATE, 100, 3, 2), 8);
  EXPECT_EQ(Row(u, 0, 8), Row(u, 1, 8));
  EXPECT_EQ(Row(u, 0, 8), Row(u, 2, 8));
  const auto later = WindowRandomness(CrSource::kDerived, 7, Open(v1::INFER, 200, 1, 2), 8);
  EXPECT_EQ(Row(u, 0, 8), later);
  EXPECT_NE(later, WindowRandomness(CrSource::kDerived, 7, Open(v1::INFER, 200, 1, 3), 8));
}

TEST(WindowRandomnessTest, LooksStandardNormal) {
  const auto u = WindowRandomness(CrSource::kDerived, 1, Open(v1::TRAIN, 0, 1000), 24);
  double sum = 0, squares = 0;
  for (float x : u) {
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / u.size(), 0, 0.03);
  EXPECT_NEAR(squares / u.size(), 1, 0.03);
}

TEST(WindowRandomnessTest, BroadcastReturnsWhatWasSentAndConstantZeros) {
  v1::OpenWindow open = Open(v1::TRAIN, 3, 2);
  const auto derived = WindowRandomness(CrSource::kDerived, 7, open, 4);
  open.mutable_common_randomness()->Add(derived.begin(), derived.end());
  EXPECT_EQ(WindowRandomness(CrSource::kBroadcast, 7, open, 4), derived);
  EXPECT_EQ(WindowRandomness(CrSource::kConstant, 7, open, 4), std::vector<float>(8, 0.0f));
}

TEST(WindowRandomnessTest, NoRoundsNoNumbers) {
  EXPECT_TRUE(WindowRandomness(CrSource::kDerived, 7, Open(v1::EVALUATE, 0, 0), 4).empty());
}

TEST(RandomnessDigestTest, KnownAnswerAndSensitivity) {
  EXPECT_EQ(RandomnessDigest({}), 0xcbf29ce484222325ull);
  // FNV-1a of four zero bytes, worked out by hand from its definition.
  EXPECT_EQ(RandomnessDigest({0.0f}), 0x4d25767f9dce13f5ull);
  EXPECT_NE(RandomnessDigest({1.0f, 2.0f}), RandomnessDigest({2.0f, 1.0f}));
  EXPECT_NE(RandomnessDigest({0.0f}), RandomnessDigest({-0.0f}));
}

}  // namespace
}  // namespace semlink
