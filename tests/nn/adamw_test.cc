#include "common/nn/adamw.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include <cmath>

#include "common/base/rng.h"

namespace semlink::nn {
namespace {

at::Tensor Random(int64_t n, uint64_t id) {
  at::Tensor x = at::empty({n});
  RandomStream(3, Purpose::kSynthetic, 0, 0, id)
      .FillNormal(x.data_ptr<float>(), static_cast<std::size_t>(n));
  return x;
}

at::Tensor Leaf(int64_t n, uint64_t id) {
  at::Tensor x = Random(n, id);
  x.set_requires_grad(true);
  return x;
}

double Relative(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

TEST(AdamWTest, FollowsTorchOverTwentySteps) {
  AdamWOptions options;
  options.learning_rate = 1e-2;
  options.weight_decay = 0.1;
  at::Tensor ours = Leaf(1003, 1), theirs = Leaf(1003, 1);
  const at::Tensor start = ours.detach().clone();
  AdamW optimizer(ours, options);
  torch::optim::AdamW reference(
      std::vector<at::Tensor>{theirs},
      torch::optim::AdamWOptions(options.learning_rate).weight_decay(options.weight_decay));
  for (uint64_t step = 0; step < 20; ++step) {
    const at::Tensor gradient = Random(1003, 100 + step) * std::pow(10.0, step % 5 - 3.0);
    ours.mutable_grad() = gradient.clone();
    theirs.mutable_grad() = gradient * 0.5;
    optimizer.Step(/*gradient_scale=*/0.5);
    reference.step();
    ASSERT_LT(Relative(ours.detach(), theirs.detach()), 1e-6) << "step " << step;
    EXPECT_FALSE(ours.grad().defined());
  }
  EXPECT_EQ(optimizer.steps(), 20);
  EXPECT_GT(Relative(ours.detach(), start), 1e-2);
}

TEST(AdamWTest, RateFactorScalesTheLearningRate) {
  AdamWOptions options;
  at::Tensor a = Leaf(64, 1), b = Leaf(64, 1);
  AdamW scaled(a, options);
  options.learning_rate *= 0.25;
  AdamW plain(b, options);
  a.mutable_grad() = Random(64, 2);
  b.mutable_grad() = Random(64, 2);
  scaled.Step(1.0, 0.25);
  plain.Step();
  EXPECT_TRUE(a.detach().equal(b.detach()));
}

TEST(AdamWTest, WithoutGradientNothingMoves) {
  at::Tensor p = Leaf(32, 1);
  const at::Tensor start = p.detach().clone();
  AdamW optimizer(p, {});
  optimizer.Step();
  EXPECT_TRUE(p.detach().equal(start));
  EXPECT_EQ(optimizer.steps(), 0);

  p.mutable_grad() = at::ones({32});
  optimizer.Discard();
  optimizer.Step();
  EXPECT_TRUE(p.detach().equal(start));

  p.mutable_grad() = at::ones({32});
  optimizer.Step();
  EXPECT_FALSE(p.detach().equal(start));
  const at::Tensor moved = p.detach().clone();
  optimizer.Step();  // the gradient is used up
  EXPECT_TRUE(p.detach().equal(moved));
  EXPECT_EQ(optimizer.steps(), 1);
}

TEST(AdamWTest, AStepInvalidatesGraphsThroughTheOldValues) {
  at::Tensor p = Leaf(8, 1);
  const at::Tensor loss = (p * p).sum();
  AdamW optimizer(p, {});
  p.mutable_grad() = at::ones({8});
  optimizer.Step();
  EXPECT_THROW(loss.backward(), c10::Error);
}

TEST(AdamWTest, RestoredStateContinuesTheSameRun) {
  at::Tensor a = Leaf(50, 1);
  AdamW first(a, {});
  a.mutable_grad() = Random(50, 2);
  first.Step();
  at::Tensor b = a.detach().clone().set_requires_grad(true);
  AdamW second(b, {});
  second.Restore(first.first_moment(), first.second_moment(), first.steps());
  a.mutable_grad() = Random(50, 3);
  b.mutable_grad() = Random(50, 3);
  first.Step();
  second.Step();
  EXPECT_TRUE(a.detach().equal(b.detach()));
  EXPECT_EQ(second.steps(), 2);
  EXPECT_THROW(second.Restore(at::zeros({3}), at::zeros({3}), 1), c10::Error);
}

TEST(ClipScaleTest, BringsTheJointNormToTheLimit) {
  at::Tensor a = Leaf(2, 1), b = Leaf(1, 2), unused = Leaf(4, 3);
  a.mutable_grad() = at::tensor({3.0f, 0.0f});
  b.mutable_grad() = at::tensor({4.0f});
  EXPECT_DOUBLE_EQ(ClipScale({a, b, unused}, 10), 1.0);
  EXPECT_NEAR(ClipScale({a, b, unused}, 2), 0.4, 1e-6);
  EXPECT_DOUBLE_EQ(ClipScale({unused}, 2), 1.0);
  EXPECT_DOUBLE_EQ(ClipScale({}, 2), 1.0);
}

}  // namespace
}  // namespace semlink::nn
