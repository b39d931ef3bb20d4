#include "common/method/window_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/randomness/common_randomness.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status Try(const Scenario& s, const v1::OpenWindow& open) {
  return MakeWindowPlan(s, open, kTinyTrain, kTinyTest).status();
}

TEST(WindowPlanTest, TrainingWindowHoldsWhatTheMessageSays) {
  const Scenario s = TinyScenario();
  v1::OpenWindow open = OpenTrain(s, 12);
  open.set_training_progress(0.75);
  open.set_transmitter_up(1, false);
  const WindowPlan plan = Plan(s, open);
  EXPECT_TRUE(plan.train());
  EXPECT_EQ(plan.split(), data::Split::kTrain);
  EXPECT_EQ(plan.key().window, 12u);
  EXPECT_EQ(plan.key().seed, s.seed);
  EXPECT_EQ(plan.progress, 0.75);
  EXPECT_THAT(plan.transmitter_up, ElementsAre(true, false));
  EXPECT_THAT(plan.receiver_up, ElementsAre(true, true));
  ASSERT_EQ(plan.rounds.size(), 5u);
  for (uint32_t r = 0; r < 5; ++r) {
    EXPECT_EQ(plan.rounds[r].round, r);
    EXPECT_EQ(plan.rounds[r].samples, data::TrainSamples(s.seed, 12, r, 4, kTinyTrain).samples);
  }
  EXPECT_EQ(plan.rows({0, 3}), 8);
  EXPECT_EQ(plan.Select({3}).front().samples, plan.rounds[3].samples);
}

struct Damage {
  const char* name;
  v1::WindowKind kind;
  std::function<void(v1::OpenWindow*)> apply;
};

class BadOpenWindowTest : public ::testing::TestWithParam<Damage> {};

TEST_P(BadOpenWindowTest, IsRefusedWithItsNumber) {
  const Scenario s = TinyScenario();
  v1::OpenWindow open = GetParam().kind == v1::TRAIN      ? OpenTrain(s, 4)
                        : GetParam().kind == v1::EVALUATE ? OpenEvaluate(s, 4, 2, 18, 0)
                                                          : OpenInfer(s, 4, 0);
  ASSERT_TRUE(Try(s, open).ok()) << Try(s, open);
  GetParam().apply(&open);
  const absl::Status status = Try(s, open);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("OpenWindow 4: "));
}

INSTANTIATE_TEST_SUITE_P(Damages, BadOpenWindowTest,
                         ::
                             testing::
                                 Values(
                                     Damage{"NoKind", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->clear_kind(); }},
                                     Damage{"UnknownKind", v1::TRAIN,
                                            [](v1::OpenWindow* w) {
                                              w->set_kind(static_cast<v1::WindowKind>(9));
                                            }},
                                     Damage{"NoRounds", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->set_rounds(0); }},
                                     Damage{"ManyRounds", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->set_rounds(UINT32_MAX); }},
                                     Damage{"NoBatch", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->set_batch_size(0); }},
                                     Damage{
                                         "HugeBatch", v1::INFER,
                                         [](v1::OpenWindow* w) { w->set_batch_size(UINT32_MAX); }},
                                     Damage{"NoTransmitters", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->clear_transmitter_up(); }},
                                     Damage{"TransmitterTooMany", v1::INFER,
                                            [](v1::OpenWindow* w) { w->add_transmitter_up(true); }},
                                     Damage{"ReceiverTooMany", v1::TRAIN,
                                            [](v1::OpenWindow* w) { w->add_receiver_up(true); }},
                                     Damage{"ReceiverTooFew", v1::EVALUATE,
                                            [](v1::OpenWindow* w) {
                                              w->mutable_receiver_up()->RemoveLast();
                                            }},
                                     Damage{"NoSamples", v1::EVALUATE,
                                            [](v1::OpenWindow* w) { w->set_samples(0); }},
                                     Damage{"MoreSamplesThanRounds", v1::EVALUATE,
                                            [](v1::OpenWindow* w) { w->set_samples(21); }},
                                     Damage{"EmptyLastRound", v1::EVALUATE,
                                            [](v1::OpenWindow* w) { w->set_samples(16); }},
                                     Damage{"BeyondTheEnd", v1::EVALUATE,
                                            [](v1::OpenWindow* w) { w->set_first_sample(6); }},
                                     Damage{"FirstSampleOverflows", v1::EVALUATE,
                                            [](v1::OpenWindow* w) {
                                              w->set_first_sample(UINT64_MAX - 3);
                                            }},
                                     Damage{"SamplesOverflow", v1::EVALUATE,
                                            [](v1::OpenWindow* w) { w->set_samples(UINT64_MAX); }},
                                     Damage{"MoreSamplesThanTheSplit", v1::EVALUATE,
                                            [](v1::OpenWindow* w) {
                                              w->set_first_sample(0);
                                              w->set_rounds(6);
                                              w->set_samples(24);
                                            }}),
                         [](const auto& info) { return info.param.name; });

TEST(WindowPlanTest, NoiseOfAnEvaluationDependsOnDrawAndSamplesOnly) {
  const Scenario s = TinyScenario();
  const auto stream = [&](const v1::OpenWindow& open) { return Plan(s, open).key().window; };
  EXPECT_EQ(stream(OpenEvaluate(s, 0, 12, 11, 3)), stream(OpenEvaluate(s, 7, 12, 11, 3)));
  EXPECT_NE(stream(OpenEvaluate(s, 0, 12, 11, 3)), stream(OpenEvaluate(s, 0, 12, 11, 4)));
  EXPECT_NE(stream(OpenEvaluate(s, 0, 12, 11, 3)), stream(OpenEvaluate(s, 0, 0, 12, 3)));
  EXPECT_NE(stream(OpenEvaluate(s, 0, 0, 12, 0)), stream(OpenTrain(s, 0)));
}

TEST(WindowPlanTest, EvaluationCoversEverySampleOnce) {
  const Scenario s = TinyScenario();
  std::vector<int> seen(kTinyTest, 0);
  // 12 + 11 samples: the last round of the second window has 3.
  for (const v1::OpenWindow& open : {OpenEvaluate(s, 0, 0, 12, 3), OpenEvaluate(s, 1, 12, 11, 3)}) {
    const WindowPlan plan = Plan(s, open);
    EXPECT_EQ(plan.split(), data::Split::kTest);
    EXPECT_FALSE(plan.train());
    for (const data::RoundSamples& round : plan.rounds) {
      EXPECT_FALSE(round.samples.empty());
      EXPECT_LE(round.samples.size(), 4u);
      for (int64_t sample : round.samples) ++seen[sample];
    }
  }
  EXPECT_THAT(seen, Each(1));
  EXPECT_EQ(Plan(s, OpenEvaluate(s, 1, 12, 11, 3)).rows({0, 2}), 7);
}

TEST(WindowPlanTest, InferenceHasOneRoundWithoutSamples) {
  const WindowPlan plan = Plan(TinyScenario(), OpenInfer(TinyScenario(), 2, 5));
  ASSERT_EQ(plan.rounds.size(), 1u);
  EXPECT_TRUE(plan.rounds[0].samples.empty());
  EXPECT_EQ(plan.draw, 5u);
}

at::Tensor U(CrSource source, const v1::OpenWindow& open) {
  Scenario s = TinyScenario();
  s.common_randomness.source = source;
  return Plan(s, open).u;
}

TEST(WindowPlanTest, DerivedRandomnessIsFreshPerRoundInTrainingAndSharedByASession) {
  const Scenario s = TinyScenario();
  const at::Tensor train = U(CrSource::kDerived, OpenTrain(s, 0));
  EXPECT_EQ(train.sizes().vec(), (std::vector<int64_t>{5, 6}));
  EXPECT_FALSE(Same(train[0], train[1]));
  EXPECT_FALSE(Same(train[0], U(CrSource::kDerived, OpenTrain(s, 1))[0]));
  const at::Tensor session = U(CrSource::kDerived, OpenEvaluate(s, 9, 0, 12, 4));
  EXPECT_TRUE(Same(session[0], session[2]));
  // The window's number does not matter, the draw does.
  EXPECT_TRUE(Same(session[0], U(CrSource::kDerived, OpenInfer(s, 30, 4))[0]));
  EXPECT_FALSE(Same(session[0], U(CrSource::kDerived, OpenEvaluate(s, 9, 0, 12, 5))[0]));
}

TEST(WindowPlanTest, ConstantRandomnessIsZero) {
  EXPECT_EQ(U(CrSource::kConstant, OpenTrain(TinyScenario(), 0)).abs().max().item<float>(), 0);
}

TEST(WindowPlanTest, BroadcastRandomnessIsWhatWasSent) {
  Scenario s = TinyScenario();
  s.common_randomness.source = CrSource::kBroadcast;
  v1::OpenWindow open = OpenTrain(s, 0);
  EXPECT_THAT(std::string(Try(s, open).message()), HasSubstr("0 numbers, expected 30"));
  for (int i = 0; i < 29; ++i) open.add_common_randomness(static_cast<float>(i));
  EXPECT_TRUE(absl::IsInvalidArgument(Try(s, open)));
  open.add_common_randomness(29);
  EXPECT_EQ(Plan(s, open).u[4][5].item<float>(), 29);
  open.add_common_randomness(30);
  EXPECT_TRUE(absl::IsInvalidArgument(Try(s, open)));
}

TEST(WindowPlanTest, DigestIsOfTheNumbersNotOfTheirSource) {
  Scenario s = TinyScenario();
  v1::OpenWindow open = OpenTrain(s, 0);
  const WindowPlan derived = Plan(s, open);
  const std::vector<float> u = WindowRandomness(CrSource::kDerived, s.seed, open, 6);
  open.mutable_common_randomness()->Add(u.begin(), u.end());
  s.common_randomness.source = CrSource::kBroadcast;
  EXPECT_EQ(Plan(s, open).digest, derived.digest);
  open.set_common_randomness(17, open.common_randomness(17) + 1e-3f);
  EXPECT_NE(Plan(s, open).digest, derived.digest);
}

}  // namespace
}  // namespace semlink::method
