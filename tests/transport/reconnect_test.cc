// Connections that break and come back by themselves.
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/connected_peers.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

class ReconnectTest : public ConnectedPeersTest {
 protected:
  // The coordinator goes and another one takes its address.
  void RestartCoordinator() {
    auto options = OptionsOf(NodeId::Coordinator(), "");
    options.listen = address();
    coordinator_ = nullptr;
    coordinator_ = std::make_unique<Peer>(options);
    ASSERT_TRUE(coordinator_->status.ok()) << coordinator_->status;
  }
};

TEST_F(ReconnectTest, ANodeFindsARestartedCoordinatorAndKeepsItsPairs) {
  JoinAll();
  RestartCoordinator();
  for (Peer* each : {receiver_.get(), transmitter_.get()}) {
    const Mailbox::Event down = each->Next();
    EXPECT_EQ(down.kind, Kind::kPeerDown);
    EXPECT_EQ(down.peer, NodeId::Coordinator());
    const Mailbox::Event up = each->Next();
    EXPECT_EQ(up.kind, Kind::kPeerUp);
    EXPECT_EQ(up.peer, NodeId::Coordinator());
  }
  ASSERT_TRUE(SendUp(Request(1)).ok());
  EXPECT_TRUE(transmitter_->Next().message.has_request());
}

TEST_F(ReconnectTest, ThereIsOnePeerDownHoweverManyTriesFail) {
  JoinAll();
  const std::string address = this->address();
  coordinator_ = nullptr;
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(500)).kind, Kind::kTick);
  auto options = OptionsOf(NodeId::Coordinator(), "");
  options.listen = address;
  coordinator_ = std::make_unique<Peer>(options);
  ASSERT_TRUE(coordinator_->status.ok()) << coordinator_->status;
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerUp);
}

TEST_F(ReconnectTest, TheWaitLimitsTheFirstConnectionOnly) {
  auto options = OptionsOf(NodeId::Receiver(0), address());
  options.wait = absl::Milliseconds(500);
  Peer node(options);
  Join(&node, NodeId::Receiver(0));
  auto again = OptionsOf(NodeId::Coordinator(), "");
  again.listen = address();
  coordinator_ = nullptr;
  EXPECT_EQ(node.Next().kind, Kind::kPeerDown);
  EXPECT_EQ(node.Next(absl::Seconds(1)).kind, Kind::kTick);
  coordinator_ = std::make_unique<Peer>(again);
  EXPECT_EQ(node.Next().kind, Kind::kPeerUp);
}

TEST_F(ReconnectTest, AReceiverFindsARestartedTransmitter) {
  JoinAll();
  auto options = OptionsOf(NodeId::Transmitter(0), address());
  options.listen = transmitter_->transport->data_address();
  transmitter_ = nullptr;
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  transmitter_ = std::make_unique<Peer>(options);
  ASSERT_TRUE(transmitter_->status.ok()) << transmitter_->status;
  const Mailbox::Event up = receiver_->Next();
  EXPECT_EQ(up.kind, Kind::kPeerUp);
  EXPECT_EQ(up.peer, NodeId::Transmitter(0));
}

TEST_F(ReconnectTest, AndOneThatCameBackElsewhere) {
  JoinAll();
  transmitter_ = nullptr;
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(coordinator_->Next().kind, Kind::kPeerDown);
  transmitter_ = MakeNode(NodeId::Transmitter(0));
  Join(transmitter_.get(), NodeId::Transmitter(0));
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(200)).kind, Kind::kTick);
  ASSERT_TRUE(
      receiver_->transport->Connect(NodeId::Transmitter(0), transmitter_->transport->data_address())
          .ok());
  Pair();
}

TEST_F(ReconnectTest, ANewAddressEndsALiveConnectionToTheOldOne) {
  JoinAll();
  auto options = OptionsOf(NodeId::Transmitter(0), address());
  options.wait = absl::Milliseconds(1);  // the coordinator has one already
  Peer other(options);
  ASSERT_TRUE(
      receiver_->transport->Connect(NodeId::Transmitter(0), other.transport->data_address()).ok());
  const Mailbox::Event down = receiver_->Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_THAT(std::string(down.status.message()), HasSubstr("transmitter1 is at 127.0.0.1:"));
  EXPECT_EQ(transmitter_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerUp);
  EXPECT_TRUE(other.Next(Kind::kMessage).message.has_hello());
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(300)).kind, Kind::kTick);
}

TEST_F(ReconnectTest, AStaleAddressOfAnotherTransmitterIsNotMistakenForIt) {
  transmitter_ = MakeNode(NodeId::Transmitter(1));
  receiver_ = MakeNode(NodeId::Receiver(kReceiver));
  ASSERT_EQ(transmitter_->Next().kind, Kind::kPeerUp);
  ASSERT_EQ(receiver_->Next().kind, Kind::kPeerUp);
  ASSERT_TRUE(
      receiver_->transport->Connect(NodeId::Transmitter(0), transmitter_->transport->data_address())
          .ok());
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(300)).kind, Kind::kTick);
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(1)).kind, Kind::kTick);
}

TEST_F(ReconnectTest, WhoTakesALiveNodesNameWaitsUntilItIsFree) {
  auto first = MakeNode(NodeId::Receiver(0));
  Join(first.get(), NodeId::Receiver(0));
  auto second = MakeNode(NodeId::Receiver(0));
  EXPECT_EQ(second->Next(absl::Milliseconds(500)).kind, Kind::kTick);  // refused, not ended
  EXPECT_GT(coordinator_->transport->refusals(), 0u);
  EXPECT_EQ(coordinator_->Next(absl::Milliseconds(1)).kind, Kind::kTick);
  first = nullptr;
  EXPECT_EQ(coordinator_->Next().kind, Kind::kPeerDown);
  Join(second.get(), NodeId::Receiver(0));
}

TEST_F(ReconnectTest, ShutdownEndsTheTries) {
  JoinAll();
  coordinator_ = nullptr;
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  RealClock clock;
  const absl::Duration start = clock.Now();
  receiver_->transport->Shutdown(absl::Seconds(5));
  transmitter_->transport->Shutdown(absl::Seconds(5));
  EXPECT_LT(clock.Now() - start, absl::Seconds(4));
}

}  // namespace
}  // namespace semlink
