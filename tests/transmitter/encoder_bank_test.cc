#include "transmitter/encoder_bank.h"

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/info/rate.h"
#include "common/method/embedding.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::transmitter {
namespace {

constexpr int kK = 1;  // the transmitter under test: image_fft, noise, noise
constexpr int64_t kD = 6;

struct Expected {
  at::Tensor mu, sigma, z, rate;
};

class EncoderBankTest : public ::testing::Test {
 protected:
  std::unique_ptr<EncoderBank> Make() { return EncoderBank::Create(scenario_, kK).value(); }

  // One round of a link from the definition: no shared rows, one network pass per round.
  Expected Direct(EncoderBank* bank, const method::WindowPlan& plan, int m, int t,
                  uint32_t round) const {
    const auto sources = data::OpenModalities(scenario_, kK).value();
    const at::Tensor x = sources[m]->Batch(plan.key(), {plan.rounds[round]});
    const at::Tensor e = method::TaskEmbeddings(scenario_)[t].expand({x.size(0), kD});
    const at::Tensor out = bank->networks()[m].Forward(at::cat({x, e}, 1));
    Expected expected;
    expected.mu = out.narrow(1, 0, kD);
    expected.sigma = at::log1p(at::exp(out.narrow(1, kD, kD) - 5));
    at::Tensor noise = at::empty({x.size(0), kD}, at::kFloat);
    const uint64_t link = (static_cast<uint64_t>(scenario_.Slot(kK, m)) << 32) | t;
    RandomStream(plan.seed, Purpose::kFeatureNoise, plan.stream(), round, link)
        .FillNormal(noise.data_ptr<float>(), noise.numel());
    expected.z = expected.mu + expected.sigma * noise;
    expected.rate = info::Rate(scenario_.rate.estimator, expected.z.unsqueeze(0),
                               expected.mu.unsqueeze(0), expected.sigma.unsqueeze(0));
    return expected;
  }

  Scenario scenario_ = TinyScenario();
};

const std::vector<ActiveLink> kLinks = {{0, 0, {0, 2}}, {0, 1, {2, 3, 4}}, {2, 1, {1}}};

TEST_F(EncoderBankTest, FeaturesAreMeanPlusSigmaTimesNoise) {
  auto bank = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 3));
  const std::vector<EncodedLink> encoded = bank->Encode(plan, kLinks);
  ASSERT_EQ(encoded.size(), kLinks.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    EXPECT_TRUE(encoded[i].link == kLinks[i]);
    EXPECT_FALSE(encoded[i].z.requires_grad());
    ASSERT_EQ(encoded[i].z.size(0), static_cast<int64_t>(4 * kLinks[i].rounds.size()));
    for (size_t r = 0; r < kLinks[i].rounds.size(); ++r) {
      const Expected e = Direct(bank.get(), plan, kLinks[i].m, kLinks[i].t, kLinks[i].rounds[r]);
      EXPECT_LT(Difference(encoded[i].z.narrow(0, static_cast<int64_t>(4 * r), 4), e.z), 1e-5);
      EXPECT_NEAR(encoded[i].rate_nats[r], e.rate.item<double>(),
                  1e-3 * (1 + std::abs(e.rate.item<double>())));
    }
  }
}

TEST_F(EncoderBankTest, EncodingAgainGivesTheSameFeatures) {
  auto bank = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 3));
  const auto first = bank->Encode(plan, kLinks);
  const auto again = bank->Encode(plan, kLinks);
  for (size_t i = 0; i < kLinks.size(); ++i) EXPECT_TRUE(Same(first[i].z, again[i].z));
  // Alone, a round of a link has the features that it has among others.
  const auto alone = bank->Encode(plan, {{0, 1, {3}}});
  EXPECT_LT(Difference(alone[0].z, first[1].z.narrow(0, 4, 4)), 1e-5);
  // Another window has other samples and other noise.
  const auto other = bank->Encode(Plan(scenario_, OpenTrain(scenario_, 4)), kLinks);
  EXPECT_GT(Difference(first[0].z, other[0].z), 1e-2);
}

TEST_F(EncoderBankTest, EvaluationSendsTheMeanOrASample) {
  const v1::OpenWindow open = OpenEvaluate(scenario_, 5, 12, 11, 0);  // rounds of 4, 4, 3
  for (bool mean : {true, false}) {
    scenario_.evaluation.mean_feature = mean;
    auto bank = Make();
    const method::WindowPlan plan = Plan(scenario_, open);
    const auto encoded = bank->Encode(plan, {{0, 1, {0, 1, 2}}});
    ASSERT_EQ(encoded[0].z.size(0), 11);
    ASSERT_EQ(encoded[0].rate_nats.size(), 3u);
    for (uint32_t r = 0; r < 3; ++r) {
      const Expected e = Direct(bank.get(), plan, 0, 1, r);
      const at::Tensor got = encoded[0].z.narrow(0, 4 * r, r == 2 ? 3 : 4);
      EXPECT_LT(Difference(got, mean ? e.mu : e.z), 1e-5);
      EXPECT_GT(Difference(got, mean ? e.z : e.mu), 1e-4);
      EXPECT_NEAR(encoded[0].rate_nats[r], e.rate.item<double>(), 1e-3);
    }
  }
}

TEST_F(EncoderBankTest, GradientIsThatOfFeaturesAndRate) {
  auto bank = Make(), direct = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 0));
  // A sigma near 1: with that of a fresh encoder float32 rounding hides the rate's gradient.
  for (EncoderBank* b : {bank.get(), direct.get()}) {
    at::NoGradGuard no_grad;
    for (const auto& [name, view] : b->networks()[0].NamedParameters()) {
      if (name == "output.bias") view.narrow(0, kD, kD).fill_(5);
    }
  }
  const std::vector<ActiveLink> links = {{0, 0, {0, 2}}, {0, 1, {2}}};
  const std::vector<at::Tensor> dz = {Numbers({8, kD}, 1), Numbers({4, kD}, 2)};
  bank->Encode(plan, links);
  bank->Backward(dz);

  at::Tensor objective = at::zeros({});
  for (size_t i = 0; i < links.size(); ++i) {
    for (size_t r = 0; r < links[i].rounds.size(); ++r) {
      const Expected e = Direct(direct.get(), plan, 0, links[i].t, links[i].rounds[r]);
      objective = objective + (e.z * dz[i].narrow(0, static_cast<int64_t>(4 * r), 4)).sum() +
                  scenario_.training.beta * e.rate.sum();
    }
  }
  torch::autograd::backward({objective}, {});
  const at::Tensor expected = direct->networks()[0].parameters().grad();
  const at::Tensor got = bank->networks()[0].parameters().grad();
  EXPECT_LT(((got - expected).norm() / expected.norm()).item<double>(), 1e-4);
}

TEST_F(EncoderBankTest, EncodersWithoutALinkTakeNoStep) {
  auto bank = Make(), fresh = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 0));
  bank->Encode(plan, {{2, 1, {1}}});
  bank->Backward({Numbers({4, kD}, 1)});
  bank->Step(1.0);
  EXPECT_TRUE(Same(bank->networks()[0].parameters(), fresh->networks()[0].parameters()));
  EXPECT_TRUE(Same(bank->networks()[1].parameters(), fresh->networks()[1].parameters()));
  EXPECT_GT(Difference(bank->networks()[2].parameters(), fresh->networks()[2].parameters()), 1e-3);
}

TEST_F(EncoderBankTest, DiscardedGradientLeavesNoTrace) {
  auto disturbed = Make(), clean = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 0));
  disturbed->Encode(plan, {{0, 1, {1, 2}}, {1, 0, {3}}});
  disturbed->Backward({Numbers({8, kD}, 7), Numbers({4, kD}, 8)});
  disturbed->Discard();
  for (EncoderBank* bank : {disturbed.get(), clean.get()}) {
    bank->Encode(plan, {{0, 1, {1}}});
    bank->Backward({Numbers({4, kD}, 1)});
    bank->Step(0.5);
  }
  for (int m = 0; m < 3; ++m) {
    EXPECT_TRUE(Same(disturbed->networks()[m].parameters(), clean->networks()[m].parameters()));
  }
}

TEST_F(EncoderBankTest, SamplesOutsideAWindowAreEncodedAlike) {
  auto bank = Make();
  const method::WindowPlan infer = Plan(scenario_, OpenInfer(scenario_, 6, 0));
  const method::WindowPlan evaluate = Plan(scenario_, OpenEvaluate(scenario_, 5, 8, 4, 0));
  // image_fft does not depend on the window, so the means agree.
  EXPECT_LT(Difference(bank->EncodeSamples(infer, 0, 1, 17, 8, 4),
                       bank->Encode(evaluate, {{0, 1, {0}}})[0].z),
            1e-5);
  // Past the end it goes on with the first sample.
  const at::Tensor wrapped = bank->EncodeSamples(infer, 0, 1, 17, kTinyTest - 1, 2);
  EXPECT_LT(Difference(wrapped[1], bank->EncodeSamples(infer, 0, 1, 18, 0, 1)[0]), 1e-5);
  EXPECT_TRUE(
      Same(bank->EncodeSamples(infer, 1, 1, 17, 8, 4), bank->EncodeSamples(infer, 1, 1, 17, 8, 4)));
}

}  // namespace
}  // namespace semlink::transmitter
