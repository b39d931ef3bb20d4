#include "common/faults/injector.h"

#include <string>
#include <vector>

#include "common/transport/envelope.h"
#include "common/transport/protocol.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

const NodeId kTx = NodeId::Transmitter(0);
const NodeId kRx = NodeId::Receiver(1);

v1::Fault Fault(v1::Fault::Kind kind, const NodeId& from, const NodeId& to, uint64_t id = 1) {
  v1::Fault fault;
  fault.set_id(id);
  fault.set_kind(kind);
  *fault.add_from() = ToProto(from);
  *fault.add_to() = ToProto(to);
  fault.set_probability(1);
  fault.set_seed(77);
  return fault;
}

// Which of the next `n` messages are dropped, as "x" and ".".
std::string Drops(FaultInjector* injector, const NodeId& from, const NodeId& to, int n) {
  std::string drops;
  for (int i = 0; i < n; ++i) drops += injector->Decide(from, to).drop ? 'x' : '.';
  return drops;
}

TEST(FaultInjectorTest, WithoutFaultsNothingHappens) {
  FaultInjector injector(kRx);
  EXPECT_FALSE(injector.Concerns(kRx, kTx));
  EXPECT_FALSE(injector.IsCut(kRx, kTx));
  const FaultVerdict verdict = injector.Decide(kRx, kTx);
  EXPECT_FALSE(verdict.drop || verdict.duplicate || verdict.reorder || verdict.corrupt);
  EXPECT_EQ(verdict.delay, absl::ZeroDuration());
}

TEST(FaultInjectorTest, ANodeAppliesWhatItSendsAndLeavesTheCoordinatorsLinksToIt) {
  FaultInjector node(kRx);
  node.Set({Fault(v1::Fault::DROP, kRx, kTx), Fault(v1::Fault::DROP, kTx, kRx, 2),
            Fault(v1::Fault::DROP, kRx, NodeId::Coordinator(), 3)});
  EXPECT_TRUE(node.Decide(kRx, kTx).drop);
  EXPECT_FALSE(node.Decide(kTx, kRx).drop);
  EXPECT_FALSE(node.Decide(kRx, NodeId::Coordinator()).drop);
  FaultInjector coordinator(NodeId::Coordinator());
  coordinator.Set({Fault(v1::Fault::DROP, kRx, NodeId::Coordinator()),
                   Fault(v1::Fault::DROP, NodeId::Coordinator(), kTx, 2)});
  EXPECT_TRUE(coordinator.Decide(kRx, NodeId::Coordinator()).drop);
  EXPECT_TRUE(coordinator.Decide(NodeId::Coordinator(), kTx).drop);
  EXPECT_FALSE(coordinator.Decide(NodeId::Coordinator(), kRx).drop);
}

TEST(FaultInjectorTest, BothDirectionsAndSetsOfNodes) {
  v1::Fault fault = Fault(v1::Fault::CUT, kTx, kRx);
  *fault.add_to() = ToProto(NodeId::Receiver(2));
  FaultInjector receiver(kRx);
  receiver.Set({fault});
  EXPECT_FALSE(receiver.IsCut(kRx, kTx));
  EXPECT_TRUE(receiver.IsCut(kTx, kRx));  // what arrives counts for nothing
  fault.set_both_directions(true);
  receiver.Set({fault});
  EXPECT_TRUE(receiver.IsCut(kRx, kTx));
  FaultInjector transmitter(kTx);
  transmitter.Set({fault});
  EXPECT_TRUE(transmitter.IsCut(kTx, NodeId::Receiver(2)));
  EXPECT_FALSE(transmitter.IsCut(kTx, NodeId::Receiver(0)));
  transmitter.Set({});
  EXPECT_FALSE(transmitter.IsCut(kTx, kRx));
}

TEST(FaultInjectorTest, DecisionsRepeatThemselvesAndDependOnTheSeed) {
  v1::Fault fault = Fault(v1::Fault::DROP, kRx, kTx);
  fault.set_probability(0.5);
  FaultInjector first(kRx);
  first.Set({fault});
  const std::string drops = Drops(&first, kRx, kTx, 64);
  EXPECT_NE(drops.find('x'), std::string::npos);
  EXPECT_NE(drops.find('.'), std::string::npos);
  FaultInjector second(kRx);
  second.Set({fault});
  EXPECT_EQ(Drops(&second, kRx, kTx, 64), drops);
  fault.set_seed(78);
  FaultInjector other(kRx);
  other.Set({fault});
  EXPECT_NE(Drops(&other, kRx, kTx, 64), drops);
}

TEST(FaultInjectorTest, AFaultThatStaysGoesOnCounting) {
  v1::Fault fault = Fault(v1::Fault::DROP, kRx, kTx);
  fault.set_probability(0.5);
  FaultInjector straight(kRx);
  straight.Set({fault});
  const std::string drops = Drops(&straight, kRx, kTx, 64);
  FaultInjector joined(kRx);
  joined.Set({fault});
  const std::string before = Drops(&joined, kRx, kTx, 32);
  joined.Set({Fault(v1::Fault::DELAY, kRx, kTx, 9), fault});
  EXPECT_EQ(before + Drops(&joined, kRx, kTx, 32), drops);
  joined.Set({});
  joined.Set({fault});  // a new life
  EXPECT_EQ(Drops(&joined, kRx, kTx, 32), before);
}

TEST(FaultInjectorTest, FiguresAddUp) {
  v1::Fault slow = Fault(v1::Fault::DELAY, kRx, kTx, 1);
  slow.set_delay_seconds(0.5);
  slow.set_jitter_seconds(0.25);
  v1::Fault narrow = Fault(v1::Fault::THROTTLE, kRx, kTx, 2);
  narrow.set_bytes_per_second(1000);
  v1::Fault narrower = Fault(v1::Fault::THROTTLE, kRx, kTx, 3);
  narrower.set_bytes_per_second(100);
  FaultInjector injector(kRx);
  injector.Set({slow, narrow, narrower, Fault(v1::Fault::DUPLICATE, kRx, kTx, 4),
                Fault(v1::Fault::REORDER, kRx, kTx, 5), Fault(v1::Fault::CORRUPT, kRx, kTx, 6),
                Fault(v1::Fault::KILL, kRx, kTx, 7)});
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  for (int i = 0; i < 100; ++i) {
    const FaultVerdict verdict = injector.Decide(kRx, kTx);
    shortest = std::min(shortest, verdict.delay);
    longest = std::max(longest, verdict.delay);
    EXPECT_EQ(verdict.bytes_per_second, 100);
    EXPECT_TRUE(verdict.duplicate && verdict.reorder && verdict.corrupt);
    EXPECT_FALSE(verdict.drop);
  }
  EXPECT_GE(shortest, absl::Milliseconds(500));
  EXPECT_LT(shortest, absl::Milliseconds(550));
  EXPECT_GT(longest, absl::Milliseconds(700));
  EXPECT_LE(longest, absl::Milliseconds(750));
}

TEST(CorruptMessageTest, StillParsesButHasAnotherChecksum) {
  v1::Message message;
  message.set_sequence(3);
  message.mutable_features()->add_link()->mutable_z()->mutable_data()->assign(200, 'z');
  SealMessage(&message);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    v1::Message damaged = message;
    CorruptMessage(RandomStream(seed, Purpose::kFault), &damaged);
    EXPECT_NE(damaged.SerializeAsString(), message.SerializeAsString());
    v1::Message arrived;
    ASSERT_TRUE(arrived.ParseFromString(damaged.SerializeAsString()));
    EXPECT_NE(arrived.checksum(), Checksum(arrived));
  }
}

}  // namespace
}  // namespace semlink
