// Bad messages of transmitters: refused, counted, and as if the pair had broken at that moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

using Spoil = std::function<void(v1::Message*)>;

void ExpectRefused(ReceiverDriver* driver, int k, const v1::Message& message,
                   const std::string& name) {
  driver->transport.sent.clear();
  const int before = driver->node.refusals();
  driver->FromTransmitter(k, message);
  EXPECT_EQ(driver->node.refusals(), before + 1) << name;
  ASSERT_EQ(driver->transport.sent.size(), 1u) << name;
  EXPECT_EQ(driver->transport.sent[0].first, NodeId::Transmitter(k)) << name;
  EXPECT_EQ(driver->transport.sent[0].second.refusal().reason(), v1::Refusal::BAD_MESSAGE) << name;
}

v1::LinkFeatures* FirstLink(v1::Message* message) {
  return message->mutable_features()->mutable_link(0);
}

void PutNumber(v1::Message* message, float value) {
  std::memcpy(FirstLink(message)->mutable_z()->mutable_data()->data() + 8, &value, 4);
}

std::vector<std::pair<std::string, Spoil>> ContentSpoils() {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return {
      {"NaN", [=](v1::Message* m) { PutNumber(m, kNan); }},
      {"infinite", [=](v1::Message* m) { PutNumber(m, kInfinity); }},
      {"row too many",
       [](v1::Message* m) {
         v1::Tensor* z = FirstLink(m)->mutable_z();
         z->set_shape(0, z->shape(0) + 1);
         z->mutable_data()->append(24, '\0');
       }},
      {"other width",
       [](v1::Message* m) {
         v1::Tensor* z = FirstLink(m)->mutable_z();
         z->set_shape(0, z->shape(0) * 2);
         z->set_shape(1, 3);
       }},
      {"short payload",
       [](v1::Message* m) { FirstLink(m)->mutable_z()->mutable_data()->resize(8); }},
      {"no type", [](v1::Message* m) { FirstLink(m)->mutable_z()->clear_dtype(); }},
      {"rate missing", [](v1::Message* m) { FirstLink(m)->mutable_rate_nats()->RemoveLast(); }},
      {"rate too many", [](v1::Message* m) { FirstLink(m)->add_rate_nats(1); }},
      {"rate infinite", [=](v1::Message* m) { FirstLink(m)->set_rate_nats(0, kInfinity); }},
      {"rate NaN", [=](v1::Message* m) { FirstLink(m)->set_rate_nats(0, kNan); }},
      {"link missing", [](v1::Message* m) { m->mutable_features()->mutable_link()->RemoveLast(); }},
      {"no links", [](v1::Message* m) { m->mutable_features()->clear_link(); }},
      {"link not granted",
       [](v1::Message* m) { *m->mutable_features()->add_link() = m->features().link(0); }},
      {"other modality",
       [](v1::Message* m) { FirstLink(m)->set_modality(FirstLink(m)->modality() + 1); }},
      {"other rounds", [](v1::Message* m) { FirstLink(m)->mutable_round()->RemoveLast(); }}};
}

std::vector<std::pair<std::string, Spoil>> OrderSpoils() {
  return {{"window before", [](v1::Message* m) { m->mutable_features()->set_window(0); }},
          {"window after", [](v1::Message* m) { m->mutable_features()->set_window(2); }}};
}

class ReceiverRefusalTest : public ::testing::Test {
 protected:
  // Window 1 is open at `driver`.
  static void Start(ReceiverDriver* driver) {
    driver->RunTrain(0);
    driver->Open(OpenTrain(driver->scenario, 1));
  }
  // The rest of it with transmitter 1 alone; returns the state after the commit.
  static std::string FinishWithout1(ReceiverDriver* driver) {
    driver->FromTransmitter(0, driver->Features(0));
    const v1::Report report = driver->LastReport();
    EXPECT_EQ(report.window(), 1u);
    EXPECT_EQ(report.failed_size(), 1);
    if (report.failed_size() == 1) {
      EXPECT_EQ(report.failed(0).transmitter(), 1u);
      EXPECT_EQ(report.failed(0).receiver(), 1u);
      EXPECT_EQ(report.failed(0).stage(), v1::PairFailure::FEATURES);
    }
    EXPECT_EQ(driver->Count(Body::kGradients), 1u);
    driver->Commit();
    return driver->Parameters();
  }
  // The state after the same window in which the pair breaks.
  static std::string Expected() {
    ReceiverDriver broken;
    Start(&broken);
    broken.FromCoordinator(broken.Grant());
    broken.Lose(NodeId::Transmitter(1));
    return FinishWithout1(&broken);
  }
  static std::vector<std::pair<std::string, Spoil>> AllSpoils() {
    auto spoils = ContentSpoils();
    for (const auto& spoil : OrderSpoils()) spoils.push_back(spoil);
    return spoils;
  }
};

TEST_F(ReceiverRefusalTest, BadFeatures) {
  const std::string expected = Expected();
  for (const auto& [name, spoil] : AllSpoils()) {
    ReceiverDriver driver;
    Start(&driver);
    driver.FromCoordinator(driver.Grant());
    v1::Message message = driver.Features(1);
    ASSERT_GT(message.features().link_size(), 0);
    spoil(&message);
    ExpectRefused(&driver, 1, message, name);
    EXPECT_EQ(driver.transport.sent[0].second.attempt(), driver.attempt) << name;
    driver.FromTransmitter(1, driver.Features(1));  // too late
    EXPECT_EQ(driver.node.refusals(), 1);
    EXPECT_EQ(FinishWithout1(&driver), expected) << name;
    driver.RunTrain(2);  // the pair is back
    EXPECT_EQ(driver.LastReport().failed_size(), 0);
  }
}

// Before the grant, what the features hold can't be judged; with the grant it is.
TEST_F(ReceiverRefusalTest, BadFeaturesThatOvertookTheGrant) {
  const std::string expected = Expected();
  for (const auto& [name, spoil] : ContentSpoils()) {
    ReceiverDriver driver;
    Start(&driver);
    v1::Message message = driver.Features(1);
    spoil(&message);
    driver.FromTransmitter(1, message);
    EXPECT_EQ(driver.node.refusals(), 0) << name;
    driver.FromCoordinator(driver.Grant());
    EXPECT_EQ(driver.node.refusals(), 1) << name;
    EXPECT_EQ(driver.transport.Of(Body::kRefusal, NodeId::Transmitter(1)).size(), 1u) << name;
    EXPECT_EQ(FinishWithout1(&driver), expected) << name;
  }
}

// Once the features are here they stand, whatever comes after them.
TEST_F(ReceiverRefusalTest, RepeatedFeatures) {
  ReceiverDriver disturbed, clean;
  Start(&disturbed);
  const v1::Message good[] = {disturbed.Features(0), disturbed.Features(1)};
  disturbed.FromCoordinator(disturbed.Grant());
  disturbed.FromTransmitter(1, good[1]);
  ExpectRefused(&disturbed, 1, good[1], "repeated");
  disturbed.FromTransmitter(0, good[0]);
  EXPECT_EQ(disturbed.LastReport().failed_size(), 0);
  EXPECT_TRUE(disturbed.transport.Of(Body::kGradients, NodeId::Transmitter(1)).empty());
  ExpectRefused(&disturbed, 0, good[0], "after the report");
  disturbed.Commit();
  disturbed.transport.sent.clear();
  disturbed.FromTransmitter(0, good[0]);  // of the past
  EXPECT_TRUE(disturbed.transport.sent.empty());
  clean.RunTrain(0);
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
}

// The pair fails in the window that the message is of, which opens later.
TEST_F(ReceiverRefusalTest, BadMessageOfALaterAttempt) {
  ReceiverDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  v1::Message message;
  message.mutable_gradients()->set_window(1);
  message.set_attempt(driver.attempt + 1);
  ExpectRefused(&driver, 1, message, "early");
  EXPECT_EQ(driver.transport.sent[0].second.attempt(), driver.attempt + 1);
  driver.Finish();
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  driver.Open(OpenTrain(driver.scenario, 1));
  EXPECT_TRUE(driver.transport.Of(Body::kRequest, NodeId::Transmitter(1)).empty());
  driver.FromCoordinator(driver.Grant());
  FinishWithout1(&driver);
  driver.RunTrain(2);  // the pair is back
  EXPECT_EQ(driver.LastReport().failed_size(), 0);
  EXPECT_EQ(driver.node.refusals(), 1);
}

TEST_F(ReceiverRefusalTest, StrangersAndOtherMessages) {
  ReceiverDriver driver;
  Start(&driver);
  driver.transport.sent.clear();
  driver.FromTransmitter(2, driver.Features(0));  // the scenario has two transmitters
  EXPECT_TRUE(driver.node.Handle(NodeId::Receiver(0), driver.Features(0)).ok());
  EXPECT_TRUE(driver.transport.sent.empty());
  v1::Message gradients;
  gradients.mutable_gradients()->set_window(1);
  ExpectRefused(&driver, 1, gradients, "gradients");
  driver.FromCoordinator(driver.Grant());
  EXPECT_EQ(FinishWithout1(&driver), Expected());
}

}  // namespace
}  // namespace semlink::receiver
