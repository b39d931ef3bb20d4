#include "common/transport/grpc_transport.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "common/transport/inproc_network.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/connected_peers.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

class GrpcTransportTest : public ConnectedPeersTest {};

TEST_F(GrpcTransportTest, NodesJoinAndReceiversReachTransmitters) {
  JoinAll();
  // Once more changes nothing.
  const std::string data_address = transmitter_->transport->data_address();
  EXPECT_TRUE(receiver_->transport->Connect(NodeId::Transmitter(0), data_address).ok());
  EXPECT_EQ(receiver_->Next(absl::Milliseconds(50)).kind, Kind::kTick);
  ASSERT_TRUE(SendUp(Request(1)).ok());
  EXPECT_TRUE(transmitter_->Next().message.has_request());
}

TEST_F(GrpcTransportTest, HelloNamesTheDataAddressOfATransmitter) {
  auto options = TestOptions(NodeId::Transmitter(2), address());
  options.advertise = "localhost:0";
  Peer transmitter(options);
  ASSERT_TRUE(transmitter.status.ok());
  const v1::Hello hello = coordinator_->Next(Kind::kMessage).message.hello();
  EXPECT_EQ(FromProto(hello.node()), NodeId::Transmitter(2));
  EXPECT_THAT(hello.data_address(), testing::MatchesRegex("localhost:[1-9][0-9]*"));
  EXPECT_EQ(hello.pid(), static_cast<uint32_t>(getpid()));
}

TEST_F(GrpcTransportTest, ManyMessagesArriveInOrder) {
  JoinAll();
  constexpr int kMessages = 5000;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(receiver_->transport->Send(NodeId::Transmitter(0), Request(i)).ok());
  }
  for (int i = 0; i < kMessages; ++i) {
    const Mailbox::Event event = transmitter_->Next();
    ASSERT_EQ(event.kind, Kind::kMessage);
    ASSERT_EQ(event.message.request().window(), static_cast<uint64_t>(i));
  }
}

TEST_F(GrpcTransportTest, LargeMessagesArriveWholeAlsoWhenTheSenderEndsAtOnce) {
  JoinAll();
  constexpr std::size_t kBytes = 20 << 20;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(transmitter_->transport->Send(NodeId::Receiver(1), Features(i, kBytes)).ok());
  }
  transmitter_->transport->Shutdown(absl::Seconds(20));
  for (int i = 0; i < 3; ++i) {
    const Mailbox::Event event = receiver_->Next();
    ASSERT_EQ(event.kind, Kind::kMessage);
    ASSERT_EQ(event.message.features().link(0).z().data().size(), kBytes);
  }
  const Mailbox::Event down = receiver_->Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status, ClosedByPeer());
}

TEST_F(GrpcTransportTest, BothEndsSeeAPeerEndInGoodOrder) {
  JoinAll();
  receiver_->transport->Shutdown(absl::Seconds(5));
  const Mailbox::Event at_transmitter = transmitter_->Next();
  EXPECT_EQ(at_transmitter.kind, Kind::kPeerDown);
  EXPECT_EQ(at_transmitter.peer, NodeId::Receiver(1));
  EXPECT_EQ(at_transmitter.status, ClosedByPeer());
  EXPECT_EQ(coordinator_->Next().kind, Kind::kPeerDown);
  EXPECT_EQ(transmitter_->transport->Send(NodeId::Receiver(1), Features(0, 1)).code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(GrpcTransportTest, ACoordinatorThatIsNotThereYetIsWaitedFor) {
  const std::string address = this->address();
  coordinator_->transport->Shutdown(absl::Seconds(1));
  Peer node(TestOptions(NodeId::Receiver(0), address));
  ASSERT_TRUE(node.status.ok());
  EXPECT_EQ(node.Next(absl::Milliseconds(200)).kind, Kind::kTick);
  auto options = TestOptions(NodeId::Coordinator());
  options.listen = address;
  Peer coordinator(options);
  ASSERT_TRUE(coordinator.status.ok()) << coordinator.status;
  EXPECT_EQ(node.Next().kind, Kind::kPeerUp);
  EXPECT_EQ(coordinator.Next().kind, Kind::kPeerUp);
}

TEST_F(GrpcTransportTest, WaitingEndsAtTheDeadlineAndNamesTheCause) {
  const std::string address = this->address();
  coordinator_->transport->Shutdown(absl::Seconds(1));
  auto options = TestOptions(NodeId::Receiver(0), address);
  options.wait = absl::Seconds(1);
  Peer node(options);
  const Mailbox::Event event = node.Next();
  EXPECT_EQ(event.kind, Kind::kPeerDown);
  EXPECT_EQ(event.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(event.status.message(), HasSubstr("coordinator at " + address));
  EXPECT_THAT(event.status.message(), HasSubstr("connection refused"));
}

TEST_F(GrpcTransportTest, AProgramThatIsNoCoordinatorIsNotTriedAgain) {
  transmitter_ = std::make_unique<Peer>(TestOptions(NodeId::Transmitter(0), address()));
  Peer node(TestOptions(NodeId::Receiver(0), transmitter_->transport->data_address()));
  const Mailbox::Event event = node.Next();
  EXPECT_EQ(event.kind, Kind::kPeerDown);
  EXPECT_THAT(event.status.message(), HasSubstr("not a semlink coordinator"));
}

TEST_F(GrpcTransportTest, ShutdownWhileWaitingIsPrompt) {
  const std::string address = this->address();
  coordinator_->transport->Shutdown(absl::Seconds(1));
  auto options = TestOptions(NodeId::Receiver(0), address);
  options.backoff.first = absl::Hours(1);
  options.backoff.longest = absl::Hours(1);
  auto node = std::make_unique<Peer>(options);
  EXPECT_EQ(node->Next(absl::Milliseconds(100)).kind, Kind::kTick);
  RealClock clock;
  const absl::Duration start = clock.Now();
  node = nullptr;
  EXPECT_LT(clock.Now() - start, absl::Seconds(3));
}

TEST_F(GrpcTransportTest, TrafficIsTheSameAtBothEndsAndInProcess) {
  JoinAll();
  Transport* rx = receiver_->transport.get();
  Transport* tx = transmitter_->transport.get();
  ASSERT_TRUE(rx->Send(NodeId::Transmitter(0), Request(1)).ok());
  ASSERT_TRUE(rx->Send(NodeId::Transmitter(0), Request(300)).ok());
  ASSERT_TRUE(transmitter_->Next().message.has_request());
  ASSERT_TRUE(transmitter_->Next().message.has_request());
  ASSERT_TRUE(tx->Send(NodeId::Receiver(1), Features(1, 1000)).ok());
  ASSERT_TRUE(receiver_->Next().message.has_features());

  const auto find = [](const std::vector<v1::Traffic>& all, const NodeId& peer,
                       const std::string& kind) {
    const auto it = std::find_if(all.begin(), all.end(), [&](const v1::Traffic& each) {
      return FromProto(each.peer()) == peer && each.kind() == kind;
    });
    return it == all.end() ? v1::Traffic() : *it;
  };
  for (const std::string kind : {"control", "request", "feature"}) {
    const v1::Traffic here = find(rx->TrafficSnapshot(), NodeId::Transmitter(0), kind);
    const v1::Traffic there = find(tx->TrafficSnapshot(), NodeId::Receiver(1), kind);
    EXPECT_GT(here.messages_sent() + here.messages_received(), 0u) << kind;
    EXPECT_EQ(here.messages_sent(), there.messages_received()) << kind;
    EXPECT_EQ(here.bytes_sent(), there.bytes_received()) << kind;
    EXPECT_EQ(here.messages_received(), there.messages_sent()) << kind;
    EXPECT_EQ(here.bytes_received(), there.bytes_sent()) << kind;
  }

  // The same messages in process.
  class Sender : public Node {
   public:
    absl::Status Handle(const NodeId&, const v1::Message& message) override {
      done_ = message.has_features();
      return absl::OkStatus();
    }
    absl::Status PeerUp(const NodeId& peer) override {
      transport->Send(peer, Request(1)).IgnoreError();
      return transport->Send(peer, Request(300));
    }
    bool done() const override { return done_; }
    Transport* transport = nullptr;
    bool done_ = false;
  } sender;
  class Answerer : public Node {
   public:
    absl::Status Handle(const NodeId& from, const v1::Message& message) override {
      if (message.has_hello()) return transport->Send(from, Welcome());
      if (message.request().window() != 300) return absl::OkStatus();
      done_ = true;
      return transport->Send(from, Features(1, 1000));
    }
    bool done() const override { return done_; }
    Transport* transport = nullptr;
    bool done_ = false;
  } answerer;
  InprocNetwork network;
  sender.transport = network.TransportFor(NodeId::Receiver(1));
  answerer.transport = network.TransportFor(NodeId::Transmitter(0));
  ASSERT_TRUE(network.Add(NodeId::Receiver(1), &sender).ok());
  ASSERT_TRUE(network.Add(NodeId::Transmitter(0), &answerer).ok());
  ASSERT_TRUE(sender.transport->Connect(NodeId::Transmitter(0), "").ok());
  ASSERT_TRUE(network.Run().ok());
  const auto inproc = answerer.transport->TrafficSnapshot();
  for (const std::string kind : {"request", "feature"}) {
    const v1::Traffic grpc = find(tx->TrafficSnapshot(), NodeId::Receiver(1), kind);
    const v1::Traffic same = find(inproc, NodeId::Receiver(1), kind);
    EXPECT_EQ(grpc.SerializeAsString(), same.SerializeAsString()) << kind;
  }
}

TEST_F(GrpcTransportTest, WireBytesAreALittleMoreThanMessageBytes) {
  JoinAll();
  const auto wire_to = [](const Peer& at, const NodeId& peer) {
    for (const v1::Wire& wire : at.transport->WireSnapshot()) {
      if (FromProto(wire.peer()) == peer) return wire;
    }
    ADD_FAILURE() << "no figures for " << peer.ToString();
    return v1::Wire();
  };
  constexpr uint64_t kBytes = 8 << 20;
  const v1::Message message = Features(0, kBytes);
  const uint64_t sent_before = wire_to(*transmitter_, NodeId::Receiver(1)).bytes_sent();
  const uint64_t received_before = wire_to(*receiver_, NodeId::Transmitter(0)).bytes_received();
  ASSERT_TRUE(transmitter_->transport->Send(NodeId::Receiver(1), message).ok());
  ASSERT_TRUE(receiver_->Next().message.has_features());
  const v1::Wire at_transmitter = wire_to(*transmitter_, NodeId::Receiver(1));
  const v1::Wire at_receiver = wire_to(*receiver_, NodeId::Transmitter(0));
  const uint64_t sent = at_transmitter.bytes_sent() - sent_before;
  const uint64_t received = at_receiver.bytes_received() - received_before;
  EXPECT_GT(sent, message.ByteSizeLong());
  EXPECT_LT(sent, message.ByteSizeLong() * 115 / 100);
  EXPECT_GT(received, message.ByteSizeLong());
  EXPECT_LT(received, message.ByteSizeLong() * 115 / 100);
  EXPECT_GT(at_receiver.round_trip_us(), 0);
  RecordProperty("wire_overhead_ppm",
                 static_cast<int>(1e6 * (double(sent) / message.ByteSizeLong() - 1)));
}

TEST_F(GrpcTransportTest, SendRefusesWhatCanNotBeSent) {
  auto options = TestOptions(NodeId::Transmitter(0), address());
  options.max_message_bytes = 1000;
  Peer transmitter(options);
  Transport* tx = transmitter.transport.get();
  EXPECT_EQ(tx->Send(NodeId::Receiver(0), Features(0, 1)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(tx->Send(NodeId::Receiver(0), Features(0, 1000)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(tx->Send(NodeId::Receiver(0), Request(0)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tx->Connect(NodeId::Receiver(0), "127.0.0.1:1").code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(GrpcTransportTest, RoundTripsAreFast) {
  JoinAll();
  std::thread echo([this] {
    while (true) {
      const Mailbox::Event event = transmitter_->Next(Kind::kMessage);
      if (!event.message.has_request() || event.message.request().window() == 0) return;
      transmitter_->transport->Send(NodeId::Receiver(1), Features(1, 2000)).IgnoreError();
    }
  });
  std::vector<double> us;
  for (int i = 0; i < 1000; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(receiver_->transport->Send(NodeId::Transmitter(0), Request(1)).ok());
    ASSERT_TRUE(receiver_->Next().message.has_features());
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                     .count());
  }
  ASSERT_TRUE(receiver_->transport->Send(NodeId::Transmitter(0), Request(0)).ok());
  echo.join();
  std::sort(us.begin(), us.end());
  RecordProperty("round_trip_p50_us", static_cast<int>(us[500]));
  RecordProperty("round_trip_p99_us", static_cast<int>(us[990]));
  std::printf("round trip of 2 KB: p50 %.0f us, p99 %.0f us\n", us[500], us[990]);
  // Far above what is expected (0.1 ms): tells polling or Nagle's algorithm from none.
  EXPECT_LT(us[500], 5000);
}

}  // namespace
}  // namespace semlink
