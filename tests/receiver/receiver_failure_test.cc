// Pairs that fail inside a window, and the replay of such a window.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

// When the stream to transmitter 2 breaks.
enum Moment { kAfterRequest, kAfterGrant, kAfterFeatures, kAfterReport };

v1::Message PairDown(int k) {
  v1::Message message;
  message.mutable_pair_status()->set_transmitter(k);
  message.mutable_pair_status()->set_receiver(1);
  return message;
}

struct Outcome {
  v1::Report report;
  v1::Gradients gradients;  // to the other transmitter
  std::string parameters;
};

class ReceiverFailureTest : public ::testing::TestWithParam<std::tuple<Moment, bool>> {
 protected:
  void Fail(ReceiverDriver* driver) {
    if (std::get<1>(GetParam())) {
      driver->Lose(NodeId::Transmitter(1));
    } else {
      driver->FromCoordinator(PairDown(1));
    }
  }
  Outcome Run(Moment moment) {
    ReceiverDriver driver;
    driver.RunTrain(0);
    driver.Open(OpenTrain(driver.scenario, 1));
    if (moment == kAfterRequest) Fail(&driver);
    driver.FromCoordinator(driver.Grant());
    if (moment == kAfterGrant) Fail(&driver);
    if (moment == kAfterFeatures || moment == kAfterReport)
      driver.FromTransmitter(1, driver.Features(1));
    if (moment == kAfterFeatures) Fail(&driver);
    driver.FromTransmitter(0, driver.Features(0));
    if (moment == kAfterReport) Fail(&driver);
    return Finish(&driver);
  }
  Outcome Replay(const std::vector<v1::PairFailure>& failed) {
    ReceiverDriver driver;
    driver.RunTrain(0);
    v1::OpenWindow open = OpenTrain(driver.scenario, 1);
    open.set_replay(true);
    for (const v1::PairFailure& failure : failed) *open.add_failed() = failure;
    const std::vector<uint32_t> asked = Asked();
    driver.Open(open);
    driver.requests[1] = asked;  // also if it was not sent
    driver.FromCoordinator(driver.Grant());
    if (failed.empty()) driver.FromTransmitter(1, driver.Features(1));
    driver.FromTransmitter(0, driver.Features(0));
    return Finish(&driver);
  }
  static std::vector<uint32_t> Asked() {
    ReceiverDriver driver;
    driver.RunTrain(0);
    driver.Open(OpenTrain(driver.scenario, 1));
    return driver.requests[1];
  }
  Outcome Finish(ReceiverDriver* driver) {
    Outcome outcome;
    outcome.report = driver->LastReport();
    EXPECT_EQ(outcome.report.window(), 1u);
    outcome.gradients = driver->LastGradients(0);
    driver->Commit();
    outcome.parameters = driver->Parameters();
    EXPECT_EQ(driver->node.refusals(), 0);
    return outcome;
  }
};

TEST_P(ReceiverFailureTest, GoesOnWithoutThePairAndReplaysAlike) {
  const Moment moment = std::get<0>(GetParam());
  const Outcome outcome = Run(moment);
  const Outcome whole = Replay({});
  if (moment == kAfterFeatures || moment == kAfterReport) {
    // They had arrived: the result stands.
    EXPECT_EQ(outcome.report.failed_size(), 0);
    EXPECT_EQ(outcome.parameters, whole.parameters);
    return;
  }
  ASSERT_EQ(outcome.report.failed_size(), 1);
  const v1::PairFailure failure = outcome.report.failed(0);
  EXPECT_EQ(failure.transmitter(), 1u);
  EXPECT_EQ(failure.receiver(), 1u);
  EXPECT_EQ(failure.stage(), v1::PairFailure::FEATURES);
  EXPECT_NE(outcome.parameters, whole.parameters);
  v1::PairFailure other_end = failure;
  for (const auto stage : {v1::PairFailure::GRADIENTS, v1::PairFailure::REQUEST}) {
    other_end.set_stage(stage);
    const Outcome replay = Replay({failure, other_end});
    EXPECT_EQ(replay.parameters, outcome.parameters);
    EXPECT_EQ(replay.gradients.SerializeAsString(), outcome.gradients.SerializeAsString());
    ASSERT_EQ(replay.report.failed_size(), 1);
    EXPECT_EQ(replay.report.failed(0).stage(), v1::PairFailure::FEATURES);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReceiverFailureTest,
                         ::testing::Combine(::testing::Values(kAfterRequest, kAfterGrant,
                                                              kAfterFeatures, kAfterReport),
                                            ::testing::Bool()));

// Gradients that were lost are the transmitter's business: this end replays as if they had not
// been.
TEST(ReceiverPairTest, ReplayOfLostGradientsSendsThem) {
  ReceiverDriver driver, clean;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  open.set_replay(true);
  v1::PairFailure* failure = open.add_failed();
  failure->set_transmitter(1);
  failure->set_receiver(1);
  failure->set_stage(v1::PairFailure::GRADIENTS);
  driver.Open(open);
  driver.Finish();
  clean.RunTrain(0);
  EXPECT_EQ(driver.Parameters(), clean.Parameters());
}

TEST(ReceiverPairTest, WithoutAnyFeaturesARoundHasNoLink) {
  ReceiverDriver driver, fresh;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromCoordinator(driver.Grant());
  for (int k = 0; k < 2; ++k) driver.Lose(NodeId::Transmitter(k));
  EXPECT_EQ(driver.LastReport().rounds_without_link(), 5u);
  EXPECT_EQ(driver.LastReport().failed_size(), 2);
  EXPECT_GT(driver.LastReport().loss(), 0);
  driver.Commit();
  EXPECT_TRUE(Same(driver.node.selection()->selector().network().parameters(),
                   fresh.node.selection()->selector().network().parameters()));
}

// What was asked of the lost transmitter says nothing about the draws, here and at the other one.
TEST(ReceiverPairTest, RoundsThatAskedALostTransmitterAreLeftOutOfThePolicy) {
  Scenario scenario = TinyScenario();
  scenario.policy.baseline = Baseline::kRunningMean;
  ReceiverDriver driver(scenario);
  driver.Open(OpenTrain(scenario, 3));
  std::vector<uint32_t> alone;  // rounds in which the other one was asked alone
  std::set_difference(driver.requests[0].begin(), driver.requests[0].end(),
                      driver.requests[1].begin(), driver.requests[1].end(),
                      std::back_inserter(alone));
  ASSERT_FALSE(alone.empty());
  ASSERT_LT(alone.size(), driver.requests[0].size());
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(0, driver.Features(0));
  driver.Lose(NodeId::Transmitter(1));
  const v1::Gradients gradients = driver.LastGradients(0);
  EXPECT_THAT(gradients.round(), ::testing::ElementsAreArray(alone));
  ASSERT_EQ(gradients.advantage_size(), static_cast<int>(alone.size()));
  ASSERT_EQ(gradients.loss_size(), static_cast<int>(alone.size()));
  double mean = 0;  // the baseline of a first window
  for (float loss : gradients.loss()) mean += loss / static_cast<double>(alone.size());
  for (size_t i = 0; i < alone.size(); ++i) {
    const int at = static_cast<int>(i);
    EXPECT_NEAR(gradients.advantage(at), gradients.loss(at) - mean, 1e-5);
  }
  // The codecs learn from all that came.
  EXPECT_THAT(gradients.link(0).round(), ::testing::ElementsAreArray(driver.requests[0]));
  driver.Commit();
  EXPECT_NEAR(driver.node.selection()->baseline().value(), mean, 1e-5);
}

TEST(ReceiverPairTest, AStreamThatCanNotBeSentOnHasFailed) {
  ReceiverDriver driver;
  driver.transport.gone.insert(NodeId::Transmitter(1));
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(0, driver.Features(0));
  ASSERT_EQ(driver.LastReport().failed_size(), 1);
  EXPECT_EQ(driver.LastReport().failed(0).transmitter(), 1u);
}

TEST(ReceiverPairTest, DrawsOnlyFromThoseItReaches) {
  ReceiverDriver driver;
  driver.Lose(NodeId::Transmitter(0));
  ASSERT_FALSE(driver.PairsSaid().back().up());
  EXPECT_EQ(driver.PairsSaid().back().reason(), "cable cut");
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  open.add_cut()->set_receiver(1);
  driver.Open(open);
  EXPECT_EQ(driver.requests[1], AllRounds(5));
  EXPECT_TRUE(driver.transport.Of(Body::kRequest, NodeId::Transmitter(0)).empty());
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(1, driver.Features(1));
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  EXPECT_EQ(driver.LastReport().transmitter_probability(0), 0);
  driver.Commit();
  driver.Connected(0);
  EXPECT_TRUE(driver.PairsSaid().back().up());
  driver.RunTrain(1);
}

// Without renormalising, what is asked of those that can't be reached is lost.
TEST(ReceiverPairTest, WithoutRenormalisingItDrawsFromAll) {
  Scenario scenario = TinyScenario();
  scenario.policy.renormalise = false;
  ReceiverDriver whole(scenario), driver(scenario);
  v1::OpenWindow open = OpenTrain(scenario, 0);
  whole.Open(open);
  open.set_transmitter_up(0, false);
  driver.Open(open);
  EXPECT_TRUE(driver.transport.Of(Body::kRequest, NodeId::Transmitter(0)).empty());
  EXPECT_EQ(driver.requests[1], whole.requests[1]);
  ASSERT_LT(driver.requests[1].size(), 5u);
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(1, driver.Features(1));
  EXPECT_EQ(driver.LastReport().rounds_without_link(), 5 - driver.requests[1].size());
  driver.Commit();
}

TEST(ReceiverPairTest, WithNobodyInReachItStillReports) {
  ReceiverDriver driver, fresh;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  for (int k = 0; k < 2; ++k) {
    open.add_cut()->set_receiver(1);
    open.mutable_cut(k)->set_transmitter(k);
  }
  driver.Open(open);
  v1::Message grant;
  grant.mutable_grant()->set_window(0);
  driver.FromCoordinator(grant);
  EXPECT_EQ(driver.LastReport().rounds_without_link(), 5u);
  EXPECT_EQ(driver.LastReport().selection_entropy(), 0);
  driver.Commit();
  // The decoder still learns what is likely; the selector learns nothing.
  EXPECT_TRUE(Same(driver.node.selection()->selector().network().parameters(),
                   fresh.node.selection()->selector().network().parameters()));
}

// The coordinator says that the pair failed, but this end's stream is open (again): it says so, or
// the pair would stay cut for ever.
TEST(ReceiverPairTest, AnswersThatItsStreamIsOpen) {
  ReceiverDriver driver;
  const size_t before = driver.PairsSaid().size();
  driver.FromCoordinator(PairDown(0));
  ASSERT_EQ(driver.PairsSaid().size(), before + 1);
  EXPECT_TRUE(driver.PairsSaid().back().up());
  driver.Lose(NodeId::Transmitter(0));
  driver.FromCoordinator(PairDown(0));
  EXPECT_EQ(driver.PairsSaid().size(), before + 2);
  EXPECT_FALSE(driver.PairsSaid().back().up());
}

TEST(ReceiverPairTest, ViewsAndReplaysThatMakeNoSenseAreRefused) {
  using Spoil = std::function<void(v1::OpenWindow*)>;
  const std::vector<Spoil> spoils = {
      [](v1::OpenWindow* o) { o->add_cut()->set_transmitter(2); },
      [](v1::OpenWindow* o) { o->add_cut()->set_receiver(2); },
      [](v1::OpenWindow* o) { o->set_receiver_up(1, false); },
      [](v1::OpenWindow* o) { o->add_failed()->set_stage(v1::PairFailure::FEATURES); },
      [](v1::OpenWindow* o) {
        o->set_replay(true);
        o->add_failed();
      },
      [](v1::OpenWindow* o) {
        o->set_replay(true);
        o->add_failed()->set_stage(v1::PairFailure::FEATURES);
        o->mutable_failed(0)->set_transmitter(2);
      },
      [](v1::OpenWindow* o) { o->set_training_progress(std::nan("")); },
      [](v1::OpenWindow* o) { o->set_training_progress(1.5); },
      [](v1::OpenWindow* o) { o->mutable_transmitter_up()->RemoveLast(); },
      [](v1::OpenWindow* o) {
        o->set_rounds(1 << 16);
        o->set_batch_size(1 << 16);
      }};
  ReceiverDriver driver;
  int refused = 0;
  for (const Spoil& spoil : spoils) {
    v1::OpenWindow open = OpenTrain(driver.scenario, 0);
    spoil(&open);
    driver.Open(open);
    EXPECT_EQ(driver.node.refusals(), ++refused);
    EXPECT_EQ(driver.Count(Body::kRequest), 0u);
  }
  driver.RunTrain(0);
}

}  // namespace
}  // namespace semlink::receiver
