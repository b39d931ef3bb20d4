#include "coordinator/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;

class MembershipTest : public ::testing::Test {
 protected:
  std::optional<HelloRefusal> Join(const NodeId& node) {
    return membership_.Join(node, HelloFrom(node).hello(), absl::ZeroDuration());
  }
  void JoinAll() {
    for (const NodeId& node : AllNodes(scenario_)) EXPECT_FALSE(Join(node).has_value());
  }
  v1::Refusal::Reason ReasonFor(const NodeId& from, const v1::Hello& hello) {
    const auto refusal = membership_.Join(from, hello, absl::ZeroDuration());
    return refusal.has_value() ? refusal->reason : v1::Refusal::REASON_UNSPECIFIED;
  }

  Scenario scenario_ = SmallScenario();
  Membership membership_{scenario_};
};

TEST_F(MembershipTest, FromAwaitedToUp) {
  JoinAll();
  EXPECT_TRUE(membership_.AllTransmittersIn());
  EXPECT_EQ(membership_.view(), 0u);
  for (const NodeId& node : AllNodes(scenario_)) {
    EXPECT_FALSE(membership_.Start());
    EXPECT_TRUE(membership_.MarkReady(node));
    EXPECT_FALSE(membership_.MarkReady(node));
  }
  EXPECT_TRUE(membership_.Start());
  EXPECT_EQ(membership_.view(), 1u);
  v1::OpenWindow open;
  membership_.FillView(&open);
  EXPECT_EQ(open.view(), 1u);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
  EXPECT_THAT(open.receiver_up(), ElementsAre(true, true));
}

TEST_F(MembershipTest, RefusesForAReason) {
  const NodeId t1 = NodeId::Transmitter(0);
  v1::Hello hello = HelloFrom(t1).hello();
  hello.set_protocol(kProtocolVersion + 1);
  EXPECT_EQ(ReasonFor(t1, hello), v1::Refusal::PROTOCOL_VERSION);
  EXPECT_EQ(ReasonFor(NodeId::Transmitter(5), HelloFrom(NodeId::Transmitter(5)).hello()),
            v1::Refusal::UNKNOWN_NODE);
  EXPECT_EQ(ReasonFor(NodeId::Receiver(0), HelloFrom(t1).hello()), v1::Refusal::WRONG_ROLE);
  EXPECT_EQ(ReasonFor({Role::kOperator, 0}, HelloFrom(t1).hello()), v1::Refusal::WRONG_ROLE);
  hello = HelloFrom(t1).hello();
  hello.clear_data_address();
  EXPECT_EQ(ReasonFor(t1, hello), v1::Refusal::BAD_MESSAGE);
  EXPECT_EQ(membership_.In(MemberState::kJoining).size(), 0u);
  EXPECT_FALSE(Join(t1).has_value());
  EXPECT_EQ(ReasonFor(t1, HelloFrom(t1).hello()), v1::Refusal::DUPLICATE_NODE);
}

TEST_F(MembershipTest, ANodeThatLeavesBeforeTheStartMayComeAgain) {
  JoinAll();
  const NodeId r2 = NodeId::Receiver(1);
  membership_.Find(r2)->welcomed = true;
  EXPECT_TRUE(membership_.ReceiverWelcomed());
  EXPECT_TRUE(membership_.MarkGone(r2));
  EXPECT_FALSE(membership_.MarkGone(r2));
  EXPECT_FALSE(membership_.ReceiverWelcomed());
  EXPECT_THAT(membership_.In(MemberState::kAwaited), ElementsAre(r2));
  EXPECT_FALSE(Join(r2).has_value());
}

TEST_F(MembershipTest, ALostNodeStaysLostAndMakesANewView) {
  JoinAll();
  for (const NodeId& node : AllNodes(scenario_)) membership_.MarkReady(node);
  ASSERT_TRUE(membership_.Start());
  EXPECT_TRUE(membership_.MarkGone(NodeId::Transmitter(1)));
  EXPECT_EQ(membership_.view(), 2u);
  v1::OpenWindow open;
  membership_.FillView(&open);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, false));
  EXPECT_TRUE(Join(NodeId::Transmitter(1)).has_value());
}

TEST_F(MembershipTest, AddressesAreInOrder) {
  JoinAll();
  EXPECT_THAT(membership_.TransmitterAddresses(), ElementsAre("host0:1", "host1:1"));
  EXPECT_EQ(semlink::coordinator::Join({NodeId::Transmitter(0), NodeId::Receiver(1)}),
            "transmitter1, receiver2");
}

}  // namespace
}  // namespace semlink::coordinator
