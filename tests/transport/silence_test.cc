// Which silence is a death, and which is a slow link or a busy node.
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/connected_peers.h"
#include "tests/transport/throttling_proxy.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kSilence = absl::Seconds(1);

class SilenceTest : public ConnectedPeersTest {
 protected:
  SilenceTest() : ConnectedPeersTest({absl::Milliseconds(200), kSilence}) {}

  // The receiver reaches the transmitter over a link of this rate.
  void JoinAllOver(std::size_t bytes_per_second) {
    transmitter_ = MakeNode(NodeId::Transmitter(0));
    Join(transmitter_.get(), NodeId::Transmitter(0));
    receiver_ = MakeNode(NodeId::Receiver(kReceiver));
    Join(receiver_.get(), NodeId::Receiver(kReceiver));
    proxy_ = std::make_unique<ThrottlingProxy>(transmitter_->transport->data_address(),
                                               bytes_per_second);
    ASSERT_TRUE(receiver_->transport->Connect(NodeId::Transmitter(0), proxy_->address()).ok());
    Pair();
  }

  std::unique_ptr<ThrottlingProxy> proxy_;  // outlived by the nodes' transports: they just lose it
  RealClock clock_;
};

TEST_F(SilenceTest, ALargeMessageOnASlowLinkIsNotSilence) {
  JoinAllOver(600'000);
  constexpr std::size_t kBytes = 2 << 20;
  const absl::Duration start = clock_.Now();
  ASSERT_TRUE(SendDown(Features(1, kBytes)).ok());
  const Mailbox::Event event = receiver_->Next(absl::Seconds(30));
  ASSERT_EQ(event.kind, Kind::kMessage) << event.status;
  EXPECT_EQ(event.message.features().link(0).z().data().size(), kBytes);
  EXPECT_GT(clock_.Now() - start, 3 * kSilence);
  EXPECT_EQ(transmitter_->Next(absl::Milliseconds(1)).kind, Kind::kTick);
  // The other way, too.
  v1::Message gradients;
  gradients.mutable_gradients()->add_link()->mutable_dz()->mutable_data()->assign(kBytes, 'g');
  ASSERT_TRUE(SendUp(gradients).ok());
  const Mailbox::Event back = transmitter_->Next(absl::Seconds(30));
  ASSERT_EQ(back.kind, Kind::kMessage) << back.status;
  EXPECT_EQ(back.message.gradients().link(0).dz().data().size(), kBytes);
}

TEST_F(SilenceTest, ANetworkFromWhichNothingComesIs) {
  JoinAllOver(10'000'000);
  proxy_->set_stalled(true);
  const absl::Duration start = clock_.Now();
  for (Peer* each : {receiver_.get(), transmitter_.get()}) {
    const Mailbox::Event down = each->Next();
    ASSERT_EQ(down.kind, Kind::kPeerDown);
    EXPECT_THAT(std::string(down.status.message()), HasSubstr("nothing heard from"));
  }
  EXPECT_GE(clock_.Now() - start, kSilence - absl::Milliseconds(250));
  EXPECT_LT(clock_.Now() - start, kSilence + absl::Seconds(2));
  proxy_->set_stalled(false);
  Pair();
}

TEST_F(SilenceTest, ALinkThatDiesUnderALargeMessageIsNoticed) {
  JoinAllOver(600'000);
  ASSERT_TRUE(SendDown(Features(1, 4 << 20)).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(1)).kind, Kind::kTick);
  proxy_->set_stalled(true);
  const absl::Duration start = clock_.Now();
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(transmitter_->Next().kind, Kind::kPeerDown);
  EXPECT_LT(clock_.Now() - start, kSilence + absl::Seconds(2));
}

TEST_F(SilenceTest, ANodeThatComputesIsNotDead) {
  JoinAll();
  // No node's thread does anything: the transports' heartbeats go on.
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(3 * kSilence));
  for (Peer* each : {coordinator_.get(), receiver_.get(), transmitter_.get()}) {
    EXPECT_EQ(each->Next(absl::Milliseconds(1)).kind, Kind::kTick);
  }
}

TEST_F(SilenceTest, HeartbeatsAreNotCounted) {
  JoinAll();
  const auto before = receiver_->transport->TrafficSnapshot();
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  const auto after = receiver_->transport->TrafficSnapshot();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].SerializeAsString(), before[i].SerializeAsString());
  }
}

TEST_F(SilenceTest, ThePatienceCanBeSetAtAnyTime) {
  JoinAllOver(10'000'000);
  for (Peer* each : {receiver_.get(), transmitter_.get()}) {
    each->transport->SetSilence(absl::Hours(1));
  }
  proxy_->set_stalled(true);
  EXPECT_EQ(receiver_->Next(2 * kSilence).kind, Kind::kTick);
  receiver_->transport->SetSilence(kSilence);
  EXPECT_EQ(receiver_->Next().kind, Kind::kPeerDown);
}

}  // namespace
}  // namespace semlink
