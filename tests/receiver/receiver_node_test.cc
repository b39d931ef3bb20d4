#include "receiver/receiver_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pair;

TEST(ReceiverNodeTest, IsReadyAtOnceAndTellsOfEachStream) {
  ReceiverDriver driver(TinyScenario(), false);
  EXPECT_THAT(driver.transport.dialled, ElementsAre(Pair(NodeId::Transmitter(0), "host1:1"),
                                                    Pair(NodeId::Transmitter(1), "host2:1")));
  EXPECT_FALSE(driver.LastReady().live());
  EXPECT_TRUE(driver.PairsSaid().empty());
  driver.Connected(1);
  driver.Connected(1);
  ASSERT_EQ(driver.PairsSaid().size(), 1u);
  EXPECT_EQ(driver.PairsSaid()[0].transmitter(), 1u);
  EXPECT_EQ(driver.PairsSaid()[0].receiver(), 1u);
  EXPECT_TRUE(driver.PairsSaid()[0].up());
  driver.Connected(0);
  EXPECT_EQ(driver.PairsSaid().size(), 2u);
}

TEST(ReceiverNodeTest, DialsWhereTheCoordinatorSays) {
  ReceiverDriver driver;
  driver.transport.dialled.clear();
  v1::Message addresses;
  addresses.mutable_addresses()->add_transmitter_address("");  // not known
  driver.FromCoordinator(addresses);
  EXPECT_EQ(driver.node.refusals(), 1);  // the scenario has two
  addresses.mutable_addresses()->add_transmitter_address("elsewhere:2");
  driver.FromCoordinator(addresses);
  EXPECT_EQ(driver.node.refusals(), 1);
  EXPECT_THAT(driver.transport.dialled, ElementsAre(Pair(NodeId::Transmitter(1), "elsewhere:2")));
}

TEST(ReceiverNodeTest, ATransmitterThatNeverLetItInEndsIt) {
  v1::Message refusal;
  refusal.mutable_refusal()->set_reason(v1::Refusal::IDENTITY);
  refusal.mutable_refusal()->set_detail("no");
  ReceiverDriver driver(TinyScenario(), false);
  EXPECT_TRUE(absl::IsPermissionDenied(driver.node.Handle(NodeId::Transmitter(0), refusal)));
  const auto said = driver.transport.Of(Body::kRefusal, NodeId::Coordinator());
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].refusal().reason(), v1::Refusal::FAILED);
  // One that did is a pair that has failed.
  ReceiverDriver other;
  other.Lose(NodeId::Transmitter(0));
  EXPECT_TRUE(other.node.Handle(NodeId::Transmitter(0), refusal).ok());
  EXPECT_FALSE(other.PairsSaid().back().up());
}

TEST(ReceiverNodeTest, TrainingWindowGoesStepByStep) {
  ReceiverDriver driver;
  const std::string before = driver.Parameters();
  driver.Open(OpenTrain(driver.scenario, 0));
  ASSERT_EQ(driver.transport.sent.size(), 2u);  // one Request each, whether asked or not
  for (int k = 0; k < 2; ++k) {
    const auto sent = driver.transport.Of(Body::kRequest, NodeId::Transmitter(k));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].request().window(), 0u);
    EXPECT_EQ(sent[0].request().common_randomness_digest(),
              Plan(driver.scenario, driver.open).digest);
  }
  driver.transport.sent.clear();
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(1, driver.Features(1));
  EXPECT_TRUE(driver.transport.sent.empty());
  driver.FromTransmitter(0, driver.Features(0));
  ASSERT_EQ(driver.transport.sent.size(), 3u);
  EXPECT_TRUE(driver.transport.sent[2].second.has_report());

  for (int k = 0; k < 2; ++k) {
    const v1::Gradients gradients = driver.LastGradients(k);
    const v1::Message features = driver.Features(k);
    EXPECT_THAT(gradients.round(), ElementsAreArray(driver.requests[k]));
    ASSERT_EQ(gradients.advantage_size(), gradients.round_size());
    for (int i = 0; i < gradients.round_size(); ++i) {
      // Every round that asked was granted links, so no penalty.
      EXPECT_NEAR(gradients.advantage(i), gradients.loss(i) - 2.1, 1e-5);
    }
    ASSERT_EQ(gradients.link_size(), features.features().link_size());
    for (int i = 0; i < gradients.link_size(); ++i) {
      EXPECT_EQ(gradients.link(i).modality(), features.features().link(i).modality());
      EXPECT_THAT(gradients.link(i).round(), ElementsAreArray(features.features().link(i).round()));
      EXPECT_THAT(gradients.link(i).dz().shape(),
                  ElementsAreArray(features.features().link(i).z().shape()));
    }
  }
  const v1::Report report = driver.LastReport();
  EXPECT_EQ(report.samples(), 20u);
  EXPECT_GT(report.loss(), report.cross_entropy());  // beta times local losses and rates
  EXPECT_EQ(report.rounds_without_link(), 0u);
  EXPECT_GT(report.selection_entropy(), 0);
  EXPECT_GT(report.compute_seconds(), 0);
  for (int k = 0; k < 2; ++k)
    EXPECT_DOUBLE_EQ(report.transmitter_probability(k), driver.requests[k].size() / 5.0);
  driver.Commit();
  EXPECT_NE(driver.Parameters(), before);
  EXPECT_EQ(driver.node.refusals(), 0);
}

TEST(ReceiverNodeTest, RoundWithoutALinkIsPenalisedInThePolicyOnly) {
  Scenario scenario = TinyScenario();
  scenario.policy.penalty_no_link = 3;
  ReceiverDriver driver(scenario);
  driver.Open(OpenTrain(scenario, 0));
  v1::Message grant;
  grant.mutable_grant()->set_window(0);
  driver.FromCoordinator(grant);
  v1::Message features;
  features.mutable_features()->set_window(0);
  for (int k = 0; k < 2; ++k) driver.FromTransmitter(k, features);
  double loss = 0;
  for (int k = 0; k < 2; ++k) {
    const v1::Gradients gradients = driver.LastGradients(k);
    EXPECT_EQ(gradients.link_size(), 0);
    for (int i = 0; i < gradients.round_size(); ++i) {
      EXPECT_NEAR(gradients.advantage(i), gradients.loss(i) + 3 - 2.1, 1e-5);
      loss = std::max<double>(loss, gradients.loss(i));
    }
  }
  EXPECT_EQ(driver.LastReport().rounds_without_link(), 5u);
  EXPECT_LE(driver.LastReport().loss(), loss);  // without the penalty
}

TEST(ReceiverNodeTest, EvaluationWindowSendsNoGradients) {
  ReceiverDriver driver;
  const std::string before = driver.Parameters();
  driver.Open(OpenEvaluate(driver.scenario, 0, 12, 11, 0));
  driver.transport.sent.clear();
  driver.Finish();
  ASSERT_EQ(driver.transport.sent.size(), 1u);
  EXPECT_EQ(driver.LastReport().samples(), 11u);
  EXPECT_GT(driver.LastReport().cross_entropy(), 0);
  EXPECT_EQ(driver.LastReport().loss(), 0);
  EXPECT_EQ(driver.Parameters(), before);
}

TEST(ReceiverNodeTest, FeaturesThatOvertakeTheGrantAreKept) {
  ReceiverDriver early, punctual;
  early.Open(OpenTrain(early.scenario, 0));
  for (int k = 0; k < 2; ++k) early.FromTransmitter(k, early.Features(k));
  EXPECT_EQ(early.Count(Body::kReport), 0u);  // not without the grant
  early.FromCoordinator(early.Grant());
  EXPECT_EQ(early.Count(Body::kReport), 1u);
  early.Commit();
  punctual.RunTrain(0);
  EXPECT_EQ(early.node.refusals(), 0);
  EXPECT_EQ(early.Parameters(), punctual.Parameters());
}

TEST(ReceiverNodeTest, AsksAndAwaitsOnlyTransmittersThatAreUp) {
  ReceiverDriver driver;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  open.set_transmitter_up(0, false);
  driver.Open(open);
  EXPECT_TRUE(driver.transport.Of(Body::kRequest, NodeId::Transmitter(0)).empty());
  EXPECT_EQ(driver.requests[1], AllRounds(5));  // nobody else to ask
  v1::Message features;
  features.mutable_features()->set_window(0);
  driver.FromTransmitter(0, features);
  EXPECT_EQ(driver.node.refusals(), 1);
  driver.FromCoordinator(driver.Grant());
  driver.FromTransmitter(1, driver.Features(1));
  EXPECT_TRUE(driver.transport.Of(Body::kGradients, NodeId::Transmitter(0)).empty());
  EXPECT_EQ(driver.Count(Body::kReport), 1u);
}

TEST(ReceiverNodeTest, CoordinatorOutOfOrderIsRefused) {
  v1::Message again, before, commit, other, abort, parameters, claim, infer, grant;
  *again.mutable_open_window() = OpenTrain(TinyScenario(), 1);
  *before.mutable_open_window() = OpenTrain(TinyScenario(), 0);
  before.set_attempt(9);
  commit.mutable_commit()->set_window(1);
  other.mutable_commit()->set_window(2);
  abort.mutable_abort()->set_window(2);
  parameters.mutable_parameters_request();
  claim.mutable_claim()->set_window(1);
  infer.mutable_infer_start()->set_window(1);
  grant.mutable_grant()->set_window(0);
  ReceiverDriver driver, clean;
  driver.RunTrain(0);
  clean.RunTrain(0);
  driver.Open(OpenTrain(driver.scenario, 1));
  for (const v1::Message& message :
       {again, before, commit, other, abort, parameters, claim, infer, grant}) {
    const int refused = driver.node.refusals();
    driver.FromCoordinator(message);
    EXPECT_EQ(driver.node.refusals(), refused + 1) << message.ShortDebugString();
    EXPECT_EQ(driver.transport.sent.back().first, NodeId::Coordinator());
    EXPECT_EQ(driver.transport.sent.back().second.refusal().reason(), v1::Refusal::BAD_MESSAGE);
  }
  driver.Finish();
  clean.RunTrain(1);
  EXPECT_EQ(driver.Parameters(), clean.Parameters());
}

TEST(ReceiverNodeTest, GrantThatMakesNoSenseIsRefused) {
  struct Bad {
    int k, m, t;
    std::vector<uint32_t> rounds;
  };
  for (const Bad& bad : {Bad{2, 0, 1, {0}}, Bad{0, 2, 1, {0}}, Bad{0, 0, 0, {0}}, Bad{0, 0, 1, {5}},
                         Bad{0, 0, 1, {}}, Bad{0, 0, 1, {1, 1}}, Bad{0, 0, 1, {2, 1}}}) {
    ReceiverDriver driver;
    driver.Open(OpenTrain(driver.scenario, 0));
    v1::Message grant;
    v1::LinkRounds* link = grant.mutable_grant()->add_link();
    link->set_transmitter(bad.k);
    link->set_modality(bad.m);
    link->set_task(bad.t);
    link->mutable_round()->Add(bad.rounds.begin(), bad.rounds.end());
    driver.FromCoordinator(grant);
    EXPECT_EQ(driver.node.refusals(), 1) << link->ShortDebugString();
    driver.Finish();  // the right one still works
    EXPECT_EQ(driver.node.refusals(), 1);
    EXPECT_EQ(driver.Count(Body::kReport), 1u);
  }
}

TEST(ReceiverNodeTest, StartsFromTheParametersOfTheWelcome) {
  ReceiverDriver trained;
  trained.RunTrain(0);
  ReceiverDriver driver(trained.scenario, true, "", trained.AskParameters());
  EXPECT_TRUE(Same(driver.node.decoders()->fused().parameters(),
                   trained.node.decoders()->fused().parameters()));
  EXPECT_TRUE(Same(driver.node.decoders()->local().parameters(),
                   trained.node.decoders()->local().parameters()));
  EXPECT_TRUE(Same(driver.node.selection()->selector().network().parameters(),
                   trained.node.selection()->selector().network().parameters()));
}

}  // namespace
}  // namespace semlink::receiver
