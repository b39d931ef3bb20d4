#include "common/method/selector.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

SelectorOptions Options() {
  SelectorOptions options;
  options.input = 6;
  options.numbers = 2;
  options.positions = 4;
  options.model = TinyScenario().model;
  options.training = TinyScenario().training;
  return options;
}

Selector Make() { return Selector(Options(), RandomStream(1, Purpose::kParameters, 0, 0, 5)); }

std::vector<RandomStream> Streams(int rows) {
  std::vector<RandomStream> streams;
  for (int r = 0; r < rows; ++r)
    streams.emplace_back(3, Purpose::kReceiverSelection, 0, static_cast<uint32_t>(r), 0);
  return streams;
}

// The gradient of sum_r a_r log p(draw r) - bonus * sum_r H(row r), from the definition.
at::Tensor DirectGradient(Selector* selector, const at::Tensor& input,
                          const std::vector<policy::Draw>& draws, const std::vector<bool>& up,
                          const std::vector<float>& advantage, double bonus) {
  const at::Tensor logits = selector->network().Forward(input);
  const at::Tensor log_p = policy::LogProbability(logits, 2, draws, up);
  at::Tensor objective = -bonus * policy::Entropy(logits, 2, up).sum();
  for (size_t r = 0; r < advantage.size(); ++r) {
    objective = objective + log_p[static_cast<int64_t>(r)] * advantage[r];
  }
  torch::autograd::backward({objective}, {});
  return selector->network().parameters().grad();
}

TEST(SelectorTest, GradientIsThatOfTheObjective) {
  const at::Tensor input = Numbers({3, 6}, 1);
  const std::vector<float> advantage = {0.5f, -1.25f, 2};
  for (double bonus : {0.0, 0.3}) {
    for (const std::vector<bool>& up :
         {std::vector<bool>{}, std::vector<bool>{true, false, true, true}}) {
      Selector selector = Make(), direct = Make();
      std::vector<RandomStream> streams = Streams(3);
      const auto draws = selector.Sample(input, streams, up);
      selector.Accumulate(advantage, bonus);
      const at::Tensor expected = DirectGradient(&direct, input, draws, up, advantage, bonus);
      EXPECT_GT(expected.norm().item<double>(), 0.01);
      EXPECT_LT(Difference(selector.network().parameters().grad(), expected), 1e-6);
    }
  }
}

TEST(SelectorTest, KeepsWhatItsObjectiveIsMadeOf) {
  const at::Tensor input = Numbers({3, 6}, 1);
  Selector selector = Make();
  EXPECT_TRUE(selector.weighted_log_probability().empty());
  std::vector<RandomStream> streams = Streams(3);
  const auto draws = selector.Sample(input, streams, {});
  const at::Tensor log_p =
      policy::LogProbability(selector.network().Forward(input).detach(), 2, draws);
  selector.Accumulate({0.5f, 0, -2}, 0.3, {true, false, true});
  const std::vector<double>& weighted = selector.weighted_log_probability();
  ASSERT_EQ(weighted.size(), 3u);
  EXPECT_NEAR(weighted[0], 0.5 * log_p[0].item<double>(), 1e-6);
  EXPECT_EQ(weighted[1], 0);
  EXPECT_NEAR(weighted[2], -2 * log_p[2].item<double>(), 1e-6);
  EXPECT_GT(weighted[2], 0.1);
  selector.Step();
  EXPECT_TRUE(selector.weighted_log_probability().empty());
}

TEST(SelectorTest, RowsThatDoNotCountAddNothing) {
  const at::Tensor input = Numbers({3, 6}, 1);
  Selector selector = Make(), direct = Make();
  std::vector<RandomStream> streams = Streams(3);
  const auto draws = selector.Sample(input, streams, {});
  selector.Accumulate({0.5f, 0, 2}, 0.3, {true, false, true});
  const at::Tensor counted = at::stack({input[0], input[2]});
  const at::Tensor expected =
      DirectGradient(&direct, counted, {draws[0], draws[2]}, {}, {0.5f, 2}, 0.3);
  EXPECT_GT(expected.norm().item<double>(), 0.01);
  EXPECT_LT(Difference(selector.network().parameters().grad(), expected), 1e-6);
}

TEST(SelectorTest, WithoutARowThatCountsItTakesNoStep) {
  Selector selector = Make();
  std::vector<RandomStream> streams = Streams(3);
  selector.Sample(Numbers({3, 6}, 1), streams, {});
  selector.Accumulate({0, 0, 0}, 0.3, {false, false, false});
  selector.Step();
  EXPECT_TRUE(Same(selector.network().parameters(), Make().network().parameters()));
}

TEST(SelectorTest, ModeKeepsNothingToStepOn) {
  Selector selector = Make();
  const auto draws = selector.Mode(Numbers({3, 6}, 1), {});
  EXPECT_EQ(draws.size(), 3u);
  selector.Accumulate({1, 1, 1}, 0.1);
  selector.Step();
  EXPECT_TRUE(Same(selector.network().parameters(), Make().network().parameters()));
}

TEST(SelectorTest, DiscardedGradientLeavesNoTrace) {
  const at::Tensor input = Numbers({3, 6}, 1);
  Selector disturbed = Make(), clean = Make();
  for (Selector* selector : {&disturbed, &clean}) {
    if (selector == &disturbed) {
      std::vector<RandomStream> streams = Streams(3);
      selector->Sample(Numbers({3, 6}, 2), streams, {});
      selector->Accumulate({5, 5, 5}, 0);
      selector->Discard();
      selector->Step();
      EXPECT_TRUE(Same(selector->network().parameters(), Make().network().parameters()));
    }
    std::vector<RandomStream> streams = Streams(3);
    selector->Sample(input, streams, {});
    selector->Accumulate({1, 2, 3}, 0);
    selector->Step();
  }
  EXPECT_FALSE(Same(clean.network().parameters(), Make().network().parameters()));
  EXPECT_TRUE(Same(clean.network().parameters(), disturbed.network().parameters()));
}

// AdamW hides the scale of a first gradient, so two steps whose gradients differ by a factor tell
// whether the larger one was clipped.
TEST(SelectorTest, GradientIsClippedToTheScenariosNorm) {
  SelectorOptions loose = Options(), tight = Options();
  tight.training.selector_gradient_clip = 1e-3;
  std::vector<at::Tensor> result;
  for (const SelectorOptions& options : {loose, tight}) {
    Selector selector(options, RandomStream(1, Purpose::kParameters, 0, 0, 5));
    for (float scale : {1.0f, 0.01f}) {
      std::vector<RandomStream> streams = Streams(1);
      selector.Sample(Numbers({1, 6}, 1), streams, {});
      selector.Accumulate({scale}, 0);
      selector.Step();
    }
    result.push_back(selector.network().parameters().detach().clone());
  }
  EXPECT_GT(Difference(result[0], result[1]), 1e-4);
}

TEST(SelectorTest, EntropyIsTheMeanOverTheRows) {
  Selector selector = Make();
  const at::Tensor input = Numbers({5, 6}, 1);
  std::vector<RandomStream> streams = Streams(5);
  selector.Sample(input, streams, {});
  const at::Tensor logits = selector.network().Forward(input).detach();
  EXPECT_NEAR(selector.entropy(), policy::Entropy(logits, 2).mean().item<double>(), 1e-6);
}

}  // namespace
}  // namespace semlink::method
