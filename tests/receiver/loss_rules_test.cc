// The losses of windows that measure single links, and of methods without a rate in the loss.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "common/method/embedding.h"
#include "common/scenario/method_table.h"
#include "receiver/decoder_bank.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::receiver {
namespace {

constexpr int kT = 1;  // digit
constexpr int64_t kD = 6;

ReceivedLink MakeLink(int k, int m, const std::vector<uint32_t>& rounds) {
  const int64_t rows = static_cast<int64_t>(4 * rounds.size());
  ReceivedLink link{k, m, rounds, Numbers({rows, kD}, static_cast<uint64_t>(10 * k + m)), {}};
  for (size_t i = 0; i < rounds.size(); ++i) link.rate_nats.push_back(0.5f + static_cast<float>(i));
  return link;
}

// Each class twice.
at::Tensor Labels() { return at::arange(20, at::kLong).remainder(10); }

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::nll_loss(at::log_softmax(logits, 1), labels);
}

class LossRulesTest : public ::testing::Test {
 protected:
  void Use(const char* method) { ApplyMethod(*FindMethod(method), &scenario_); }
  const std::vector<ReceivedLink> links_ = {MakeLink(0, 1, {0, 2}), MakeLink(1, 0, {2, 3, 4})};
  Scenario scenario_ = TinyScenario();
};

TEST_F(LossRulesTest, SingleLinksAreLearnedAlone) {
  Use("midib");
  scenario_.training.gamma = 0.05;
  DecoderBank bank(scenario_, kT), direct(scenario_, kT);
  const WindowResult result = bank.Run(Plan(scenario_, OpenTrain(scenario_, 0)), links_, Labels());

  std::vector<double> loss(5, 0.0);
  at::Tensor objective = at::zeros({});
  for (size_t i = 0; i < links_.size(); ++i) {
    const ReceivedLink& link = links_[i];
    const at::Tensor z = link.z.clone().requires_grad_(true);
    const at::Tensor e =
        method::ModalityEmbeddings(scenario_)[scenario_.Slot(link.k, link.m)].expand({4, kD});
    at::Tensor sum = at::zeros({});
    for (size_t r = 0; r < link.rounds.size(); ++r) {
      const at::Tensor part = z.narrow(0, static_cast<int64_t>(4 * r), 4);
      const at::Tensor ce = CrossEntropy(direct.local().Forward(at::cat({part, e}, 1)),
                                         Labels().narrow(0, 4 * link.rounds[r], 4));
      loss[link.rounds[r]] +=
          ce.item<double>() + scenario_.training.beta * link.rate_nats[r] + 0.05;
      sum = sum + ce;
    }
    torch::autograd::backward({sum}, {});
    EXPECT_LT(Difference(result.dz[i], z.grad()), 1e-5);
    EXPECT_NEAR(result.local_cross_entropy[i],
                sum.item<double>() / static_cast<double>(link.rounds.size()), 1e-5);
  }
  for (int r = 0; r < 5; ++r) EXPECT_NEAR(result.loss[r], loss[r], 1e-5) << "round " << r;
  EXPECT_NEAR(result.label_entropy, std::log(10.0), 1e-9);
  EXPECT_LT(Difference(bank.local().parameters().grad(), direct.local().parameters().grad()), 1e-5);
  EXPECT_FALSE(bank.fused().parameters().grad().defined());
  EXPECT_GT(result.cross_entropy, 0);  // of the fused decoder as it is
}

TEST_F(LossRulesTest, AWindowWithNothingToMeasureTeachesNothing) {
  Use("midib");
  DecoderBank bank(scenario_, kT);
  const WindowResult result = bank.Run(Plan(scenario_, OpenTrain(scenario_, 0)), {}, Labels());
  EXPECT_TRUE(result.dz.empty());
  EXPECT_FALSE(bank.fused().parameters().grad().defined());
  EXPECT_FALSE(bank.local().parameters().grad().defined());
}

TEST_F(LossRulesTest, AfterMeasuringTheLossIsThatOfPoM2Dib) {
  v1::OpenWindow open = OpenTrain(scenario_, 0);
  open.set_training_progress(0.9);
  DecoderBank policy(scenario_, kT);
  const WindowResult expected = policy.Run(Plan(scenario_, open), links_, Labels());
  Use("midib");
  DecoderBank bank(scenario_, kT);
  const WindowResult result = bank.Run(Plan(scenario_, open), links_, Labels());
  EXPECT_EQ(result.loss, expected.loss);
  EXPECT_TRUE(Same(bank.fused().parameters().grad(), policy.fused().parameters().grad()));
  EXPECT_TRUE(Same(bank.local().parameters().grad(), policy.local().parameters().grad()));
}

TEST_F(LossRulesTest, WithoutARateOnlyTheFusedDecoderCounts) {
  scenario_.training.beta = 0;
  DecoderBank without(scenario_, kT);
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 0));
  const WindowResult expected = without.Run(plan, links_, Labels());
  Use("dlsc");
  scenario_.training.beta = 1;
  DecoderBank bank(scenario_, kT);
  const WindowResult result = bank.Run(plan, links_, Labels());
  EXPECT_EQ(result.loss, expected.loss);
  for (size_t i = 0; i < links_.size(); ++i) {
    EXPECT_LT(Difference(result.dz[i], expected.dz[i]), 1e-6);
  }
  EXPECT_TRUE(Same(bank.fused().parameters().grad(), without.fused().parameters().grad()));
  EXPECT_FALSE(bank.local().parameters().grad().defined());
  EXPECT_TRUE(result.local_cross_entropy.empty());
}

}  // namespace
}  // namespace semlink::receiver
