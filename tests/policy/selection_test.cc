#include "common/policy/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/base/statistics.h"
#include "tests/policy/enumeration.h"

namespace semlink::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<RandomStream> Streams(uint64_t seed, int rows) {
  std::vector<RandomStream> streams;
  for (int r = 0; r < rows; ++r) streams.emplace_back(seed, Purpose::kReceiverSelection, 0, r);
  return streams;
}

TEST(SampleTest, FrequenciesMatchTheEnumeratedProbabilities) {
  constexpr int kDraws = 20000;
  for (uint64_t seed : {1, 2}) {
    for (const PolicyCase& c : PolicyCases()) {
      std::vector<RandomStream> streams = Streams(seed, kDraws);
      std::map<Order, int> counted;
      for (const Draw& draw : Sample(Rows(c.row, kDraws), c.numbers, streams, c.up)) {
        ++counted[draw.order];
      }
      std::vector<double> probability;
      std::vector<int> count;
      for (const auto& [order, p] : Enumerate(c.row, c.numbers, c.up)) {
        probability.push_back(p);
        count.push_back(counted[order]);
      }
      EXPECT_THAT(counted, SizeIs(probability.size())) << "a draw outside the enumeration";
      semlink::testing::ExpectFrequencies(probability, count);
    }
  }
}

TEST(SampleTest, ARowDependsOnItsOwnStreamAndLogitsOnly) {
  const at::Tensor logits =
      at::tensor({0.1, 0.2, 0.3, 0.4, 0.5, 1.0, -1.0, 0.0, 2.0, 0.0}, at::kDouble).reshape({2, 5});
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<RandomStream> both = Streams(seed, 2);
    const std::vector<Draw> together = Sample(logits, 2, both);
    std::vector<RandomStream> second = {Streams(seed, 2)[1]};
    EXPECT_EQ(Sample(logits.slice(0, 1, 2), 2, second)[0].order, together[1].order);
  }
}

TEST(SampleTest, TakesFloatLogits) {
  const at::Tensor logits = at::tensor({0.5, -0.25, 1.0, 0.0, -2.0}, at::kDouble).unsqueeze(0);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<RandomStream> a = Streams(seed, 1), b = Streams(seed, 1);
    EXPECT_EQ(Sample(logits, 2, a)[0].order, Sample(logits.to(at::kFloat), 2, b)[0].order);
  }
}

TEST(SampleTest, DrawsDistinctPositionsHoweverFarApartTheLogitsAre) {
  // After the first draw the weights of the others underflow unless they are renormalised among
  // themselves.
  std::vector<RandomStream> streams = Streams(3, 50);
  for (const Draw& draw : Sample(Rows({-2000, -2000, 0, 2000, 0, -2000, -4000}, 50), 3, streams)) {
    EXPECT_THAT(draw.order, ElementsAre(0, 1, 2));
  }
}

TEST(SampleTest, NumberIsLimitedByThePositionsThatAreUp) {
  // The largest number logit asks for three positions.
  const at::Tensor logits = Rows({0, 0, 50, 0, 0, 0, 0}, 200);
  std::vector<RandomStream> streams = Streams(4, 200);
  for (const Draw& draw : Sample(logits, 3, streams, {false, true, false, true})) {
    EXPECT_LE(draw.order.size(), 2u);
    for (int p : draw.order) EXPECT_TRUE(p == 1 || p == 3);
  }
  streams = Streams(5, 200);
  for (const Draw& draw : Sample(logits, 3, streams, {false, false, true, false})) {
    EXPECT_THAT(draw.order, ElementsAre(2));
  }
}

TEST(SampleTest, NothingUpGivesEmptyDraws) {
  const at::Tensor logits = Rows({0, 0, 1, 2}, 3);
  std::vector<RandomStream> streams = Streams(6, 3);
  const std::vector<Draw> draws = Sample(logits, 2, streams, {false, false});
  ASSERT_THAT(draws, SizeIs(3));
  for (const Draw& draw : draws) EXPECT_THAT(draw.order, IsEmpty());
  EXPECT_THAT(Mode(logits, 2, {false, false})[0].order, IsEmpty());
  EXPECT_TRUE(LogProbability(logits, 2, draws, {false, false}).eq(0).all().item<bool>());
  EXPECT_TRUE(Entropy(logits, 2, {false, false}).eq(0).all().item<bool>());
  EXPECT_TRUE(InclusionProbability(logits, 2, {false, false}).eq(0).all().item<bool>());
}

TEST(SampleTest, NoRowsGiveNoDraws) {
  const at::Tensor logits = at::zeros({0, 5});
  std::vector<RandomStream> none;
  EXPECT_THAT(Sample(logits, 2, none), IsEmpty());
  EXPECT_EQ(LogProbability(logits, 2, {}).sizes(), at::IntArrayRef({0}));
  EXPECT_EQ(Entropy(logits, 2).sizes(), at::IntArrayRef({0}));
}

TEST(ModeTest, TakesTheLargestNumberThenTheTopPositions) {
  EXPECT_THAT(Mode(Rows({0, 1, 0.5, -1, 3, 2, 0}, 1), 3)[0].order, ElementsAre(1, 2));
  EXPECT_THAT(Mode(Rows({0, 1, 1.5, -1, 3, 2, 0}, 1), 3)[0].order, ElementsAre(1, 2, 3));
}

TEST(ModeTest, TiesGoToTheLowerIndex) {
  EXPECT_THAT(Mode(Rows({1, 1, 0, 0, 0, 0}, 1), 3)[0].order, ElementsAre(0));
  EXPECT_THAT(Mode(Rows({0, 1, 1, 5, 5, 5}, 1), 3)[0].order, ElementsAre(0, 1));
  EXPECT_THAT(Mode(Rows({0, 0, 1, 2, 5, 2, 5}, 1), 3)[0].order, ElementsAre(1, 3, 0));
}

TEST(ModeTest, IgnoresWhatIsDown) {
  // Number 3 is the best but infeasible with two positions up; of the feasible ones 1 is the best.
  EXPECT_THAT(Mode(Rows({2, 1, 9, 7, 3, 8, 4}, 1), 3, {false, true, false, true})[0].order,
              ElementsAre(3));
  EXPECT_THAT(Mode(Rows({1, 2, 9, 7, 3, 8, 4}, 1), 3, {false, true, false, true})[0].order,
              ElementsAre(3, 1));
}

TEST(ModeTest, DecidesEachRowByItself) {
  const std::vector<Draw> modes =
      Mode(at::tensor({1., 0., 5., 6., 0., 1., 6., 5.}, at::kDouble).reshape({2, 4}), 2);
  ASSERT_THAT(modes, SizeIs(2));
  EXPECT_THAT(modes[0].order, ElementsAre(1));
  EXPECT_THAT(modes[1].order, ElementsAre(0, 1));
}

TEST(InclusionProbabilityTest, MatchesTheSumOverDraws) {
  for (const PolicyCase& c : PolicyCases()) {
    const int positions = static_cast<int>(c.row.size()) - c.numbers;
    std::vector<double> expected(positions, 0.0);
    for (const auto& [order, p] : Enumerate(c.row, c.numbers, c.up)) {
      for (int drawn : order) expected[drawn] += p;
    }
    const at::Tensor inclusion = InclusionProbability(Rows(c.row, 2), c.numbers, c.up);
    EXPECT_TRUE(at::allclose(inclusion, Rows(expected, 2), 1e-12, 1e-12)) << inclusion;
  }
}

TEST(ShapesTest, ThatDoNotFitAreRefused) {
  std::vector<RandomStream> two = Streams(7, 2);
  EXPECT_THROW(Sample(at::zeros({5}), 2, two), c10::Error);
  EXPECT_THROW(Sample(at::zeros({2, 2}), 2, two), c10::Error) << "no position logit";
  EXPECT_THROW(Sample(at::zeros({2, 5}), 0, two), c10::Error);
  EXPECT_THROW(Sample(at::zeros({3, 5}), 2, two), c10::Error) << "a stream is missing";
  EXPECT_THROW(Sample(at::zeros({2, 5}), 2, two, {true, true}), c10::Error) << "short mask";
  EXPECT_THROW(InclusionProbability(at::zeros({1, 24}), 2), c10::Error) << "too many positions";
}

TEST(ShapesTest, LogitsThatAreNotFiniteAreRefused) {
  std::vector<RandomStream> one = Streams(8, 1);
  for (double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(Sample(Rows({0, 0, bad, 1}, 1), 2, one), c10::Error);
    EXPECT_THROW(Mode(Rows({0, bad, 0, 1}, 1), 2), c10::Error);
  }
}

TEST(ShapesTest, ImpossibleDrawsAreRefused) {
  const at::Tensor logits = at::zeros({1, 5});  // two numbers, three positions
  const std::vector<bool> up = {true, false, true};
  EXPECT_THROW(LogProbability(logits, 2, {}), c10::Error) << "one draw per row";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{}}}), c10::Error) << "empty";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{0, 1, 2}}}), c10::Error) << "too many";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{1, 1}}}), c10::Error) << "twice";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{3}}}), c10::Error) << "out of range";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{-1}}}), c10::Error) << "out of range";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{1}}}, up), c10::Error) << "down";
  EXPECT_THROW(LogProbability(logits, 2, {Draw{{0}}}, {false, false, false}), c10::Error);
}

}  // namespace
}  // namespace semlink::policy
