// Pairs that fail inside a window, and the replay of such a window.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

// When receiver 1's stream breaks.
enum Moment { kBeforeRequest, kAfterRequest, kAfterClaim, kAfterFeatures };
// How the node learns of it.
enum Way { kOwnStream, kCoordinator, kSend };

v1::Message PairDown() {
  v1::Message message;
  message.mutable_pair_status()->set_transmitter(1);
  message.mutable_pair_status()->set_receiver(0);
  return message;
}

struct Outcome {
  std::string claim, features, parameters;
  std::vector<v1::PairFailure> failed;
};

class TransmitterFailureTest : public ::testing::TestWithParam<std::tuple<Moment, Way, Credit>> {
 protected:
  TransmitterFailureTest() {
    scenario_.policy.credit = std::get<2>(GetParam());
    scenario_.policy.entropy_bonus = 0.1;
  }
  void Fail(TransmitterDriver* driver, Way way) {
    if (way == kOwnStream) driver->Lose(NodeId::Receiver(0));
    if (way == kCoordinator) driver->FromCoordinator(PairDown());
    if (way == kSend) driver->transport.gone.insert(NodeId::Receiver(0));
  }
  // Window 1 with a break at `moment`. A transmitter notices a dead stream by sending only with the
  // features.
  Outcome Run(Moment moment, Way way) {
    TransmitterDriver driver(scenario_);
    driver.RunTrain(0);
    driver.Open(OpenTrain(scenario_, 1));
    driver.requests = {{0, 1, 2, 3}, {1, 2, 4}};
    if (moment == kBeforeRequest) {
      Fail(&driver, way);
    } else {
      driver.FromReceiver(0, driver.Request(driver.open, driver.requests[0]));
    }
    if (moment == kAfterRequest) Fail(&driver, way);
    driver.FromReceiver(1, driver.Request(driver.open, driver.requests[1]));
    if (moment == kAfterClaim) Fail(&driver, way);
    driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
    if (moment == kAfterFeatures) Fail(&driver, way);
    return Finish(&driver);
  }
  // The window as the ledger has it.
  Outcome Replay(const std::vector<v1::PairFailure>& failed) {
    TransmitterDriver driver(scenario_);
    driver.RunTrain(0);
    v1::OpenWindow open = OpenTrain(scenario_, 1);
    open.set_replay(true);
    for (const v1::PairFailure& failure : failed) *open.add_failed() = failure;
    driver.Open(open);
    driver.requests = {{0, 1, 2, 3}, {1, 2, 4}};
    for (int t = 0; t < 2; ++t)
      driver.FromReceiver(t, driver.Request(driver.open, driver.requests[t]));
    driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
    const auto sent = driver.transport.Of(Body::kFeatures, NodeId::Receiver(0));
    const bool used = !sent.empty() && sent.back().features().window() == 1;
    if (used) driver.FromReceiver(0, driver.Gradients(0));
    return Finish(&driver);
  }
  Outcome Finish(TransmitterDriver* driver) {
    Outcome outcome;
    driver->FromReceiver(1, driver->Gradients(1));
    const v1::Report report = driver->LastReport();
    EXPECT_EQ(report.window(), 1u);
    outcome.failed.assign(report.failed().begin(), report.failed().end());
    outcome.claim = driver->LastClaim().SerializeAsString();
    outcome.features = driver->LastFeatures(1).SerializeAsString();
    driver->Commit();
    outcome.parameters = driver->Parameters();
    EXPECT_EQ(driver->node.refusals(), 0);
    return outcome;
  }
  Scenario scenario_ = TinyScenario();
};

TEST_P(TransmitterFailureTest, GoesOnWithoutThePairAndReplaysAlike) {
  const auto [moment, way, credit] = GetParam();
  const Outcome outcome = Run(moment, way);
  ASSERT_EQ(outcome.failed.size(), 1u);
  EXPECT_EQ(outcome.failed[0].transmitter(), 1u);
  EXPECT_EQ(outcome.failed[0].receiver(), 0u);
  EXPECT_EQ(outcome.failed[0].stage(),
            moment == kBeforeRequest ? v1::PairFailure::REQUEST : v1::PairFailure::GRADIENTS);
  std::vector<v1::PairFailure> failed = outcome.failed;
  if (moment != kAfterFeatures) {
    // What the other end reports.
    failed.push_back(failed[0]);
    failed.back().set_stage(v1::PairFailure::FEATURES);
  }
  const Outcome replay = Replay(failed);
  EXPECT_EQ(replay.claim, outcome.claim);
  EXPECT_EQ(replay.features, outcome.features);
  EXPECT_EQ(replay.parameters, outcome.parameters);
  ASSERT_EQ(replay.failed.size(), 1u);
  EXPECT_EQ(replay.failed[0].stage(), outcome.failed[0].stage());
  EXPECT_NE(outcome.parameters, Replay({}).parameters);
}

INSTANTIATE_TEST_SUITE_P(
    All, TransmitterFailureTest,
    ::testing::Values(std::tuple{kBeforeRequest, kOwnStream, Credit::kOwn},
                      std::tuple{kBeforeRequest, kCoordinator, Credit::kShared},
                      std::tuple{kAfterRequest, kOwnStream, Credit::kShared},
                      std::tuple{kAfterClaim, kCoordinator, Credit::kOwn},
                      std::tuple{kAfterClaim, kSend, Credit::kOwn},
                      std::tuple{kAfterFeatures, kOwnStream, Credit::kOwn},
                      std::tuple{kAfterFeatures, kCoordinator, Credit::kShared}));

TEST(TransmitterPairTest, LinksWithoutGradientsTeachNothing) {
  TransmitterDriver driver, fresh;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask(AllRounds(5), AllRounds(5))));
  driver.Lose(NodeId::Receiver(0));
  driver.Lose(NodeId::Receiver(1));
  EXPECT_EQ(driver.LastReport().failed_size(), 2);
  driver.Commit();
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
}

// Rounds in which features of another transmitter were lost: the encoders learn from them, the
// policy does not.
TEST(TransmitterPairTest, RoundsThatAReceiverLeavesOutTeachTheEncodersOnly) {
  TransmitterDriver driver, fresh;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask(AllRounds(5), AllRounds(5))));
  for (int t = 0; t < 2; ++t) {
    v1::Message message = driver.Gradients(t);
    message.mutable_gradients()->clear_round();
    message.mutable_gradients()->clear_loss();
    message.mutable_gradients()->clear_advantage();
    driver.FromReceiver(t, message);
  }
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  driver.Commit();
  EXPECT_EQ(driver.node.refusals(), 0);
  EXPECT_TRUE(Same(driver.node.selection()->selector().network().parameters(),
                   fresh.node.selection()->selector().network().parameters()));
  EXPECT_FALSE(Same(driver.node.encoders()->networks()[0].parameters(),
                    fresh.node.encoders()->networks()[0].parameters()));
}

TEST(TransmitterPairTest, CutPairsAreNoPartOfTheWindow) {
  TransmitterDriver driver;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  v1::Pair* cut = open.add_cut();
  cut->set_transmitter(1);
  cut->set_receiver(0);
  driver.Lose(NodeId::Receiver(0));
  driver.Open(open);
  driver.requests = {{}, {1, 2}};
  driver.FromReceiver(1, driver.Request(open, {1, 2}));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
  driver.FromReceiver(1, driver.Gradients(1));
  EXPECT_TRUE(driver.transport.Of(Body::kFeatures, NodeId::Receiver(0)).empty());
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  driver.FromReceiver(0, driver.Request(open, {0}));
  EXPECT_EQ(driver.node.refusals(), 1);
}

TEST(TransmitterPairTest, WithEveryPairCutItStillReports) {
  TransmitterDriver driver;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  for (int t = 0; t < 2; ++t) {
    open.add_cut()->set_transmitter(1);
    open.mutable_cut(t)->set_receiver(t);
  }
  driver.Open(open);
  EXPECT_EQ(driver.LastClaim().link_size(), 0);
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
  EXPECT_EQ(driver.Count(Body::kReport), 1u);
  driver.Commit();
}

// The stream broke while the coordinator opened the window; the view does not know it.
TEST(TransmitterPairTest, AStreamThatIsDownAtTheOpeningHasFailed) {
  TransmitterDriver driver;
  driver.Lose(NodeId::Receiver(0));
  const auto said = [&] { return driver.transport.Of(Body::kPairStatus, NodeId::Coordinator()); };
  ASSERT_EQ(said().size(), 1u);
  EXPECT_FALSE(said()[0].pair_status().up());
  EXPECT_EQ(said()[0].pair_status().transmitter(), 1u);
  EXPECT_EQ(said()[0].pair_status().receiver(), 0u);
  driver.Open(OpenTrain(driver.scenario, 0));
  EXPECT_EQ(said().size(), 2u);  // the coordinator tells the other end
  driver.requests = {{}, {0}};
  driver.FromReceiver(1, driver.Request(driver.open, {0}));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
  driver.FromReceiver(1, driver.Gradients(1));
  ASSERT_EQ(driver.LastReport().failed_size(), 1);
  EXPECT_EQ(driver.LastReport().failed(0).stage(), v1::PairFailure::REQUEST);
  driver.Commit();
  driver.Connected(0);
  driver.RunTrain(1);
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
}

TEST(TransmitterPairTest, EvaluationGoesOnWithoutThePair) {
  TransmitterDriver driver;
  driver.Open(OpenEvaluate(driver.scenario, 0, 0, 11, 0));
  driver.requests = {{}, {0, 1, 2}};
  driver.FromReceiver(1, driver.Request(driver.open, {0, 1, 2}));
  driver.Lose(NodeId::Receiver(0));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.LastClaim()));
  ASSERT_EQ(driver.LastReport().failed_size(), 1);
  EXPECT_EQ(driver.LastReport().failed(0).stage(), v1::PairFailure::REQUEST);
  driver.Commit();
}

TEST(TransmitterPairTest, ARefusalOfThePeerFailsThePair) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask({0}, {0})));
  v1::Message refusal;
  refusal.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  refusal.set_attempt(77);  // about another attempt
  driver.FromReceiver(0, refusal);
  driver.FromReceiver(1, driver.Gradients(1));
  EXPECT_EQ(driver.Count(Body::kReport), 0u);
  refusal.set_attempt(driver.attempt);
  driver.FromReceiver(0, refusal);
  ASSERT_EQ(driver.LastReport().failed_size(), 1);
}

TEST(TransmitterPairTest, StatusOfAPairThatIsNotItsOwnIsRefused) {
  TransmitterDriver driver;
  v1::Message status = PairDown();
  status.mutable_pair_status()->set_transmitter(0);
  driver.FromCoordinator(status);
  status = PairDown();
  status.mutable_pair_status()->set_receiver(2);
  driver.FromCoordinator(status);
  EXPECT_EQ(driver.node.refusals(), 2);
}

}  // namespace
}  // namespace semlink::transmitter
