#include "common/transport/envelope.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

v1::Message Report(uint64_t sequence) {
  v1::Message message;
  message.set_attempt(1);
  message.set_sequence(sequence);
  message.mutable_report()->set_loss(-0.0);
  message.mutable_report()->set_cross_entropy(std::numeric_limits<double>::quiet_NaN());
  message.mutable_report()->add_transmitter_probability(0.5);
  SealMessage(&message);
  return message;
}

v1::Message Beat(uint64_t sent) {
  v1::Message message;
  message.mutable_heartbeat()->set_sent(sent);
  SealMessage(&message);
  return message;
}

// As it comes out of the wire.
v1::Message Sent(const v1::Message& message) {
  v1::Message arrived;
  EXPECT_TRUE(arrived.ParseFromString(message.SerializeAsString()));
  return arrived;
}

TEST(EnvelopeTest, WhatComesInOrderIsTakenAndUnwrapped) {
  IncomingOrder order;
  for (uint64_t i = 1; i <= 3; ++i) {
    v1::Message message = Sent(Report(i));
    const auto fresh = order.Check(&message);
    ASSERT_TRUE(fresh.ok()) << fresh.status();
    EXPECT_TRUE(*fresh);
    EXPECT_EQ(message.sequence(), 0u);
    EXPECT_EQ(message.checksum(), 0u);
    EXPECT_EQ(message.attempt(), 1u);
    EXPECT_EQ(order.last(), i);
  }
}

TEST(EnvelopeTest, ARepeatIsNotFresh) {
  IncomingOrder order;
  v1::Message message = Report(1);
  ASSERT_TRUE(*order.Check(&message));
  message = Report(1);
  EXPECT_FALSE(*order.Check(&message));
}

TEST(EnvelopeTest, AGapNamesWhatIsMissing) {
  IncomingOrder order;
  v1::Message message = Report(2);
  EXPECT_EQ(order.Check(&message).status().message(),
            "message 1 is missing: message 2 came (Report)");
  message = Report(4);
  EXPECT_EQ(order.Check(&message).status().message(),
            "messages 1 to 3 are missing: message 4 came (Report)");
}

TEST(EnvelopeTest, AHeartbeatTellsOfALoss) {
  IncomingOrder order;
  v1::Message beat = Beat(0);
  EXPECT_TRUE(*order.Check(&beat));
  v1::Message message = Report(1);
  ASSERT_TRUE(*order.Check(&message));
  beat = Beat(1);
  EXPECT_TRUE(*order.Check(&beat));
  beat = Beat(2);
  const absl::Status lost = order.Check(&beat).status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(lost.message(), "message 2 is missing: the peer has sent 2");
}

TEST(EnvelopeTest, EveryChangedBitIsFound) {
  const std::string bytes = Report(1).SerializeAsString();
  int found = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      v1::Message message;
      if (!message.ParseFromString(damaged)) continue;  // gRPC breaks the stream
      IncomingOrder order;
      const absl::Status status = order.Check(&message).status();
      EXPECT_THAT(std::string(status.message()), HasSubstr("came damaged")) << at << " " << bit;
      ++found;
    }
  }
  EXPECT_GT(found, 100);
}

TEST(EnvelopeTest, AMessageWithoutAChecksumIsDamaged) {
  v1::Message message = Report(1);
  message.clear_checksum();
  IncomingOrder order;
  EXPECT_THAT(std::string(order.Check(&message).status().message()),
              HasSubstr("Report with a wrong checksum"));
}

}  // namespace
}  // namespace semlink
