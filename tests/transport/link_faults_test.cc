// Message faults over gRPC: what both ends see of them.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/connected_peers.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

const NodeId kTx = NodeId::Transmitter(0);
const NodeId kRx = NodeId::Receiver(1);

v1::Fault Fault(v1::Fault::Kind kind, const NodeId& from = kRx, const NodeId& to = kTx) {
  v1::Fault fault;
  fault.set_id(1);
  fault.set_kind(kind);
  *fault.add_from() = ToProto(from);
  *fault.add_to() = ToProto(to);
  fault.set_probability(1);
  return fault;
}

class LinkFaultsTest : public ConnectedPeersTest {
 protected:
  LinkFaultsTest() : ConnectedPeersTest({absl::Milliseconds(400), absl::Milliseconds(1500)}) {}

  // The pair breaks at both ends: `here` found out and says `why`, `there` is told.
  void ExpectBroken(Peer* here, Peer* there, const std::string& why) {
    const Mailbox::Event found = here->Next();
    ASSERT_EQ(found.kind, Kind::kPeerDown);
    EXPECT_EQ(found.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(found.status.message()), HasSubstr(why));
    const Mailbox::Event told = there->Next();
    ASSERT_EQ(told.kind, Kind::kPeerDown);
    EXPECT_EQ(told.status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(told.status.message()), HasSubstr("broke the connection"));
    EXPECT_THAT(std::string(told.status.message()), HasSubstr(why));
  }
  void ExpectWorks() {
    ASSERT_TRUE(SendUp(Request(42)).ok());
    EXPECT_EQ(transmitter_->Next().message.request().window(), 42u);
  }

  RealClock clock_;
};

TEST_F(LinkFaultsTest, ALostLastMessageIsMissedByTheNextHeartbeat) {
  JoinAll();
  receiver_->transport->SetFaults({Fault(v1::Fault::DROP)});
  ASSERT_TRUE(SendUp(Request(1)).ok());
  ExpectBroken(transmitter_.get(), receiver_.get(), "message 2 is missing: the peer has sent 2");
  receiver_->transport->SetFaults({});
  Pair();  // by itself
  ExpectWorks();
}

TEST_F(LinkFaultsTest, ADamagedMessageBreaksTheConnection) {
  JoinAll();
  transmitter_->transport->SetFaults({Fault(v1::Fault::CORRUPT, kTx, kRx)});
  ASSERT_TRUE(SendDown(Features(1, 5000)).ok());
  ExpectBroken(receiver_.get(), transmitter_.get(), "message 2 came damaged");
  transmitter_->transport->SetFaults({});
  Pair();
  ExpectWorks();
}

TEST_F(LinkFaultsTest, SwappedMessagesBreakTheConnection) {
  JoinAll();
  receiver_->transport->SetFaults({Fault(v1::Fault::REORDER)});
  ASSERT_TRUE(SendUp(Request(1)).ok());
  ASSERT_TRUE(SendUp(Request(2)).ok());
  ExpectBroken(transmitter_.get(), receiver_.get(),
               "message 2 is missing: message 3 came (Request)");
}

TEST_F(LinkFaultsTest, ADoubledMessageIsTakenOnce) {
  JoinAll();
  receiver_->transport->SetFaults({Fault(v1::Fault::DUPLICATE)});
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(SendUp(Request(i)).ok());
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(transmitter_->Next().message.request().window(), i);
  }
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(100)).kind, Kind::kTick);
  EXPECT_EQ(transmitter_->transport->repeats(), 3u);
}

TEST_F(LinkFaultsTest, ADelayKeepsTheOrderAndTheConnection) {
  JoinAll();
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_delay_seconds(2);  // more than the silence that is allowed
  receiver_->transport->SetFaults({delay});
  const absl::Duration start = clock_.Now();
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(SendUp(Request(i)).ok());
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(transmitter_->Next().message.request().window(), i);
    EXPECT_GE(clock_.Now() - start, absl::Seconds(2));
  }
}

TEST_F(LinkFaultsTest, AThrottledMessageComesLateAndWhole) {
  JoinAll();
  v1::Fault throttle = Fault(v1::Fault::THROTTLE, kTx, kRx);
  throttle.set_bytes_per_second(500'000);
  transmitter_->transport->SetFaults({throttle});
  const absl::Duration start = clock_.Now();
  ASSERT_TRUE(SendDown(Features(1, 1'000'000)).ok());
  EXPECT_EQ(receiver_->Next().message.features().link(0).z().data().size(), 1'000'000u);
  EXPECT_GE(clock_.Now() - start, absl::Seconds(2));
}

TEST_F(LinkFaultsTest, ClearingLetsWhatIsHeldBackGo) {
  JoinAll();
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_delay_seconds(1000);
  receiver_->transport->SetFaults({delay});
  ASSERT_TRUE(SendUp(Request(1)).ok());
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(100)).kind, Kind::kTick);
  receiver_->transport->SetFaults({});
  EXPECT_EQ(transmitter_->Next().message.request().window(), 1u);
}

TEST_F(LinkFaultsTest, ACutLinkFallsSilentAndComesBack) {
  JoinAll();
  v1::Fault cut = Fault(v1::Fault::CUT);
  cut.set_both_directions(true);
  receiver_->transport->SetFaults({cut});
  transmitter_->transport->SetFaults({cut});
  for (Peer* each : {receiver_.get(), transmitter_.get()}) {
    const Mailbox::Event down = each->Next();
    ASSERT_EQ(down.kind, Kind::kPeerDown);
    EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(500)).kind, Kind::kTick);
  // The other links are as they were.
  ASSERT_TRUE(receiver_->transport->Send(NodeId::Coordinator(), Report(3)).ok());
  EXPECT_EQ(coordinator_->Next().message.report().window(), 3u);
  receiver_->transport->SetFaults({});
  transmitter_->transport->SetFaults({});
  Pair();
  ExpectWorks();
}

TEST_F(LinkFaultsTest, ACutInOneDirectionIsNoticedByWhoHearsNothing) {
  JoinAll();
  transmitter_->transport->SetFaults({Fault(v1::Fault::CUT, kTx, kRx)});
  const Mailbox::Event down = receiver_->Next();
  ASSERT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_THAT(std::string(down.status.message()),
              HasSubstr("nothing heard from transmitter1 for 1.5s"));
  EXPECT_EQ(transmitter_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(300)).kind, Kind::kTick);
  transmitter_->transport->SetFaults({});
  Pair();
}

TEST_F(LinkFaultsTest, TheCoordinatorCutsBothDirectionsOfItsLinks) {
  JoinAll();
  coordinator_->transport->SetFaults({Fault(v1::Fault::CUT, kRx, NodeId::Coordinator())});
  ASSERT_TRUE(receiver_->transport->Send(NodeId::Coordinator(), Report(1)).ok());
  const Mailbox::Event down = coordinator_->Next();
  ASSERT_EQ(down.kind, Kind::kPeerDown);  // and no report before it
  EXPECT_EQ(down.peer, kRx);
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(coordinator_->Next(absl::Milliseconds(300)).kind, Kind::kTick);
  coordinator_->transport->SetFaults({});
  Join(receiver_.get(), kRx);
}

TEST_F(LinkFaultsTest, TheCoordinatorLosesAndDelaysWhatArrives) {
  JoinAll();
  v1::Fault delay = Fault(v1::Fault::DELAY, kRx, NodeId::Coordinator());
  delay.set_delay_seconds(0.5);
  coordinator_->transport->SetFaults({delay});
  const absl::Duration start = clock_.Now();
  ASSERT_TRUE(receiver_->transport->Send(NodeId::Coordinator(), Report(1)).ok());
  EXPECT_EQ(coordinator_->Next().message.report().window(), 1u);
  EXPECT_GE(clock_.Now() - start, absl::Milliseconds(500));
  coordinator_->transport->SetFaults({Fault(v1::Fault::DROP, kRx, NodeId::Coordinator())});
  ASSERT_TRUE(receiver_->transport->Send(NodeId::Coordinator(), Report(2)).ok());
  ExpectBroken(coordinator_.get(), receiver_.get(), "message 3 is missing");
}

TEST_F(LinkFaultsTest, NodesObeyTheCoordinatorsFaultsWithoutSeeingThem) {
  JoinAll();
  v1::Message faults;
  *faults.mutable_set_faults()->add_fault() = Fault(v1::Fault::DUPLICATE);
  ASSERT_TRUE(coordinator_->transport->Send(kRx, faults).ok());
  ASSERT_TRUE(coordinator_->transport->Send(kRx, Welcome()).ok());
  ASSERT_TRUE(receiver_->Next().message.has_welcome());
  ExpectWorks();
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(50)).kind, Kind::kTick);
  EXPECT_EQ(transmitter_->transport->repeats(), 1u);
}

TEST_F(LinkFaultsTest, ShutdownDoesNotWaitForWhatIsHeldBack) {
  JoinAll();
  v1::Fault delay = Fault(v1::Fault::DELAY);
  delay.set_delay_seconds(1000);
  receiver_->transport->SetFaults({delay});
  ASSERT_TRUE(SendUp(Request(1)).ok());
  const absl::Duration start = clock_.Now();
  receiver_->transport->Shutdown(absl::Seconds(5));
  EXPECT_LT(clock_.Now() - start, absl::Seconds(4));
  EXPECT_EQ(transmitter_->Next().message.request().window(), 1u);
  EXPECT_EQ(transmitter_->Next().status, ClosedByPeer());
}

}  // namespace
}  // namespace semlink
