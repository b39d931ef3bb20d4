#include "common/transport/inproc_network.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes what happens to it into a log shared by all nodes; reactions are given by the test.
class FakeNode : public Node {
 public:
  FakeNode(NodeId id, std::vector<std::string>* log) : id_(id), log_(log) {}

  absl::Status Handle(const NodeId& from, const v1::Message& message) override {
    Log(from, MessageName(message));
    return on_message ? on_message(from, message) : absl::OkStatus();
  }
  absl::Status PeerUp(const NodeId& peer) override {
    Log(peer, "up");
    return on_up ? on_up(peer) : absl::OkStatus();
  }
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override {
    Log(peer, why == ClosedByPeer() ? "down" : "broken");
    return absl::OkStatus();
  }
  bool done() const override { return done_; }

  std::function<absl::Status(const NodeId&, const v1::Message&)> on_message;
  std::function<absl::Status(const NodeId&)> on_up;
  bool done_ = false;

 private:
  void Log(const NodeId& peer, const std::string& what) {
    log_->push_back(absl::StrCat(id_.ToString(), "<", peer.ToString(), ":", what));
  }
  NodeId id_;
  std::vector<std::string>* log_;
};

v1::Message Stop() {
  v1::Message message;
  message.mutable_stop();
  return message;
}

v1::Message Request(uint64_t window) {
  v1::Message message;
  message.mutable_request()->set_window(window);
  return message;
}

class InprocNetworkTest : public testing::Test {
 protected:
  FakeNode* Add(const NodeId& id) {
    nodes_.push_back(std::make_unique<FakeNode>(id, &log_));
    EXPECT_TRUE(network_.Add(id, nodes_.back().get()).ok());
    return nodes_.back().get();
  }

  std::vector<std::string> log_;
  InprocNetwork network_;
  std::vector<std::unique_ptr<FakeNode>> nodes_;
};

TEST_F(InprocNetworkTest, ConnectsInOrderOfIdAndDeliversFirstInFirstOut) {
  // Added in an order that must not matter.
  FakeNode* receiver = Add(NodeId::Receiver(0));
  FakeNode* transmitter = Add(NodeId::Transmitter(0));
  FakeNode* coordinator = Add(NodeId::Coordinator());
  Transport* rx = network_.TransportFor(NodeId::Receiver(0));
  Transport* tx = network_.TransportFor(NodeId::Transmitter(0));
  Transport* co = network_.TransportFor(NodeId::Coordinator());
  int hellos = 0;
  coordinator->on_message = [&](const NodeId& from, const v1::Message& message) {
    if (message.has_hello()) {
      EXPECT_EQ(FromProto(message.hello().node()), from);
      EXPECT_EQ(message.hello().protocol(), kProtocolVersion);
      if (++hellos < 2) return absl::OkStatus();
      v1::Message welcome;
      welcome.mutable_welcome();
      return co->Send(NodeId::Receiver(0), welcome);
    }
    for (const NodeId& id : {NodeId::Transmitter(0), NodeId::Receiver(0)}) {
      EXPECT_TRUE(co->Send(id, Stop()).ok());
    }
    coordinator->done_ = true;
    return absl::OkStatus();
  };
  transmitter->on_message = [&](const NodeId& from, const v1::Message& message) {
    if (message.has_stop()) transmitter->done_ = true;
    if (!message.has_request()) return absl::OkStatus();
    v1::Message claim;
    claim.mutable_claim();
    return tx->Send(NodeId::Coordinator(), claim);
  };
  receiver->on_message = [&](const NodeId& from, const v1::Message& message) {
    if (message.has_stop()) receiver->done_ = true;
    if (!message.has_welcome()) return absl::OkStatus();
    EXPECT_EQ(rx->Send(NodeId::Transmitter(0), Request(0)).code(), absl::StatusCode::kUnavailable);
    return rx->Connect(NodeId::Transmitter(0), "ignored");
  };
  receiver->on_up = [&](const NodeId& peer) {
    return peer.role == Role::kTransmitter ? rx->Send(peer, Request(7)) : absl::OkStatus();
  };

  ASSERT_TRUE(network_.Run().ok());
  EXPECT_THAT(log_, ElementsAre("coordinator<transmitter1:up", "coordinator<transmitter1:Hello",
                                "transmitter1<coordinator:up", "coordinator<receiver1:up",
                                "coordinator<receiver1:Hello", "receiver1<coordinator:up",
                                "receiver1<coordinator:Welcome", "transmitter1<receiver1:up",
                                "transmitter1<receiver1:Hello", "receiver1<transmitter1:up",
                                "transmitter1<receiver1:Request", "coordinator<transmitter1:Claim",
                                "transmitter1<coordinator:Stop", "receiver1<coordinator:Stop"));
}

TEST_F(InprocNetworkTest, CountsBothEndsAlike) {
  FakeNode* receiver = Add(NodeId::Receiver(0));
  FakeNode* transmitter = Add(NodeId::Transmitter(0));
  Transport* rx = network_.TransportFor(NodeId::Receiver(0));
  Transport* tx = network_.TransportFor(NodeId::Transmitter(0));
  const std::size_t bytes = Request(300).ByteSizeLong();
  receiver->on_up = [&](const NodeId& peer) {
    EXPECT_TRUE(rx->Send(peer, Request(300)).ok());
    EXPECT_TRUE(rx->Send(peer, Request(300)).ok());
    receiver->done_ = true;
    return absl::OkStatus();
  };
  transmitter->on_message = [&](const NodeId&, const v1::Message& message) {
    transmitter->done_ = message.has_request();
    return absl::OkStatus();
  };
  ASSERT_TRUE(rx->Connect(NodeId::Transmitter(0), "").ok());
  ASSERT_TRUE(network_.Run().ok());
  const auto sent = rx->TrafficSnapshot();
  const auto received = tx->TrafficSnapshot();
  ASSERT_EQ(sent.size(), 2u);  // control (Hello) and request
  EXPECT_EQ(sent[1].kind(), "request");
  EXPECT_EQ(sent[1].messages_sent(), 2u);
  EXPECT_EQ(sent[1].bytes_sent(), 2 * bytes);
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].bytes_received(), sent[0].bytes_sent());
  EXPECT_EQ(received[1].messages_received(),
            1u);  // done after the first: a node that is done gets nothing
}

TEST_F(InprocNetworkTest, StallNamesWhoWaits) {
  Add(NodeId::Coordinator())->done_ = true;
  Add(NodeId::Transmitter(1));
  Add(NodeId::Receiver(2))->done_ = true;
  const absl::Status status = network_.Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("stalled"));
  EXPECT_THAT(status.message(), HasSubstr("transmitter2"));
  EXPECT_THAT(status.message(), Not(HasSubstr("receiver3")));
}

TEST_F(InprocNetworkTest, AFailedNodeEndsTheRunWithItsName) {
  FakeNode* coordinator = Add(NodeId::Coordinator());
  Add(NodeId::Transmitter(0));
  coordinator->on_message = [](const NodeId&, const v1::Message&) {
    return absl::DataLossError("the ledger is full");
  };
  const absl::Status status = network_.Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "coordinator: the ledger is full");
}

TEST_F(InprocNetworkTest, PeersOfADoneNodeSeeItGo) {
  FakeNode* coordinator = Add(NodeId::Coordinator());
  FakeNode* transmitter = Add(NodeId::Transmitter(0));
  transmitter->on_up = [&](const NodeId&) {
    transmitter->done_ = true;
    return absl::OkStatus();
  };
  EXPECT_FALSE(network_.Run().ok());  // the coordinator waits for ever
  EXPECT_EQ(log_.back(), "coordinator<transmitter1:down");
  EXPECT_EQ(
      network_.TransportFor(NodeId::Coordinator())->Send(NodeId::Transmitter(0), Stop()).code(),
      absl::StatusCode::kUnavailable);
  EXPECT_FALSE(coordinator->done());
}

TEST_F(InprocNetworkTest, TheInterruptFlagStopsBetweenMessages) {
  FakeNode* coordinator = Add(NodeId::Coordinator());
  Add(NodeId::Transmitter(0));
  std::atomic<bool> interrupt = false;
  coordinator->on_up = [&](const NodeId&) {
    interrupt = true;
    return absl::OkStatus();
  };
  network_.set_interrupt(&interrupt);
  EXPECT_EQ(network_.Run().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(log_, ElementsAre("coordinator<transmitter1:up"));
}

TEST_F(InprocNetworkTest, RefusesWhatTheProtocolForbids) {
  Add(NodeId::Coordinator());
  Add(NodeId::Transmitter(0));
  Transport* tx = network_.TransportFor(NodeId::Transmitter(0));
  EXPECT_EQ(tx->Send(NodeId::Coordinator(), Request(1)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(tx->Connect(NodeId::Receiver(0), "").code(), absl::StatusCode::kInvalidArgument);
  Transport* rx = network_.TransportFor(NodeId::Receiver(0));
  EXPECT_EQ(rx->Connect(NodeId::Transmitter(5), "").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(rx->Connect(NodeId::Transmitter(0), "").ok());
  EXPECT_TRUE(rx->Connect(NodeId::Transmitter(0), "").ok());  // once more: nothing happens
  FakeNode again(NodeId::Transmitter(0), &log_);
  EXPECT_EQ(network_.Add(NodeId::Transmitter(0), &again).code(), absl::StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace semlink
