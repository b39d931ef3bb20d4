// Inference: links stay granted, samples are asked for one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

v1::Message SampleRequest(uint64_t window, uint64_t sequence, uint64_t first, uint32_t samples) {
  v1::Message message;
  message.mutable_sample_request()->set_window(window);
  message.mutable_sample_request()->set_sequence(sequence);
  message.mutable_sample_request()->set_first_sample(first);
  message.mutable_sample_request()->set_samples(samples);
  return message;
}

class TransmitterInferTest : public ::testing::Test {
 protected:
  // Receiver 1 asks, receiver 2 does not.
  v1::Claim Claim() {
    driver_.Open(OpenInfer(driver_.scenario, 0, 3));
    const v1::Claim claim = driver_.Ask({0}, {});
    EXPECT_GT(claim.link_size(), 0);
    return claim;
  }
  void Start() {
    driver_.FromCoordinator(TransmitterDriver::GrantOf(Claim()));
    driver_.transport.sent.clear();
  }
  TransmitterDriver driver_;
};

TEST_F(TransmitterInferTest, AnswersEachRequestWithItsLinks) {
  const v1::Claim claim = Claim();
  driver_.transport.sent.clear();
  driver_.FromCoordinator(TransmitterDriver::GrantOf(claim));
  EXPECT_TRUE(driver_.transport.sent.empty());  // nothing before it is asked for
  driver_.FromReceiver(0, SampleRequest(0, 41, 8, 4));
  ASSERT_EQ(driver_.transport.sent.size(), 1u);
  const v1::Features features = driver_.LastFeatures(0);
  EXPECT_EQ(features.sequence(), 41u);
  ASSERT_EQ(features.link_size(), claim.link_size());
  for (int i = 0; i < features.link_size(); ++i) {
    const int m = static_cast<int>(claim.link(i).modality());
    EXPECT_EQ(features.link(i).modality(), claim.link(i).modality());
    const at::Tensor expected = driver_.node.encoders()->EncodeSamples(
        Plan(driver_.scenario, driver_.open), m, 0, 41, 8, 4);
    EXPECT_TRUE(Same(codec::DecodeFloat32(features.link(i).z(), {4, 6}, "z").value(), expected));
  }
  driver_.FromReceiver(0, SampleRequest(0, 42, 9, 2));
  EXPECT_EQ(driver_.LastFeatures(0).sequence(), 42u);
  driver_.transport.sent.clear();
  driver_.Commit();
  EXPECT_TRUE(driver_.transport.sent.empty());  // no Report
  driver_.RunTrain(1);
}

TEST_F(TransmitterInferTest, NothingForALinkThatWasNotGranted) {
  Start();
  driver_.FromReceiver(1, SampleRequest(0, 0, 0, 4));
  EXPECT_EQ(driver_.LastFeatures(1).link_size(), 0);
}

TEST_F(TransmitterInferTest, RequestsThatOvertakeTheGrantAreKept) {
  const v1::Claim claim = Claim();
  driver_.transport.sent.clear();
  driver_.FromReceiver(0, SampleRequest(0, 7, 0, 1));
  driver_.FromReceiver(0, SampleRequest(0, 8, 1, 1));
  EXPECT_TRUE(driver_.transport.sent.empty());
  driver_.FromCoordinator(TransmitterDriver::GrantOf(claim));
  const auto sent = driver_.transport.Of(Body::kFeatures, NodeId::Receiver(0));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].features().sequence(), 7u);
  EXPECT_EQ(sent[1].features().sequence(), 8u);
  EXPECT_EQ(driver_.node.refusals(), 0);
}

TEST_F(TransmitterInferTest, BadRequestsAreRefusedAndEndThePairInThisWindow) {
  for (const v1::Message& message :
       {SampleRequest(0, 1, 0, 0), SampleRequest(0, 1, 0, UINT32_MAX), SampleRequest(1, 1, 0, 4),
        driver_.Request(OpenInfer(driver_.scenario, 0, 3), {0})}) {
    TransmitterDriver driver;
    driver.Open(OpenInfer(driver.scenario, 0, 3));
    driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask({0}, {0})));
    driver.FromReceiver(0, message);
    EXPECT_EQ(driver.node.refusals(), 1);
    EXPECT_TRUE(driver.transport.sent.back().second.has_refusal());
    driver.FromReceiver(0, SampleRequest(0, 2, 0, 4));
    EXPECT_EQ(driver.Count(Body::kFeatures), 0u);
    driver.FromReceiver(1, SampleRequest(0, 2, 0, 4));
    EXPECT_EQ(driver.Count(Body::kFeatures), 1u);
    EXPECT_EQ(driver.node.refusals(), 1);
  }
}

// What would be longer than a message may be is refused before anything is encoded.
TEST_F(TransmitterInferTest, MoreFeaturesThanAMessageHoldsAreRefused) {
  constexpr int kWidth = 3000;
  constexpr uint32_t kMost = (128 << 20) / (4 * kWidth);  // samples of one link
  Scenario scenario = TinyScenario();
  scenario.model.embedding = kWidth;
  TransmitterDriver driver(scenario);
  driver.Open(OpenInfer(scenario, 0, 3));
  v1::Claim claim = driver.Ask({0}, {0});
  const auto links = [&](uint32_t t) {
    return static_cast<uint32_t>(
        std::count_if(claim.link().begin(), claim.link().end(),
                      [&](const v1::LinkRounds& link) { return link.task() == t; }));
  };
  ASSERT_GT(links(0), 0u);
  driver.FromCoordinator(TransmitterDriver::GrantOf(claim));
  driver.transport.sent.clear();
  driver.FromReceiver(0, SampleRequest(0, 1, 0, kMost / links(0) + 1));
  ASSERT_EQ(driver.transport.sent.size(), 1u);
  EXPECT_THAT(driver.transport.sent[0].second.refusal().detail(),
              ::testing::AllOf(::testing::HasSubstr("128 MiB"),
                               ::testing::HasSubstr(absl::StrCat("at most ", kMost / links(0)))));
  driver.FromReceiver(1, SampleRequest(0, 1, 0, 2));  // the others are served on
  EXPECT_EQ(driver.LastFeatures(1).link_size(), static_cast<int>(links(1)));
}

TEST_F(TransmitterInferTest, GoesRoundTheTestSplitAndEndsWithTheCommit) {
  Start();
  driver_.FromReceiver(0, SampleRequest(0, 1, UINT64_MAX, 4));
  EXPECT_EQ(driver_.Count(Body::kFeatures), 1u);
  driver_.Commit();
  driver_.FromReceiver(0, SampleRequest(0, 2, 0, 4));
  EXPECT_EQ(driver_.Count(Body::kFeatures), 1u);
  EXPECT_EQ(driver_.node.refusals(), 0);
}

TEST_F(TransmitterInferTest, RequestForTheWindowAfterIsKept) {
  Start();
  const v1::OpenWindow next = OpenTrain(driver_.scenario, 1);
  driver_.FromReceiver(0, driver_.Early(driver_.Request(next, {0, 1})));
  driver_.FromReceiver(1, driver_.Early(driver_.Request(next, {2})));
  driver_.Commit();
  EXPECT_TRUE(driver_.transport.sent.empty());
  driver_.Open(next);
  EXPECT_EQ(driver_.LastClaim().window(), 1u);
}

}  // namespace
}  // namespace semlink::transmitter
