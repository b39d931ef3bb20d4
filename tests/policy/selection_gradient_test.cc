// The probabilities that the policy gradient rests on, and the gradients themselves.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>

#include "common/policy/selection.h"
#include "tests/policy/enumeration.h"

namespace semlink::policy {
namespace {

std::vector<Draw> DrawsOf(const std::map<Order, double>& all) {
  std::vector<Draw> draws;
  for (const auto& [order, p] : all) draws.push_back({order});
  return draws;
}

at::Tensor Gradient(const at::Tensor& value, const at::Tensor& input) {
  return torch::autograd::grad({value.sum()}, {input})[0];
}

// Central differences of f at `row`.
std::vector<double> NumericalGradient(const std::function<double(const std::vector<double>&)>& f,
                                      const std::vector<double>& row) {
  constexpr double kStep = 1e-5;
  std::vector<double> gradient;
  for (size_t i = 0; i < row.size(); ++i) {
    std::vector<double> above = row, below = row;
    above[i] += kStep;
    below[i] -= kStep;
    gradient.push_back((f(above) - f(below)) / (2 * kStep));
  }
  return gradient;
}

TEST(LogProbabilityTest, MatchesEnumeration) {
  for (const PolicyCase& c : PolicyCases()) {
    const std::map<Order, double> all = Enumerate(c.row, c.numbers, c.up);
    const at::Tensor logits = Rows(c.row, static_cast<int64_t>(all.size()));
    const at::Tensor log_p = LogProbability(logits, c.numbers, DrawsOf(all), c.up);
    ASSERT_EQ(log_p.sizes(), at::IntArrayRef({static_cast<int64_t>(all.size())}));
    int64_t i = 0;
    for (const auto& [order, p] : all) {
      EXPECT_NEAR(log_p[i++].item<double>(), std::log(p), 1e-12);
    }
    EXPECT_NEAR(log_p.exp().sum().item<double>(), 1, 1e-12);
  }
}

TEST(LogProbabilityTest, RowsWithDifferentLogitsAndLengthsDoNotMix) {
  const std::vector<double> first = {0.5, -0.5, 1.0, 0.3, 0.2, -1.0};
  const std::vector<double> second = {0.1, 0.4, -0.7, 1.3, 0.0, 0.6};
  const at::Tensor logits =
      at::stack({at::tensor(first, at::kDouble), at::tensor(second, at::kDouble)});
  const at::Tensor log_p = LogProbability(logits, 2, {Draw{{3}}, Draw{{1, 0}}});
  EXPECT_NEAR(log_p[0].item<double>(), std::log(Enumerate(first, 2)[{3}]), 1e-12);
  EXPECT_NEAR(log_p[1].item<double>(), std::log(Enumerate(second, 2)[{1, 0}]), 1e-12);
}

TEST(LogProbabilityTest, GradientMatchesNumericalGradient) {
  for (const PolicyCase& c : PolicyCases()) {
    const std::map<Order, double> all = Enumerate(c.row, c.numbers, c.up);
    const at::Tensor logits = Rows(c.row, static_cast<int64_t>(all.size())).requires_grad_(true);
    const at::Tensor gradient =
        Gradient(LogProbability(logits, c.numbers, DrawsOf(all), c.up), logits);
    int64_t i = 0;
    for (const auto& entry : all) {
      const Order& order = entry.first;
      const std::vector<double> expected = NumericalGradient(
          [&](const std::vector<double>& row) {
            return std::log(Enumerate(row, c.numbers, c.up)[order]);
          },
          c.row);
      EXPECT_TRUE(at::allclose(gradient[i], at::tensor(expected, at::kDouble), 1e-6, 1e-8))
          << gradient[i] << " expected " << at::tensor(expected, at::kDouble);
      ++i;
    }
  }
}

TEST(LogProbabilityTest, WhatIsDownOrInfeasibleGetsNoGradient) {
  const at::Tensor logits = Rows({0.3, 0.9, 1.4, 1.0, -1.0, 0.5, 0.0}, 1).requires_grad_(true);
  const std::vector<bool> up = {false, true, false, true};
  const at::Tensor gradient = Gradient(LogProbability(logits, 3, {Draw{{1, 3}}}, up), logits)[0];
  for (int64_t i : {2, 3, 5}) EXPECT_EQ(gradient[i].item<double>(), 0);
  EXPECT_NE(gradient[0].item<double>(), 0);
  EXPECT_NE(gradient[4].item<double>(), 0);
}

TEST(LogProbabilityTest, ExtremeLogitsStayFinite) {
  for (at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor logits = Rows({400, -400, 500, -500, 0, 300}, 2).to(type).requires_grad_(true);
    // Positions 0 then 3: log p = 0 + (300 - 300); 1 then 2: (-500 - 500) + (0 - 500). n = 2: -800
    // both.
    const at::Tensor log_p = LogProbability(logits, 2, {Draw{{0, 3}}, Draw{{1, 2}}});
    EXPECT_NEAR(log_p[0].item<double>(), -800, 1e-3);
    EXPECT_NEAR(log_p[1].item<double>(), -2300, 1e-3);
    const at::Tensor gradient = Gradient(log_p, logits);
    EXPECT_TRUE(at::isfinite(gradient).all().item<bool>()) << gradient;
    const at::Tensor expected =
        at::tensor({-1., 1., 0., 0., 0., 0., -1., 1., -2., 1., 1., 0.}, at::kDouble);
    EXPECT_TRUE(at::allclose(gradient.to(at::kDouble), expected.reshape({2, 6}), 1e-5, 1e-5))
        << gradient;
  }
}

TEST(LogProbabilityTest, ManyRowsOfManyPositionsInFloat) {
  constexpr int kRows = 300, kPositions = 64, kNumbers = 64;
  RandomStream noise(1, Purpose::kSynthetic);
  at::Tensor logits = at::empty({kRows, kNumbers + kPositions});
  noise.FillNormal(logits.data_ptr<float>(), logits.numel());
  std::vector<RandomStream> streams;
  for (int r = 0; r < kRows; ++r) streams.emplace_back(2, Purpose::kReceiverSelection, 0, r);
  const std::vector<Draw> draws = Sample(logits, kNumbers, streams);
  const at::Tensor single = logits.clone().requires_grad_(true);
  const at::Tensor twice = logits.to(at::kDouble).requires_grad_(true);
  const at::Tensor log_p = LogProbability(single, kNumbers, draws);
  const at::Tensor reference = LogProbability(twice, kNumbers, draws);
  EXPECT_TRUE(at::allclose(log_p.to(at::kDouble), reference, 1e-5, 1e-4));
  EXPECT_TRUE(at::allclose(Gradient(log_p, single).to(at::kDouble), Gradient(reference, twice),
                           1e-3, 1e-4));
}

TEST(LogProbabilityTest, NothingUpStillAllowsBackward) {
  const at::Tensor logits = Rows({0.1, 0.2, 0.3, 0.4}, 2).requires_grad_(true);
  const at::Tensor value = LogProbability(logits, 2, {Draw{}, Draw{}}, {false, false}) +
                           Entropy(logits, 2, {false, false});
  EXPECT_TRUE(Gradient(value, logits).eq(0).all().item<bool>());
}

// E[loss * grad log p] over draws is the gradient of E[loss]: what trains the selectors.
TEST(ScoreFunctionTest, MeanOverDrawsIsTheGradientOfTheExpectedLoss) {
  constexpr int kDraws = 40000;
  constexpr double kSigmas = 4.5;  // two-sided: exceeded by chance once in 150 000 components
  const std::vector<double> row = {0.4, -0.3, 0.5, -0.6, 1.1};
  const auto loss = [](const Order& order) {
    double value = 0.3 * static_cast<double>(order.size());
    for (int p : order) value += 0.5 * p * p - p;
    return value + (order[0] == 2 ? 0.7 : 0);
  };
  const std::vector<double> exact = NumericalGradient(
      [&](const std::vector<double>& at_row) {
        double expected = 0;
        for (const auto& [order, p] : Enumerate(at_row, 2)) expected += p * loss(order);
        return expected;
      },
      row);

  std::vector<RandomStream> streams;
  for (int r = 0; r < kDraws; ++r) streams.emplace_back(11, Purpose::kReceiverSelection, 0, r);
  const at::Tensor logits = Rows(row, kDraws).requires_grad_(true);
  const std::vector<Draw> draws = Sample(logits, 2, streams);
  std::vector<double> losses;
  for (const Draw& draw : draws) losses.push_back(loss(draw.order));
  const at::Tensor terms = Gradient(
      at::tensor(losses, at::kDouble) * LogProbability(logits, 2, draws), logits);  // [draws, 5]
  const at::Tensor mean = terms.mean(0);
  const at::Tensor error = terms.std(0) / std::sqrt(static_cast<double>(kDraws));
  double largest = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const double bound = kSigmas * error[i].item<double>();
    EXPECT_NEAR(mean[i].item<double>(), exact[i], bound) << "logit " << i;
    EXPECT_LT(bound, 0.05) << "too few draws to tell anything";
    largest = std::max(largest, std::abs(exact[i]));
  }
  EXPECT_GT(largest, 0.2) << "a gradient near 0 would test little";
}

TEST(EntropyTest, IsThatOfTheNumberPlusThatOfTheFirstPosition) {
  for (const PolicyCase& c : PolicyCases()) {
    const auto entropy = [&](const std::vector<double>& row) {
      std::vector<double> number(c.numbers, 0.0), first(row.size() - c.numbers, 0.0);
      for (const auto& [order, p] : Enumerate(row, c.numbers, c.up)) {
        number[order.size() - 1] += p;
        first[order[0]] += p;
      }
      double sum = 0;
      for (double p : number) sum -= p > 0 ? p * std::log(p) : 0;
      for (double p : first) sum -= p > 0 ? p * std::log(p) : 0;
      return sum;
    };
    const at::Tensor logits = Rows(c.row, 1).requires_grad_(true);
    const at::Tensor value = Entropy(logits, c.numbers, c.up);
    EXPECT_NEAR(value.item<double>(), entropy(c.row), 1e-12);
    const at::Tensor expected = at::tensor(NumericalGradient(entropy, c.row), at::kDouble);
    EXPECT_TRUE(at::allclose(Gradient(value, logits)[0], expected, 1e-6, 1e-8));
  }
}

}  // namespace
}  // namespace semlink::policy
