// Bad messages of receivers: refused, counted, and as if the pair had broken at that moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

using Spoil = std::function<void(v1::Message*)>;

void ExpectRefused(TransmitterDriver* driver, int t, const v1::Message& message,
                   const std::string& name) {
  driver->transport.sent.clear();
  const int before = driver->node.refusals();
  driver->FromReceiver(t, message);
  EXPECT_EQ(driver->node.refusals(), before + 1) << name;
  ASSERT_EQ(driver->transport.sent.size(), 1u) << name;
  EXPECT_EQ(driver->transport.sent[0].first, NodeId::Receiver(t)) << name;
  const v1::Refusal& refusal = driver->transport.sent[0].second.refusal();
  EXPECT_EQ(refusal.reason(), v1::Refusal::BAD_MESSAGE) << name;
  EXPECT_FALSE(refusal.detail().empty()) << name;
}

void SetRounds(v1::Message* message, const std::vector<uint32_t>& rounds) {
  message->mutable_request()->clear_round();
  message->mutable_request()->mutable_round()->Add(rounds.begin(), rounds.end());
}

// The rest of window 1 with receiver 2 alone; returns the state after the commit.
std::string FinishWithout0(TransmitterDriver* driver, v1::PairFailure::Stage stage) {
  if (stage == v1::PairFailure::REQUEST) {
    driver->requests = {{}, {1, 2, 4}};
    driver->FromReceiver(1, driver->Request(driver->open, {1, 2, 4}));
    driver->FromCoordinator(TransmitterDriver::GrantOf(driver->LastClaim()));
  }
  driver->FromReceiver(1, driver->Gradients(1));
  const v1::Report report = driver->LastReport();
  EXPECT_EQ(report.window(), 1u);
  EXPECT_EQ(report.failed_size(), 1);
  if (report.failed_size() == 1) {
    EXPECT_EQ(report.failed(0).transmitter(), 1u);
    EXPECT_EQ(report.failed(0).receiver(), 0u);
    EXPECT_EQ(report.failed(0).stage(), stage);
  }
  driver->Commit();
  return driver->Parameters();
}

TEST(TransmitterRefusalTest, BadRequests) {
  const std::vector<std::pair<std::string, Spoil>> spoils = {
      {"other randomness",
       [](v1::Message* m) { m->mutable_request()->set_common_randomness_digest(1); }},
      {"window before", [](v1::Message* m) { m->mutable_request()->set_window(0); }},
      {"window after", [](v1::Message* m) { m->mutable_request()->set_window(2); }},
      {"window far off", [](v1::Message* m) { m->mutable_request()->set_window(UINT64_MAX); }},
      {"not ascending",
       [](v1::Message* m) {
         SetRounds(m, {2, 1});
       }},
      {"repeated round",
       [](v1::Message* m) {
         SetRounds(m, {1, 1});
       }},
      {"unknown round",
       [](v1::Message* m) {
         SetRounds(m, {0, 5});
       }},
      {"huge round", [](v1::Message* m) { SetRounds(m, {UINT32_MAX}); }},
      {"features", [](v1::Message* m) { m->mutable_features()->set_window(1); }},
      {"gradients", [](v1::Message* m) { m->mutable_gradients()->set_window(1); }},
      {"sample request", [](v1::Message* m) { m->mutable_sample_request()->set_window(1); }},
      {"commit", [](v1::Message* m) { m->mutable_commit(); }},
      {"empty", [](v1::Message* m) { m->clear_request(); }}};
  TransmitterDriver broken;
  broken.RunTrain(0);
  broken.Open(OpenTrain(broken.scenario, 1));
  broken.Lose(NodeId::Receiver(0));
  const std::string expected = FinishWithout0(&broken, v1::PairFailure::REQUEST);
  for (const auto& [name, spoil] : spoils) {
    TransmitterDriver driver;
    driver.RunTrain(0);
    driver.Open(OpenTrain(driver.scenario, 1));
    v1::Message message = driver.Request(driver.open, {0, 1, 2, 3});
    spoil(&message);
    ExpectRefused(&driver, 0, message, name);
    EXPECT_EQ(driver.transport.sent[0].second.attempt(), driver.attempt) << name;
    // What comes after it in this window does not count any more.
    driver.FromReceiver(0, driver.Request(driver.open, {0}));
    EXPECT_EQ(driver.node.refusals(), 1);
    EXPECT_EQ(FinishWithout0(&driver, v1::PairFailure::REQUEST), expected) << name;
    driver.RunTrain(2);  // the pair is back
    EXPECT_EQ(driver.LastReport().failed_size(), 0);
  }
}

TEST(TransmitterRefusalTest, RepeatedRequest) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.FromReceiver(0, driver.Request(driver.open, {0, 1}));
  ExpectRefused(&driver, 0, driver.Request(driver.open, {4}), "repeated");
  // The first one stands: its links are claimed, and fail with the pair.
  driver.requests = {{0, 1}, {2}};
  driver.FromReceiver(1, driver.Request(driver.open, {2}));
  const v1::Claim claim = driver.LastClaim();
  int of_0 = 0;
  for (const v1::LinkRounds& link : claim.link()) of_0 += link.task() == 0;
  EXPECT_GT(of_0, 0);
  driver.FromCoordinator(TransmitterDriver::GrantOf(claim));
  EXPECT_TRUE(driver.transport.Of(Body::kFeatures, NodeId::Receiver(0)).empty());
  driver.FromReceiver(1, driver.Gradients(1));
  ASSERT_EQ(driver.LastReport().failed_size(), 1);
  EXPECT_EQ(driver.LastReport().failed(0).stage(), v1::PairFailure::GRADIENTS);
}

v1::LinkGradients* FirstLink(v1::Message* message) {
  return message->mutable_gradients()->mutable_link(0);
}

void PutNumber(v1::Message* message, float value) {
  std::memcpy(FirstLink(message)->mutable_dz()->mutable_data()->data() + 8, &value, 4);
}

std::vector<std::pair<std::string, Spoil>> GradientSpoils() {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return {
      {"window before", [](v1::Message* m) { m->mutable_gradients()->set_window(0); }},
      {"window after", [](v1::Message* m) { m->mutable_gradients()->set_window(2); }},
      {"NaN", [=](v1::Message* m) { PutNumber(m, kNan); }},
      {"infinite", [=](v1::Message* m) { PutNumber(m, -kInfinity); }},
      {"row too many",
       [](v1::Message* m) {
         v1::Tensor* dz = FirstLink(m)->mutable_dz();
         dz->set_shape(0, dz->shape(0) + 1);
         dz->mutable_data()->append(24, '\0');
       }},
      {"other width",
       [](v1::Message* m) {
         v1::Tensor* dz = FirstLink(m)->mutable_dz();
         dz->set_shape(0, dz->shape(0) * 2);
         dz->set_shape(1, 3);
       }},
      {"short payload",
       [](v1::Message* m) { FirstLink(m)->mutable_dz()->mutable_data()->resize(8); }},
      {"no type", [](v1::Message* m) { FirstLink(m)->mutable_dz()->clear_dtype(); }},
      {"no tensor", [](v1::Message* m) { FirstLink(m)->clear_dz(); }},
      {"link missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_link()->RemoveLast(); }},
      {"no links", [](v1::Message* m) { m->mutable_gradients()->clear_link(); }},
      {"link not granted",
       [](v1::Message* m) { *m->mutable_gradients()->add_link() = m->gradients().link(0); }},
      {"other modality",
       [](v1::Message* m) { FirstLink(m)->set_modality(FirstLink(m)->modality() + 7); }},
      {"other rounds of a link",
       [](v1::Message* m) { FirstLink(m)->mutable_round()->RemoveLast(); }},
      {"round not asked for", [](v1::Message* m) { m->mutable_gradients()->set_round(3, 4); }},
      {"rounds out of order", [](v1::Message* m) { m->mutable_gradients()->set_round(0, 2); }},
      {"round repeated", [](v1::Message* m) { m->mutable_gradients()->set_round(1, 0); }},
      {"huge round", [](v1::Message* m) { m->mutable_gradients()->set_round(3, UINT32_MAX); }},
      {"round missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_round()->RemoveLast(); }},
      {"advantage missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_advantage()->RemoveLast(); }},
      {"loss missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_loss()->RemoveLast(); }},
      {"advantage NaN", [=](v1::Message* m) { m->mutable_gradients()->set_advantage(1, kNan); }},
      {"loss infinite", [=](v1::Message* m) { m->mutable_gradients()->set_loss(0, kInfinity); }}};
}

// Window 1 up to the gradients.
void RunToGradients(TransmitterDriver* driver) {
  driver->RunTrain(0);
  driver->Open(OpenTrain(driver->scenario, 1));
  driver->FromCoordinator(TransmitterDriver::GrantOf(driver->Ask({0, 1, 2, 3}, {1, 2, 4})));
}

TEST(TransmitterRefusalTest, BadGradients) {
  TransmitterDriver broken;
  RunToGradients(&broken);
  broken.Lose(NodeId::Receiver(0));
  const std::string expected = FinishWithout0(&broken, v1::PairFailure::GRADIENTS);
  for (const auto& [name, spoil] : GradientSpoils()) {
    TransmitterDriver driver;
    RunToGradients(&driver);
    v1::Message message = driver.Gradients(0);
    ASSERT_GT(message.gradients().link_size(), 0);
    v1::Message good = message;
    spoil(&message);
    const v1::Message features = driver.transport.Of(Body::kFeatures, NodeId::Receiver(1)).back();
    ExpectRefused(&driver, 0, message, name);
    driver.FromReceiver(0, good);
    driver.transport.sent.emplace_back(NodeId::Receiver(1), features);
    EXPECT_EQ(FinishWithout0(&driver, v1::PairFailure::GRADIENTS), expected) << name;
  }
}

// Once the gradients are here, the pair has done its part.
TEST(TransmitterRefusalTest, RepeatedGradientsLeaveNoTrace) {
  TransmitterDriver disturbed, clean;
  RunToGradients(&disturbed);
  const v1::Message good[] = {disturbed.Gradients(0), disturbed.Gradients(1)};
  disturbed.FromReceiver(0, good[0]);
  ExpectRefused(&disturbed, 0, good[0], "repeated");
  disturbed.FromReceiver(1, good[1]);
  EXPECT_EQ(disturbed.LastReport().failed_size(), 0);
  ExpectRefused(&disturbed, 1, good[1], "after the report");
  disturbed.Commit();
  disturbed.transport.sent.clear();
  disturbed.FromReceiver(1, good[1]);  // of the past
  EXPECT_TRUE(disturbed.transport.sent.empty());
  clean.RunTrain(0);
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
}

TEST(TransmitterRefusalTest, GradientsBeforeTheGrant) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  v1::Message gradients;
  gradients.mutable_gradients()->set_window(0);
  ExpectRefused(&driver, 0, gradients, "before the claim");
  driver.FromReceiver(1, driver.Request(driver.open, {0}));
  EXPECT_EQ(driver.Count(Body::kClaim), 1u);
  ExpectRefused(&driver, 1, gradients, "before the grant");
}

// The pair fails in the window that the message is of, which opens later.
TEST(TransmitterRefusalTest, BadMessageOfALaterAttempt) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  v1::Message message;
  message.mutable_features()->set_window(1);
  ExpectRefused(&driver, 0, driver.Early(message), "early");
  EXPECT_EQ(driver.transport.sent[0].second.attempt(), driver.attempt + 1);
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask({0, 4}, {1})));
  for (int t = 0; t < 2; ++t) driver.FromReceiver(t, driver.Gradients(t));
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  driver.Commit();
  driver.Open(OpenTrain(driver.scenario, 1));
  driver.FromReceiver(0, driver.Request(driver.open, {0, 1, 2, 3}));  // too late
  FinishWithout0(&driver, v1::PairFailure::REQUEST);
  driver.RunTrain(2);  // the pair is back
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  EXPECT_EQ(driver.node.refusals(), 1);
}

TEST(TransmitterRefusalTest, RefusalToAPeerThatIsGoneIsNoError) {
  TransmitterDriver driver;
  driver.transport.gone.insert(NodeId::Receiver(0));
  driver.FromReceiver(0, TransmitterDriver::GrantOf(v1::Claim()));
  EXPECT_EQ(driver.node.refusals(), 1);
}

TEST(TransmitterRefusalTest, StrangersAreIgnored) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.transport.sent.clear();
  driver.FromReceiver(2, driver.Request(driver.open, {0}));  // the scenario has two receivers
  EXPECT_TRUE(driver.transport.sent.empty());
  EXPECT_TRUE(driver.node.Handle(NodeId::Transmitter(0), driver.Request(driver.open, {0})).ok());
  EXPECT_TRUE(driver.transport.sent.empty());
}

}  // namespace
}  // namespace semlink::transmitter
