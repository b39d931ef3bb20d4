#include "common/faults/fault_line.h"

#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

const NodeId kTx = NodeId::Transmitter(0);
const NodeId kRx = NodeId::Receiver(1);

v1::Fault Fault(v1::Fault::Kind kind) {
  v1::Fault fault;
  fault.set_id(1);
  fault.set_kind(kind);
  *fault.add_from() = ToProto(kRx);
  *fault.add_to() = ToProto(kTx);
  fault.set_probability(1);
  return fault;
}

v1::Message Numbered(uint64_t sequence, std::size_t bytes = 0) {
  v1::Message message;
  message.set_sequence(sequence);
  message.mutable_features()->add_link()->mutable_z()->mutable_data()->assign(bytes, 'z');
  return message;
}

class FaultLineTest : public testing::Test {
 protected:
  FaultLineTest() { line_.SetLink(kRx, kTx); }

  void Push(uint64_t sequence, double now, std::size_t bytes = 0) {
    line_.Push(Numbered(sequence, bytes), absl::Seconds(now), &out_);
  }
  // What has left: "1 2 -3" where 3 is lost.
  std::string Left() {
    std::string left;
    for (const InTransit& each : out_) {
      absl::StrAppend(&left, left.empty() ? "" : " ", each.lost ? "-" : "",
                      each.message.sequence());
    }
    out_.clear();
    return left;
  }
  std::string LeftAt(double now) {
    line_.Release(absl::Seconds(now), &out_);
    return Left();
  }

  FaultInjector injector_{kRx};
  FaultLine line_{&injector_};
  std::deque<InTransit> out_;
};

TEST_F(FaultLineTest, WithoutFaultsMessagesGoStraightThrough) {
  Push(1, 0);
  Push(2, 0);
  EXPECT_EQ(Left(), "1 2");
  EXPECT_EQ(line_.next(), absl::InfiniteDuration());
  FaultLine none(nullptr);
  none.SetLink(kRx, kTx);
  none.Push(Numbered(1), absl::ZeroDuration(), &out_);
  EXPECT_EQ(Left(), "1");
}

TEST_F(FaultLineTest, ALostMessageKeepsItsPlace) {
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_id(2);
  delay.set_delay_seconds(1);
  injector_.Set({delay});
  Push(1, 0);
  injector_.Set({delay, Fault(v1::Fault::DROP)});
  Push(2, 0);
  EXPECT_EQ(LeftAt(0.9), "");
  EXPECT_EQ(LeftAt(1), "1 -2");
}

TEST_F(FaultLineTest, DelaysKeepTheOrder) {
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_delay_seconds(0.1);
  delay.set_jitter_seconds(1);
  injector_.Set({delay});
  std::string expected;
  for (int i = 1; i <= 20; ++i) {
    Push(i, 0.01 * i);
    absl::StrAppend(&expected, i == 1 ? "" : " ", i);
  }
  EXPECT_EQ(LeftAt(0.05), "");
  EXPECT_GE(line_.next(), absl::Milliseconds(110));
  EXPECT_EQ(LeftAt(2), expected);
}

TEST_F(FaultLineTest, AThrottleLetsOneMessageAfterTheOtherThrough) {
  v1::Fault throttle = Fault(v1::Fault::THROTTLE);
  throttle.set_bytes_per_second(1000);
  injector_.Set({throttle});
  Push(1, 0, 1000);  // and some bytes around it
  Push(2, 0, 500);
  EXPECT_EQ(LeftAt(0.9), "");
  EXPECT_EQ(LeftAt(1.1), "1");
  EXPECT_EQ(LeftAt(1.4), "");
  EXPECT_EQ(LeftAt(1.7), "2");
  Push(3, 10, 100);  // the link has been free meanwhile
  EXPECT_EQ(LeftAt(10.05), "");
  EXPECT_EQ(LeftAt(10.2), "3");
}

TEST_F(FaultLineTest, ADoubledMessageHasTheSameSequence) {
  injector_.Set({Fault(v1::Fault::DUPLICATE)});
  Push(1, 0);
  Push(2, 0);
  EXPECT_EQ(Left(), "1 1 2 2");
}

TEST_F(FaultLineTest, AMessageIsSwappedWithItsSuccessor) {
  injector_.Set({Fault(v1::Fault::REORDER)});
  Push(1, 0);
  EXPECT_EQ(Left(), "");
  Push(2, 0.1);
  EXPECT_EQ(Left(), "2 1");
}

TEST_F(FaultLineTest, WithoutASuccessorItGoesAnyway) {
  injector_.Set({Fault(v1::Fault::REORDER)});
  Push(1, 1);
  EXPECT_EQ(line_.next(), absl::Milliseconds(1200));
  EXPECT_EQ(LeftAt(1.19), "");
  EXPECT_EQ(LeftAt(1.2), "1");
  EXPECT_EQ(line_.next(), absl::InfiniteDuration());
}

TEST_F(FaultLineTest, DamageIsLeftToWhoSeals) {
  injector_.Set({Fault(v1::Fault::CORRUPT)});
  Push(1, 0);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_TRUE(out_.front().corrupt.has_value());
}

TEST_F(FaultLineTest, TheEndOfTheFaultsLetsEverythingGo) {
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_delay_seconds(100);
  injector_.Set({delay});
  Push(1, 0);
  Push(2, 0);
  EXPECT_EQ(LeftAt(1), "");
  injector_.Set({});
  EXPECT_EQ(LeftAt(1), "1 2");
  injector_.Set({delay});
  Push(3, 1);
  injector_.Set({});
  Push(4, 1);
  EXPECT_EQ(Left(), "3 4");
}

TEST_F(FaultLineTest, FlushAndClear) {
  injector_.Set({Fault(v1::Fault::REORDER)});
  Push(1, 0);
  line_.Flush(&out_);
  EXPECT_EQ(Left(), "1");
  Push(2, 0);
  line_.Clear();
  EXPECT_EQ(line_.next(), absl::InfiniteDuration());
  EXPECT_EQ(LeftAt(9), "");
}

TEST_F(FaultLineTest, OnACutLineEverythingIsLost) {
  injector_.Set({Fault(v1::Fault::CUT)});
  EXPECT_TRUE(line_.IsCut());
  Push(1, 0);
  EXPECT_EQ(Left(), "-1");
}

}  // namespace
}  // namespace semlink
