// Bad messages of receivers: refused, counted, without a trace.
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
      {"empty", [](v1::Message* m) { m->Clear(); }}};
  TransmitterDriver disturbed, clean;
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  for (const auto& [name, spoil] : spoils) {
    v1::Message message = disturbed.Request(disturbed.open, {0, 1, 2, 3});
    spoil(&message);
    ExpectRefused(&disturbed, 0, message, name);
  }
  disturbed.requests = {{0, 1, 2, 3}, {1, 2, 4}};
  disturbed.FromReceiver(0, disturbed.Request(disturbed.open, {0, 1, 2, 3}));
  ExpectRefused(&disturbed, 0, disturbed.Request(disturbed.open, {4}), "repeated");
  disturbed.FromReceiver(1, disturbed.Request(disturbed.open, {1, 2, 4}));
  const v1::Claim claim = disturbed.LastClaim();
  ExpectRefused(&disturbed, 0, disturbed.Request(disturbed.open, {4}), "after the claim");
  disturbed.FromCoordinator(TransmitterDriver::GrantOf(claim));
  for (int t = 0; t < 2; ++t) disturbed.FromReceiver(t, disturbed.Gradients(t));
  disturbed.Commit();
  clean.RunTrain(1);
  EXPECT_EQ(claim.SerializeAsString(), clean.LastClaim().SerializeAsString());
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
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
      {"other rounds asked", [](v1::Message* m) { m->mutable_gradients()->set_round(0, 4); }},
      {"round missing",
       [](v1::Message* m) {
         m->mutable_gradients()->mutable_round()->RemoveLast();
         m->mutable_gradients()->mutable_loss()->RemoveLast();
         m->mutable_gradients()->mutable_advantage()->RemoveLast();
       }},
      {"advantage missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_advantage()->RemoveLast(); }},
      {"loss missing",
       [](v1::Message* m) { m->mutable_gradients()->mutable_loss()->RemoveLast(); }},
      {"advantage NaN", [=](v1::Message* m) { m->mutable_gradients()->set_advantage(1, kNan); }},
      {"loss infinite", [=](v1::Message* m) { m->mutable_gradients()->set_loss(0, kInfinity); }}};
}

TEST(TransmitterRefusalTest, BadGradients) {
  TransmitterDriver disturbed, clean;
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  disturbed.FromCoordinator(TransmitterDriver::GrantOf(disturbed.Ask({0, 1, 2, 3}, {1, 2, 4})));
  const v1::Message good[] = {disturbed.Gradients(0), disturbed.Gradients(1)};
  ASSERT_GT(good[0].gradients().link_size(), 0);
  for (const auto& [name, spoil] : GradientSpoils()) {
    v1::Message message = good[0];
    spoil(&message);
    ExpectRefused(&disturbed, 0, message, name);
  }
  disturbed.FromReceiver(0, good[0]);
  ExpectRefused(&disturbed, 0, good[0], "repeated");
  disturbed.FromReceiver(1, good[1]);
  ASSERT_TRUE(disturbed.transport.sent.back().second.has_report());
  ExpectRefused(&disturbed, 1, good[1], "after the report");
  disturbed.Commit();
  ExpectRefused(&disturbed, 1, good[1], "after the commit");
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
}

TEST(TransmitterRefusalTest, GradientsBeforeTheGrant) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.requests = {{0}, {0}};
  v1::Message gradients;
  gradients.mutable_gradients()->set_window(0);
  ExpectRefused(&driver, 0, gradients, "before the claim");
  driver.Ask({0}, {0});
  ExpectRefused(&driver, 0, gradients, "before the grant");
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
  EXPECT_FALSE(driver.node.Handle(NodeId::Transmitter(0), driver.Request(driver.open, {0})).ok());
}

}  // namespace
}  // namespace semlink::transmitter
