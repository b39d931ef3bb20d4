#include "receiver/receiver_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pair;

TEST(ReceiverNodeTest, IsReadyWhenEveryTransmitterHasAnswered) {
  ReceiverDriver driver(TinyScenario(), false);
  EXPECT_THAT(driver.transport.dialled, ElementsAre(Pair(NodeId::Transmitter(0), "host1:1"),
                                                    Pair(NodeId::Transmitter(1), "host2:1")));
  driver.Connected(1);
  driver.Connected(1);
  EXPECT_TRUE(driver.transport.sent.empty());
  driver.Connected(0);
  EXPECT_EQ(driver.LastReport().window(), UINT64_MAX);
}

TEST(ReceiverNodeTest, RefusedByATransmitterItCannotGoOn) {
  ReceiverDriver driver(TinyScenario(), false);
  v1::Message refusal;
  refusal.mutable_refusal()->set_detail("no");
  EXPECT_TRUE(absl::IsPermissionDenied(driver.node.Handle(NodeId::Transmitter(0), refusal)));
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

TEST(ReceiverNodeTest, CoordinatorOutOfOrderIsFatal) {
  const auto fails = [](const v1::Message& message, bool open) {
    ReceiverDriver driver;
    if (open) driver.Open(OpenTrain(driver.scenario, 5));
    return !driver.TryFromCoordinator(message).ok();
  };
  v1::Message welcome, again, commit, parameters, infer, grant;
  welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(TinyScenario()));
  *again.mutable_open_window() = OpenTrain(TinyScenario(), 6);
  commit.mutable_commit()->set_window(5);
  parameters.mutable_parameters_request();
  infer.mutable_infer_start()->set_window(5);
  grant.mutable_grant()->set_window(4);
  EXPECT_TRUE(fails(welcome, false));
  EXPECT_TRUE(fails(again, true));
  EXPECT_TRUE(fails(commit, true));
  EXPECT_TRUE(fails(commit, false));
  EXPECT_TRUE(fails(parameters, true));
  EXPECT_TRUE(fails(infer, true));
  EXPECT_TRUE(fails(grant, true));
}

TEST(ReceiverNodeTest, GrantThatMakesNoSenseIsFatal) {
  struct Bad {
    int k, m, t, round;
  };
  for (const Bad& bad : {Bad{2, 0, 1, 0}, Bad{0, 2, 1, 0}, Bad{0, 0, 0, 0}, Bad{0, 0, 1, 5}}) {
    ReceiverDriver driver;
    driver.Open(OpenTrain(driver.scenario, 0));
    v1::Message grant;
    v1::LinkRounds* link = grant.mutable_grant()->add_link();
    link->set_transmitter(bad.k);
    link->set_modality(bad.m);
    link->set_task(bad.t);
    link->add_round(bad.round);
    EXPECT_FALSE(driver.TryFromCoordinator(grant).ok()) << link->ShortDebugString();
  }
}

TEST(ReceiverNodeTest, StartsFromTheParametersOfTheWelcome) {
  ReceiverDriver trained;
  trained.RunTrain(0);
  v1::Message parameters;
  ASSERT_TRUE(parameters.ParseFromString(trained.Parameters()));
  v1::Message welcome;
  welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(trained.scenario));
  *welcome.mutable_welcome()->mutable_parameters() = parameters.parameters().tensor();
  for (const char* address : {"a:1", "b:1"})
    welcome.mutable_welcome()->add_transmitter_address(address);
  RecordingTransport transport;
  FakeClock clock;
  ReceiverNode node(1, &transport, &clock);
  ASSERT_TRUE(node.Handle(NodeId::Coordinator(), welcome).ok());
  EXPECT_TRUE(
      Same(node.decoders()->fused().parameters(), trained.node.decoders()->fused().parameters()));
  EXPECT_TRUE(
      Same(node.decoders()->local().parameters(), trained.node.decoders()->local().parameters()));
  EXPECT_TRUE(Same(node.selection()->selector().network().parameters(),
                   trained.node.selection()->selector().network().parameters()));
}

}  // namespace
}  // namespace semlink::receiver
