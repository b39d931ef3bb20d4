// Inference at a receiver: requests under way, decoding, and what is measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "tests/receiver/receiver_driver.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;

v1::Message InferStart(uint64_t window, uint64_t samples, uint32_t batch, uint32_t in_flight) {
  v1::Message message;
  message.mutable_infer_start()->set_window(window);
  message.mutable_infer_start()->set_samples(samples);
  message.mutable_infer_start()->set_batch_size(batch);
  message.mutable_infer_start()->set_in_flight(in_flight);
  return message;
}

class ReceiverInferTest : public ::testing::Test {
 protected:
  // A session with links to both transmitters, or only to the second.
  void Start(const v1::Message& start, bool both = true) { Start(&driver_, start, both); }
  static void Start(ReceiverDriver* driver, const v1::Message& start, bool both = true) {
    driver->Open(OpenInfer(driver->scenario, 0, 0));
    driver->requests = {both ? std::vector<uint32_t>{0} : std::vector<uint32_t>{}, {0}};
    driver->FromCoordinator(driver->Grant());
    driver->transport.sent.clear();
    driver->FromCoordinator(start);
  }
  std::vector<v1::SampleRequest> Asked(int k) const { return Asked(driver_, k); }
  static std::vector<v1::SampleRequest> Asked(const ReceiverDriver& driver, int k) {
    std::vector<v1::SampleRequest> asked;
    for (const v1::Message& m : driver.transport.Of(Body::kSampleRequest, NodeId::Transmitter(k)))
      asked.push_back(m.sample_request());
    return asked;
  }
  v1::Message Answer(int k, const v1::SampleRequest& request) const {
    v1::Message message;
    message.mutable_features()->set_window(request.window());
    message.mutable_features()->set_sequence(request.sequence());
    for (int m : k == 0 ? std::vector<int>{1} : std::vector<int>{0, 2}) {
      v1::LinkFeatures* link = message.mutable_features()->add_link();
      link->set_modality(m);
      *link->mutable_z() = codec::EncodeFloat32(
          Numbers({request.samples(), 6}, 10 * request.sequence() + 3 * k + m));
    }
    return message;
  }
  at::Tensor Z(int k, int m, const v1::SampleRequest& request) const {
    return Numbers({request.samples(), 6}, 10 * request.sequence() + 3 * k + m);
  }
  ReceiverDriver driver_;
};

TEST_F(ReceiverInferTest, KeepsRequestsInFlightAndMeasures) {
  Start(InferStart(0, 10, 4, 2));
  // 4 + 4 under way, 2 to come; each goes to both transmitters.
  for (int k = 0; k < 2; ++k) {
    const auto asked = Asked(k);
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[0].first_sample(), 0u);
    EXPECT_EQ(asked[0].samples(), 4u);
    EXPECT_EQ(asked[1].first_sample(), 4u);
    EXPECT_EQ(asked[1].samples(), 4u);
    EXPECT_NE(asked[0].sequence(), asked[1].sequence());
  }
  const auto first = Asked(0);
  driver_.clock.Advance(absl::Microseconds(100));
  // Answers come out of order.
  driver_.FromTransmitter(1, Answer(1, first[1]));
  EXPECT_EQ(Asked(0).size(), 2u);
  driver_.FromTransmitter(0, Answer(0, first[1]));
  ASSERT_EQ(Asked(0).size(), 3u);  // one done, the next is sent
  const v1::SampleRequest last = Asked(0)[2];
  EXPECT_EQ(last.first_sample(), 8u);
  EXPECT_EQ(last.samples(), 2u);
  driver_.clock.Advance(absl::Microseconds(50));
  driver_.FromTransmitter(0, Answer(0, first[0]));
  driver_.FromTransmitter(1, Answer(1, first[0]));
  EXPECT_EQ(Asked(0).size(), 3u);
  EXPECT_EQ(driver_.Count(Body::kInferReport), 0u);
  driver_.FromTransmitter(0, Answer(0, last));
  driver_.FromTransmitter(1, Answer(1, last));

  const auto reports = driver_.transport.Of(Body::kInferReport, NodeId::Coordinator());
  ASSERT_EQ(reports.size(), 1u);
  const v1::InferReport& report = reports[0].infer_report();
  EXPECT_EQ(report.window(), 0u);
  EXPECT_EQ(report.samples(), 10u);
  EXPECT_DOUBLE_EQ(report.seconds(), 150e-6);
  EXPECT_THAT(report.latency_us(),
              ElementsAre(::testing::DoubleNear(100, 1e-6), ::testing::DoubleNear(150, 1e-6),
                          ::testing::DoubleNear(50, 1e-6)));
  // Correct: what the decoder says about these features, against the labels of the samples.
  const auto labels = data::OpenLabels(driver_.scenario, 1).value();
  uint64_t correct = 0;
  for (const v1::SampleRequest& request : Asked(0)) {
    const std::vector<ReceivedLink> links = {{0, 1, {0}, Z(0, 1, request), {}},
                                             {1, 0, {0}, Z(1, 0, request), {}},
                                             {1, 2, {0}, Z(1, 2, request), {}}};
    data::RoundSamples samples;
    for (uint32_t i = 0; i < request.samples(); ++i)
      samples.samples.push_back(static_cast<int64_t>(request.first_sample() + i));
    correct += driver_.node.decoders()
                   ->Classify(links, request.samples())
                   .eq(labels->Batch(data::Split::kTest, {samples}))
                   .sum()
                   .item<int64_t>();
  }
  EXPECT_EQ(report.correct(), correct);
  EXPECT_EQ(driver_.node.refusals(), 0);
  driver_.Commit();
  driver_.RunTrain(1);
}

TEST_F(ReceiverInferTest, AsksOnlyOverGrantedLinks) {
  Start(InferStart(0, 4, 4, 1), false);
  EXPECT_TRUE(Asked(0).empty());
  ASSERT_EQ(Asked(1).size(), 1u);
  driver_.FromTransmitter(0, Answer(0, Asked(1)[0]));  // not asked for
  EXPECT_EQ(driver_.node.refusals(), 1);
  driver_.FromTransmitter(1, Answer(1, Asked(1)[0]));
  EXPECT_EQ(driver_.Count(Body::kInferReport), 1u);
}

TEST_F(ReceiverInferTest, WithoutALinkItDecodesFromNothing) {
  driver_.Open(OpenInfer(driver_.scenario, 0, 0));
  v1::Message grant;
  grant.mutable_grant()->set_window(0);
  driver_.FromCoordinator(grant);
  driver_.transport.sent.clear();
  driver_.FromCoordinator(InferStart(0, 10, 4, 2));
  ASSERT_EQ(driver_.transport.sent.size(), 1u);
  EXPECT_EQ(driver_.transport.sent[0].second.infer_report().samples(), 10u);
  EXPECT_EQ(driver_.transport.sent[0].second.infer_report().latency_us_size(), 3);
}

TEST_F(ReceiverInferTest, GoesRoundTheTestSplit) {
  Start(InferStart(0, 60, 10, 6));
  std::vector<uint64_t> first;
  for (const v1::SampleRequest& request : Asked(0)) first.push_back(request.first_sample());
  EXPECT_THAT(first, ElementsAre(0, 10, 20, 30 - 23, 40 - 23, 50 - 46));
}

TEST_F(ReceiverInferTest, BadFeaturesAreRefused) {
  using Spoil = std::function<void(v1::Features*)>;
  const std::vector<Spoil> spoils = {
      [](v1::Features* f) { f->set_window(1); },
      [](v1::Features* f) { f->set_sequence(99); },
      [](v1::Features* f) { f->mutable_link()->RemoveLast(); },
      [](v1::Features* f) { f->clear_link(); },
      [](v1::Features* f) { *f->add_link() = f->link(0); },
      [](v1::Features* f) { f->mutable_link(1)->set_modality(1); },
      [](v1::Features* f) { f->mutable_link(0)->mutable_z()->set_shape(0, 3); },
      [](v1::Features* f) { f->mutable_link(1)->mutable_z()->mutable_data()->pop_back(); },
      [](v1::Features* f) {
        const float bad = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(f->mutable_link(1)->mutable_z()->mutable_data()->data(), &bad, 4);
      }};
  for (const Spoil& spoil : spoils) {
    ReceiverDriver driver;
    Start(&driver, InferStart(0, 8, 4, 1));
    const v1::SampleRequest asked = Asked(driver, 1)[0];
    v1::Message message = Answer(1, asked);
    spoil(message.mutable_features());
    driver.FromTransmitter(1, message);
    EXPECT_EQ(driver.node.refusals(), 1);
    EXPECT_EQ(driver.transport.sent.back().second.refusal().reason(), v1::Refusal::BAD_MESSAGE);
    driver.FromTransmitter(1, Answer(1, asked));  // too late: the pair has failed in this window
    driver.FromTransmitter(0, Answer(0, asked));
    EXPECT_EQ(driver.node.refusals(), 1);
    ASSERT_EQ(Asked(driver, 0).size(), 2u);
    EXPECT_EQ(Asked(driver, 1).size(), 1u);
    driver.FromTransmitter(0, Answer(0, Asked(driver, 0)[1]));
    EXPECT_EQ(driver.transport.Of(Body::kInferReport)[0].infer_report().samples(), 8u);
  }
}

// What the lost pair owes is decoded without it: as with links to the other transmitter alone.
TEST_F(ReceiverInferTest, LostPairsAreErasures) {
  Start(InferStart(0, 12, 4, 2));
  driver_.FromTransmitter(0, Answer(0, Asked(0)[0]));
  EXPECT_EQ(Asked(0).size(), 2u);
  driver_.Lose(NodeId::Transmitter(1));
  ASSERT_EQ(Asked(0).size(), 3u);  // the first request is complete
  EXPECT_EQ(Asked(1).size(), 2u);
  driver_.FromTransmitter(0, Answer(0, Asked(0)[1]));
  driver_.FromTransmitter(0, Answer(0, Asked(0)[2]));
  const auto labels = data::OpenLabels(driver_.scenario, 1).value();
  uint64_t correct = 0;
  for (const v1::SampleRequest& request : Asked(0)) {
    data::RoundSamples samples;
    for (uint32_t i = 0; i < request.samples(); ++i)
      samples.samples.push_back(static_cast<int64_t>(request.first_sample() + i));
    correct += driver_.node.decoders()
                   ->Classify({{0, 1, {0}, Z(0, 1, request), {}}}, request.samples())
                   .eq(labels->Batch(data::Split::kTest, {samples}))
                   .sum()
                   .item<int64_t>();
  }
  const auto reports = driver_.transport.Of(Body::kInferReport);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].infer_report().samples(), 12u);
  EXPECT_EQ(reports[0].infer_report().correct(), correct);
}

TEST_F(ReceiverInferTest, WithoutAnyPairLeftItStillEnds) {
  Start(InferStart(0, 50, 4, 2));
  driver_.Lose(NodeId::Transmitter(0));
  driver_.Lose(NodeId::Transmitter(1));
  const auto reports = driver_.transport.Of(Body::kInferReport);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].infer_report().samples(), 50u);
}

TEST_F(ReceiverInferTest, FeaturesBeforeTheStartAreRefused) {
  driver_.Open(OpenInfer(driver_.scenario, 0, 0));
  v1::Message features;
  features.mutable_features()->set_window(0);
  driver_.FromTransmitter(0, features);
  EXPECT_EQ(driver_.node.refusals(), 1);
}

TEST_F(ReceiverInferTest, AbortEndsTheSession) {
  Start(InferStart(0, 10, 4, 1));
  const v1::Message answer = Answer(0, Asked(0)[0]);
  driver_.Abort();
  driver_.transport.sent.clear();
  driver_.FromTransmitter(0, answer);
  EXPECT_TRUE(driver_.transport.sent.empty());
  driver_.RunTrain(0);
  EXPECT_EQ(driver_.node.refusals(), 0);
}

TEST_F(ReceiverInferTest, StartThatMakesNoSenseIsRefused) {
  for (const v1::Message& start : {InferStart(0, 0, 4, 1), InferStart(0, 10, 0, 1),
                                   InferStart(0, 10, 4, 0), InferStart(1, 10, 4, 1)}) {
    ReceiverDriver driver;
    driver.Open(OpenInfer(driver.scenario, 0, 0));
    driver.FromCoordinator(driver.Grant());
    driver.FromCoordinator(start);
    EXPECT_EQ(driver.node.refusals(), 1);
  }
}

}  // namespace
}  // namespace semlink::receiver
