// Bad messages of transmitters: refused, counted, without a trace.
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
  ReceiverRefusalTest() {
    disturbed_.RunTrain(0);
    clean_.RunTrain(0);
    disturbed_.Open(OpenTrain(disturbed_.scenario, 1));
    clean_.RunTrain(1);
    for (int k = 0; k < 2; ++k) {
      good_[k] = disturbed_.Features(k);
      EXPECT_GT(good_[k].features().link_size(), 0);
    }
  }
  void ExpectNoTrace() {
    disturbed_.Commit();
    EXPECT_EQ(disturbed_.Parameters(), clean_.Parameters());
  }
  ReceiverDriver disturbed_, clean_;
  v1::Message good_[2];
};

TEST_F(ReceiverRefusalTest, BadFeatures) {
  disturbed_.FromCoordinator(disturbed_.Grant());
  auto spoils = ContentSpoils();
  for (const auto& spoil : OrderSpoils()) spoils.push_back(spoil);
  for (const auto& [name, spoil] : spoils) {
    v1::Message message = good_[1];
    spoil(&message);
    ExpectRefused(&disturbed_, 1, message, name);
  }
  disturbed_.FromTransmitter(1, good_[1]);
  ExpectRefused(&disturbed_, 1, good_[1], "repeated");
  disturbed_.FromTransmitter(0, good_[0]);
  EXPECT_EQ(disturbed_.LastReport().window(), 1u);
  ExpectRefused(&disturbed_, 0, good_[0], "after the report");
  ExpectNoTrace();
}

// Before the grant, what the features hold can't be judged; with the grant it is.
TEST_F(ReceiverRefusalTest, BadFeaturesThatOvertookTheGrant) {
  for (const auto& [name, spoil] : ContentSpoils()) {
    ReceiverDriver driver;
    driver.RunTrain(0);
    driver.Open(OpenTrain(driver.scenario, 1));
    v1::Message message = good_[1];
    spoil(&message);
    driver.FromTransmitter(1, message);
    EXPECT_EQ(driver.node.refusals(), 0) << name;
    driver.FromCoordinator(driver.Grant());
    EXPECT_EQ(driver.node.refusals(), 1) << name;
    EXPECT_EQ(driver.transport.Of(Body::kRefusal, NodeId::Transmitter(1)).size(), 1u) << name;
    // The right ones still work.
    driver.FromTransmitter(1, good_[1]);
    driver.FromTransmitter(0, good_[0]);
    EXPECT_EQ(driver.node.refusals(), 1) << name;
    driver.Commit();
    EXPECT_EQ(driver.Parameters(), clean_.Parameters()) << name;
  }
}

TEST_F(ReceiverRefusalTest, FeaturesOutsideTheirWindow) {
  for (const auto& [name, spoil] : OrderSpoils()) {
    v1::Message message = good_[0];
    spoil(&message);
    ExpectRefused(&disturbed_, 0, message, name);
  }
  disturbed_.FromTransmitter(0, good_[0]);
  ExpectRefused(&disturbed_, 0, good_[0], "repeated before the grant");
  disturbed_.FromTransmitter(1, good_[1]);
  disturbed_.FromCoordinator(disturbed_.Grant());
  ExpectNoTrace();
  ExpectRefused(&disturbed_, 0, good_[0], "after the commit");
}

TEST_F(ReceiverRefusalTest, StrangersAndOtherMessagesAreIgnored) {
  disturbed_.transport.sent.clear();
  disturbed_.FromTransmitter(2, good_[0]);  // the scenario has two transmitters
  v1::Message gradients;
  gradients.mutable_gradients()->set_window(1);
  disturbed_.FromTransmitter(0, gradients);
  EXPECT_TRUE(disturbed_.transport.sent.empty());
  EXPECT_FALSE(disturbed_.node.Handle(NodeId::Receiver(0), good_[0]).ok());
  disturbed_.Finish();
  EXPECT_EQ(disturbed_.Parameters(), clean_.Parameters());
}

}  // namespace
}  // namespace semlink::receiver
