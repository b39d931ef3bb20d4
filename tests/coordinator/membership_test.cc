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
  void StartAll() {
    JoinAll();
    for (const NodeId& node : AllNodes(scenario_)) {
      membership_.MarkHeld(node, v1::Ready());
      membership_.MarkReady(node);
    }
    for (int k = 0; k < scenario_.K(); ++k) {
      for (int t = 0; t < scenario_.T(); ++t) membership_.SetPair(k, t, true);
    }
    membership_.Admit();
    ASSERT_TRUE(membership_.UpdateView());
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
  EXPECT_EQ(membership_.PairsAwaited().size(), 4u);
  EXPECT_FALSE(membership_.EnoughAble());
  for (const NodeId& node : AllNodes(scenario_)) {
    EXPECT_FALSE(membership_.MarkReady(node));
    EXPECT_TRUE(membership_.MarkHeld(node, v1::Ready()));
    EXPECT_FALSE(membership_.MarkHeld(node, v1::Ready()));
    EXPECT_TRUE(membership_.MarkRestoring(node, v1::CheckpointId()));
    EXPECT_TRUE(membership_.MarkReady(node));
    EXPECT_FALSE(membership_.MarkReady(node));
  }
  EXPECT_TRUE(membership_.EnoughAble());
  EXPECT_EQ(membership_.Admit().size(), 4u);
  EXPECT_TRUE(membership_.UpdateView());
  EXPECT_FALSE(membership_.UpdateView());
  v1::OpenWindow open;
  membership_.FillView(&open);
  EXPECT_EQ(open.view(), 1u);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
  EXPECT_THAT(open.receiver_up(), ElementsAre(true, true));
  EXPECT_EQ(open.cut_size(), 4);
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
  EXPECT_TRUE(membership_.MarkGone(r2));
  EXPECT_FALSE(membership_.MarkGone(r2));
  EXPECT_FALSE(membership_.Find(r2)->welcomed);
  EXPECT_THAT(membership_.In(MemberState::kAwaited), ElementsAre(r2));
  EXPECT_FALSE(Join(r2).has_value());
}

TEST_F(MembershipTest, ALostNodeMakesANewViewAndMayComeBack) {
  StartAll();
  EXPECT_TRUE(membership_.MarkGone(NodeId::Transmitter(1)));
  EXPECT_TRUE(membership_.UpdateView());
  EXPECT_EQ(membership_.view(), 2u);
  v1::OpenWindow open;
  membership_.FillView(&open);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, false));
  EXPECT_EQ(open.cut_size(), 0);
  EXPECT_THAT(membership_.In(MemberState::kLost), ElementsAre(NodeId::Transmitter(1)));
  EXPECT_FALSE(Join(NodeId::Transmitter(1)).has_value());
  EXPECT_TRUE(membership_.MarkHeld(NodeId::Transmitter(1), v1::Ready()));
  EXPECT_TRUE(membership_.MarkReady(NodeId::Transmitter(1)));
  EXPECT_TRUE(membership_.Find(NodeId::Transmitter(1))->live);
  EXPECT_FALSE(membership_.UpdateView());  // takes part from the next view on
  EXPECT_THAT(membership_.Admit(), ElementsAre(NodeId::Transmitter(1)));
  EXPECT_TRUE(membership_.UpdateView());
}

TEST_F(MembershipTest, CutPairsArePartOfTheView) {
  StartAll();
  EXPECT_FALSE(membership_.SetPair(1, 0, true));
  EXPECT_TRUE(membership_.SetPair(1, 0, false));
  EXPECT_FALSE(membership_.SetPair(2, 0, false));  // no such pair
  EXPECT_FALSE(membership_.SetPair(0, -1, false));
  EXPECT_TRUE(membership_.UpdateView());
  v1::OpenWindow open;
  membership_.FillView(&open);
  ASSERT_EQ(open.cut_size(), 1);
  EXPECT_EQ(open.cut(0).transmitter(), 1u);
  EXPECT_EQ(open.cut(0).receiver(), 0u);
  EXPECT_EQ(semlink::coordinator::Join(membership_.PairsAwaited()), "transmitter2-receiver1");
}

TEST_F(MembershipTest, ALostReceiversPairsAreCutUntilItSaysOtherwise) {
  StartAll();
  membership_.MarkGone(NodeId::Receiver(0));
  EXPECT_FALSE(membership_.PairOpen(0, 0));
  EXPECT_TRUE(membership_.PairOpen(0, 1));
}

TEST_F(MembershipTest, ALostTransmittersPairsAreCutUnlessItsProcessLives) {
  StartAll();
  const NodeId t1 = NodeId::Transmitter(0);
  v1::Hello hello = HelloFrom(t1).hello();
  hello.set_incarnation(5);
  membership_.MarkGone(t1);
  membership_.SetPair(0, 1, true);  // said since
  ASSERT_FALSE(membership_.Join(t1, hello, absl::ZeroDuration()).has_value());
  EXPECT_FALSE(membership_.PairOpen(0, 0));
  EXPECT_TRUE(membership_.PairOpen(0, 1));
  EXPECT_TRUE(membership_.IsReconnect(t1, hello));
  membership_.MarkGone(t1);
  EXPECT_FALSE(membership_.IsReconnect(t1, hello));
  ASSERT_FALSE(membership_.Join(t1, hello, absl::ZeroDuration()).has_value());
  EXPECT_TRUE(membership_.PairOpen(0, 1));
}

TEST_F(MembershipTest, AddressesAreInOrder) {
  JoinAll();
  EXPECT_THAT(membership_.TransmitterAddresses(), ElementsAre("host0:1", "host1:1"));
  EXPECT_EQ(semlink::coordinator::Join({NodeId::Transmitter(0), NodeId::Receiver(1)}),
            "transmitter1, receiver2");
}

}  // namespace
}  // namespace semlink::coordinator
