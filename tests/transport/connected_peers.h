// A coordinator, a transmitter and a receiver, connected to each other.
#ifndef SEMLINK_TESTS_TRANSPORT_CONNECTED_PEERS_H_
#define SEMLINK_TESTS_TRANSPORT_CONNECTED_PEERS_H_

#include <cstddef>
#include <memory>
#include <string>

#include "common/transport/protocol.h"
#include "gtest/gtest.h"
#include "tests/transport/peer.h"

namespace semlink {

inline v1::Message Welcome() {
  v1::Message message;
  message.mutable_welcome();
  return message;
}

inline v1::Message Request(uint64_t window) {
  v1::Message message;
  message.mutable_request()->set_window(window);
  return message;
}

inline v1::Message Features(uint64_t window, std::size_t bytes) {
  v1::Message message;
  message.mutable_features()->set_window(window);
  message.mutable_features()->add_link()->mutable_z()->mutable_data()->assign(bytes, 'z');
  return message;
}

inline v1::Message Report(uint64_t window) {
  v1::Message message;
  message.mutable_report()->set_window(window);
  return message;
}

class ConnectedPeersTest : public testing::Test {
 protected:
  using Kind = Mailbox::Event::Kind;
  static constexpr int kReceiver = 1;

  explicit ConnectedPeersTest(const StreamKeeper::Options& keeper = {}) : keeper_(keeper) {
    coordinator_ = std::make_unique<Peer>(OptionsOf(NodeId::Coordinator(), ""));
  }

  GrpcTransport::Options OptionsOf(const NodeId& id, const std::string& coordinator) const {
    GrpcTransport::Options options = TestOptions(id, coordinator);
    options.keeper = keeper_;
    return options;
  }

  std::unique_ptr<Peer> MakeNode(const NodeId& id) {
    return std::make_unique<Peer>(OptionsOf(id, address()));
  }

  // The coordinator welcomes `peer`, which has just been made or has come back.
  void Join(Peer* peer, const NodeId& id) {
    ASSERT_TRUE(peer->status.ok()) << peer->status;
    ASSERT_EQ(coordinator_->Next().kind, Kind::kPeerUp);
    const Mailbox::Event hello = coordinator_->Next();
    ASSERT_TRUE(hello.message.has_hello());
    ASSERT_EQ(hello.peer, id);
    ASSERT_EQ(peer->Next().kind, Kind::kPeerUp);
    ASSERT_TRUE(coordinator_->transport->Send(id, Welcome()).ok());
    ASSERT_TRUE(peer->Next().message.has_welcome());
  }

  // The transmitter welcomes the receiver.
  void Pair() {
    ASSERT_EQ(transmitter_->Next().kind, Kind::kPeerUp);
    ASSERT_TRUE(transmitter_->Next().message.has_hello());
    const Mailbox::Event up = receiver_->Next();
    ASSERT_EQ(up.kind, Kind::kPeerUp);
    ASSERT_EQ(up.peer, NodeId::Transmitter(0));
    ASSERT_TRUE(transmitter_->transport->Send(NodeId::Receiver(kReceiver), Welcome()).ok());
    ASSERT_TRUE(receiver_->Next().message.has_welcome());
  }

  void JoinAll(const std::string& data_address = "") {
    transmitter_ = MakeNode(NodeId::Transmitter(0));
    Join(transmitter_.get(), NodeId::Transmitter(0));
    receiver_ = MakeNode(NodeId::Receiver(kReceiver));
    Join(receiver_.get(), NodeId::Receiver(kReceiver));
    ASSERT_TRUE(receiver_->transport
                    ->Connect(NodeId::Transmitter(0), data_address.empty()
                                                          ? transmitter_->transport->data_address()
                                                          : data_address)
                    .ok());
    Pair();
  }

  absl::Status SendUp(const v1::Message& message) {
    return receiver_->transport->Send(NodeId::Transmitter(0), message);
  }
  absl::Status SendDown(const v1::Message& message) {
    return transmitter_->transport->Send(NodeId::Receiver(kReceiver), message);
  }

  std::string address() const { return coordinator_->transport->listen_address(); }

  const StreamKeeper::Options keeper_;
  std::unique_ptr<Peer> coordinator_;
  std::unique_ptr<Peer> transmitter_;
  std::unique_ptr<Peer> receiver_;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_CONNECTED_PEERS_H_
