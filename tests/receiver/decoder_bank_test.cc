#include "receiver/decoder_bank.h"

#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/method/embedding.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;

constexpr int kT = 1;  // digit
constexpr int64_t kD = 6;

at::Tensor Labels(int64_t n) {
  at::Tensor labels = at::empty({n}, at::kLong);
  for (int64_t i = 0; i < n; ++i) labels.data_ptr<int64_t>()[i] = (7 * i + 3) % 10;
  return labels;
}

ReceivedLink MakeLink(int k, int m, const std::vector<uint32_t>& rounds, int64_t rows) {
  ReceivedLink link;
  link.k = k;
  link.m = m;
  link.rounds = rounds;
  link.z = Numbers({rows, kD}, static_cast<uint64_t>(10 * k + m));
  for (size_t i = 0; i < rounds.size(); ++i) link.rate_nats.push_back(0.5f + static_cast<float>(i));
  return link;
}

// Round 1 has no link; round 2 has two.
std::vector<ReceivedLink> TrainLinks() {
  return {MakeLink(0, 1, {0, 2}, 8), MakeLink(1, 0, {2, 3, 4}, 12)};
}

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::nll_loss(at::log_softmax(logits, 1), labels);
}

class DecoderBankTest : public ::testing::Test {
 protected:
  // The input of the fused decoder for one round, slot by slot, absent slots zero.
  at::Tensor Slots(const std::vector<ReceivedLink>& links, const std::vector<at::Tensor>& z,
                   uint32_t round, int64_t row_size, int64_t rows) const {
    const int64_t width = kD + (scenario_.model.missing_slot_learned ? 1 : 0);
    std::vector<at::Tensor> slots(scenario_.J(), at::zeros({rows, width}));
    for (size_t i = 0; i < links.size(); ++i) {
      const auto found = std::find(links[i].rounds.begin(), links[i].rounds.end(), round);
      if (found == links[i].rounds.end()) continue;
      const at::Tensor part = z[i].narrow(0, row_size * (found - links[i].rounds.begin()), rows);
      slots[scenario_.Slot(links[i].k, links[i].m)] =
          width > kD ? at::cat({part, at::ones({rows, 1})}, 1) : part;
    }
    return at::cat(slots, 1);
  }

  Scenario scenario_ = TinyScenario();
};

// Losses, decoder gradients and dz of a TRAIN window against one graph built round by round.
TEST_F(DecoderBankTest, TrainingWindowFollowsTheFormula) {
  scenario_.training.gamma = 0.05;
  for (bool learned : {false, true}) {
    scenario_.model.missing_slot_learned = learned;
    DecoderBank bank(scenario_, kT), direct(scenario_, kT);
    const std::vector<ReceivedLink> links = TrainLinks();
    const at::Tensor labels = Labels(20);
    const WindowResult result = bank.Run(Plan(scenario_, OpenTrain(scenario_, 0)), links, labels);

    std::vector<at::Tensor> z;
    for (const ReceivedLink& link : links) z.push_back(link.z.clone().requires_grad_(true));
    const at::Tensor embedding = method::ModalityEmbeddings(scenario_);
    at::Tensor objective = at::zeros({});
    for (uint32_t r = 0; r < 5; ++r) {
      const at::Tensor y = labels.narrow(0, 4 * r, 4);
      at::Tensor loss = CrossEntropy(direct.fused().Forward(Slots(links, z, r, 4, 4)), y);
      double constant = 0;
      for (size_t i = 0; i < links.size(); ++i) {
        const auto found = std::find(links[i].rounds.begin(), links[i].rounds.end(), r);
        if (found == links[i].rounds.end()) continue;
        const int64_t at_round = found - links[i].rounds.begin();
        const at::Tensor e =
            embedding[scenario_.Slot(links[i].k, links[i].m)].expand({int64_t{4}, kD});
        const at::Tensor local =
            direct.local().Forward(at::cat({z[i].narrow(0, 4 * at_round, 4), e}, 1));
        loss = loss + scenario_.training.beta * CrossEntropy(local, y);
        constant += scenario_.training.beta * links[i].rate_nats[at_round] + 0.05;
      }
      EXPECT_NEAR(result.loss[r], loss.item<double>() + constant, 1e-5) << "round " << r;
      objective = objective + loss;
    }
    torch::autograd::backward({objective}, {});
    ASSERT_EQ(result.dz.size(), links.size());
    for (size_t i = 0; i < links.size(); ++i) {
      EXPECT_LT(Difference(result.dz[i], z[i].grad()), 1e-6);
      EXPECT_GT(z[i].grad().abs().max().item<double>(), 1e-4);
    }
    EXPECT_LT(Difference(bank.fused().parameters().grad(), direct.fused().parameters().grad()),
              1e-5);
    EXPECT_LT(Difference(bank.local().parameters().grad(), direct.local().parameters().grad()),
              1e-5);
    EXPECT_THAT(result.links, ElementsAre(1, 0, 2, 1, 1));
    EXPECT_EQ(result.samples, 20);
  }
}

TEST_F(DecoderBankTest, WindowWithoutAnyLinkStillLearnsTheClassesShares) {
  for (bool learned : {false, true}) {
    scenario_.model.missing_slot_learned = learned;
    DecoderBank bank(scenario_, kT), fresh(scenario_, kT);
    const WindowResult result = bank.Run(Plan(scenario_, OpenTrain(scenario_, 0)), {}, Labels(20));
    EXPECT_THAT(result.links, ElementsAre(0, 0, 0, 0, 0));
    EXPECT_TRUE(result.dz.empty());
    const at::Tensor zeros = at::zeros({4, fresh.fused().options().in});
    EXPECT_NEAR(
        result.loss[2],
        CrossEntropy(fresh.fused().Forward(zeros), Labels(20).narrow(0, 8, 4)).item<double>(),
        1e-5);
    bank.Step(1);
    EXPECT_GT(Difference(bank.fused().parameters(), fresh.fused().parameters()), 1e-3);
    EXPECT_TRUE(Same(bank.local().parameters(), fresh.local().parameters()));
  }
}

TEST_F(DecoderBankTest, LearnedMissingSlotTellsAbsenceFromZeros) {
  scenario_.model.missing_slot_learned = true;
  DecoderBank bank(scenario_, kT);
  EXPECT_EQ(bank.fused().options().in, 5 * (kD + 1));
  at::NoGradGuard no_grad;
  bank.fused().parameters().add_(Numbers(bank.fused().parameters().sizes(), 3) * 0.3);
  const method::WindowPlan plan = Plan(scenario_, OpenEvaluate(scenario_, 0, 0, 4, 0));
  ReceivedLink zero = MakeLink(0, 1, {0}, 4);
  zero.z.zero_();
  EXPECT_GT(std::abs(bank.Run(plan, {zero}, Labels(4)).cross_entropy -
                     bank.Run(plan, {}, Labels(4)).cross_entropy),
            1e-3);
}

TEST_F(DecoderBankTest, EvaluationWithAShorterLastRound) {
  DecoderBank bank(scenario_, kT);
  // Rounds of 4, 4 and 3 samples; the middle one without a link.
  const method::WindowPlan plan = Plan(scenario_, OpenEvaluate(scenario_, 0, 12, 11, 0));
  const std::vector<ReceivedLink> links = {MakeLink(0, 1, {0, 2}, 7), MakeLink(1, 2, {2}, 3)};
  const at::Tensor labels = Labels(11);
  const WindowResult result = bank.Run(plan, links, labels);
  std::vector<at::Tensor> inputs;
  for (uint32_t r = 0; r < 3; ++r)
    inputs.push_back(Slots(links, {links[0].z, links[1].z}, r, 4, r == 2 ? 3 : 4));
  const at::Tensor logits = bank.fused().Forward(at::cat(inputs)).detach();
  EXPECT_NEAR(result.cross_entropy, CrossEntropy(logits, labels).item<double>(), 1e-5);
  EXPECT_EQ(result.correct, logits.argmax(1).eq(labels).sum().item<int64_t>());
  EXPECT_EQ(result.samples, 11);
  EXPECT_THAT(result.links, ElementsAre(1, 0, 2));
  EXPECT_TRUE(result.loss.empty());
  EXPECT_TRUE(result.dz.empty());
  EXPECT_FALSE(bank.fused().parameters().grad().defined());
}

// L_t of every round on test samples, from the definition (TADIB eq. 4), the last round being
// shorter.
TEST_F(DecoderBankTest, EvaluationGivesTheSummandOfTheScore) {
  scenario_.training.gamma = 0.05;
  scenario_.evaluation.score = true;
  DecoderBank bank(scenario_, kT);
  const method::WindowPlan plan = Plan(scenario_, OpenEvaluate(scenario_, 0, 12, 11, 0));
  const std::vector<ReceivedLink> links = {MakeLink(0, 1, {0, 2}, 7), MakeLink(1, 2, {2}, 3)};
  const at::Tensor labels = Labels(11);
  const WindowResult result = bank.Run(plan, links, labels);
  ASSERT_EQ(result.loss.size(), 3u);
  const at::Tensor embedding = method::ModalityEmbeddings(scenario_);
  for (uint32_t r = 0; r < 3; ++r) {
    const int64_t rows = r == 2 ? 3 : 4;
    const at::Tensor y = labels.narrow(0, 4 * r, rows);
    const at::Tensor fused =
        bank.fused().Forward(Slots(links, {links[0].z, links[1].z}, r, 4, rows));
    double expected = CrossEntropy(fused, y).item<double>();
    for (const ReceivedLink& link : links) {
      const auto found = std::find(link.rounds.begin(), link.rounds.end(), r);
      if (found == link.rounds.end()) continue;
      const int64_t at_round = found - link.rounds.begin();
      const at::Tensor e = embedding[scenario_.Slot(link.k, link.m)].expand({rows, kD});
      const at::Tensor local =
          bank.local().Forward(at::cat({link.z.narrow(0, 4 * at_round, rows), e}, 1));
      expected += scenario_.training.beta *
                      (CrossEntropy(local, y).item<double>() + link.rate_nats[at_round]) +
                  0.05;
    }
    EXPECT_NEAR(result.loss[r], expected, 1e-5) << "round " << r;
  }
  EXPECT_TRUE(result.dz.empty());
  EXPECT_FALSE(bank.local().parameters().grad().defined());
  // The rest of the evaluation is what it is without a score.
  scenario_.evaluation.score = false;
  const WindowResult plain = DecoderBank(scenario_, kT).Run(plan, links, labels);
  EXPECT_EQ(plain.cross_entropy, result.cross_entropy);
  EXPECT_TRUE(plain.loss.empty());
}

TEST_F(DecoderBankTest, ClassifyIsTheFusedDecodersChoice) {
  DecoderBank bank(scenario_, kT);
  const std::vector<ReceivedLink> links = {MakeLink(0, 1, {0}, 9), MakeLink(1, 2, {0}, 9)};
  const at::Tensor logits =
      bank.fused().Forward(Slots(links, {links[0].z, links[1].z}, 0, 9, 9)).detach();
  EXPECT_TRUE(at::equal(bank.Classify(links, 9), logits.argmax(1)));
  const at::Tensor blind = bank.Classify({}, 3);
  const at::Tensor zeros = at::zeros({3, bank.fused().options().in});
  EXPECT_TRUE(at::equal(blind, bank.fused().Forward(zeros).detach().argmax(1)));
}

TEST_F(DecoderBankTest, DiscardedGradientLeavesNoTrace) {
  DecoderBank disturbed(scenario_, kT), clean(scenario_, kT);
  const method::WindowPlan plan = Plan(scenario_, OpenTrain(scenario_, 0));
  disturbed.Run(plan, {MakeLink(1, 1, {0, 1, 2, 3, 4}, 20)}, Labels(20));
  disturbed.Discard();
  for (DecoderBank* bank : {&disturbed, &clean}) {
    bank->Run(plan, TrainLinks(), Labels(20));
    bank->Step(0.5);
  }
  EXPECT_TRUE(Same(disturbed.fused().parameters(), clean.fused().parameters()));
  EXPECT_TRUE(Same(disturbed.local().parameters(), clean.local().parameters()));
}

}  // namespace
}  // namespace semlink::receiver
