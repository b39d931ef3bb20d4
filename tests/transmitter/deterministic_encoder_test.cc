// The encoders of DLSC: no noise, and a rate that is measured but not learned.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/info/knn_entropy.h"
#include "common/method/embedding.h"
#include "common/scenario/method_table.h"
#include "tests/method/tiny_scenario.h"
#include "transmitter/encoder_bank.h"

namespace semlink::transmitter {
namespace {

constexpr int kK = 1;
constexpr int64_t kD = 6;
const std::vector<ActiveLink> kLinks = {{0, 0, {0, 2}}, {0, 1, {2, 3, 4}}};

class DeterministicEncoderTest : public ::testing::Test {
 protected:
  DeterministicEncoderTest() { ApplyMethod(*FindMethod("dlsc"), &scenario_); }

  std::unique_ptr<EncoderBank> Make() { return EncoderBank::Create(scenario_, kK).value(); }
  at::Tensor Direct(EncoderBank* bank, const method::WindowPlan& plan, const ActiveLink& link) {
    const auto sources = data::OpenModalities(scenario_, kK).value();
    const at::Tensor x = sources[link.m]->Batch(plan.key(), plan.Select(link.rounds));
    const at::Tensor e = method::TaskEmbeddings(scenario_)[link.t].expand({x.size(0), kD});
    return bank->networks()[link.m].Forward(at::cat({x, e}, 1));
  }
  Scenario scenario_ = TinyScenario();
};

TEST_F(DeterministicEncoderTest, SendsTheOutputOfTheNetwork) {
  auto bank = Make();
  for (const v1::OpenWindow& open :
       {OpenTrain(scenario_, 3), OpenEvaluate(scenario_, 3, 0, 20, 0)}) {
    const method::WindowPlan plan = Plan(scenario_, open);
    const std::vector<EncodedLink> encoded = bank->Encode(plan, kLinks);
    ASSERT_EQ(encoded.size(), 2u);
    for (size_t i = 0; i < encoded.size(); ++i) {
      EXPECT_LT(Difference(encoded[i].z, Direct(bank.get(), plan, kLinks[i])), 1e-5);
      // One value for all rounds of the link.
      const double entropy = info::KnnEntropy(encoded[i].z);
      ASSERT_EQ(encoded[i].rate_nats.size(), kLinks[i].rounds.size());
      for (float rate : encoded[i].rate_nats) EXPECT_EQ(rate, static_cast<float>(entropy));
    }
  }
  const method::WindowPlan plan = Plan(scenario_, OpenInfer(scenario_, 9, 0));
  EXPECT_TRUE(
      Same(bank->EncodeSamples(plan, 0, 1, 0, 2, 4), bank->EncodeSamples(plan, 0, 1, 7, 2, 4)));
}

TEST_F(DeterministicEncoderTest, LearnsFromTheFeaturesAlone) {
  scenario_.training.beta = 100;  // of no effect
  auto bank = Make(), direct = Make();
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 3));
  bank->Encode(plan, kLinks);
  const std::vector<at::Tensor> dz = {Numbers({8, kD}, 1), Numbers({12, kD}, 2)};
  bank->Backward(dz);
  at::Tensor objective = at::zeros({});
  for (size_t i = 0; i < kLinks.size(); ++i) {
    objective = objective + (dz[i] * Direct(direct.get(), plan, kLinks[i])).sum();
  }
  torch::autograd::backward({objective}, {});
  EXPECT_LT(Difference(bank->networks()[0].parameters().grad(),
                       direct->networks()[0].parameters().grad()),
            1e-4);
  EXPECT_FALSE(bank->networks()[1].parameters().grad().defined());
}

TEST_F(DeterministicEncoderTest, HasNoSigma) { EXPECT_EQ(Make()->networks()[0].options().out, kD); }

}  // namespace
}  // namespace semlink::transmitter
