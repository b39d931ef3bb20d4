// Who gets in over TLS, as what, and what the others are told.
#include "common/transport/peer_check.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <string>

#include "common/transport/protocol.h"
#include "common/transport/raw_call.h"
#include "tests/transport/peer.h"
#include "tests/transport/tls_peers.h"

namespace semlink {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Kind = Mailbox::Event::Kind;

class PeerCheckTest : public testing::Test {
 protected:
  PeerCheckTest() : coordinator_(Options(NodeId::Coordinator(), server_)) {}

  GrpcTransport::Options Options(const NodeId& self, const SecurityOptions& security,
                                 const std::string& coordinator = "") {
    GrpcTransport::Options options = TestOptions(self, coordinator);
    options.security = security;
    return options;
  }
  std::string address() const { return coordinator_.transport->listen_address(); }
  uint64_t Count(IdentityRefusal reason) const {
    return server_.check->refusals()[static_cast<std::size_t>(reason)];
  }

  // `self` with this identity is refused for good, told `why`, counted once as `reason`, and the
  // coordinator's node hears nothing of it.
  void ExpectRefused(const NodeId& self, const security::Identity& identity, IdentityRefusal reason,
                     const testing::Matcher<std::string>& why) {
    const auto before = server_.check->refusals();
    Peer node(Options(self, Tls(identity), address()));
    ASSERT_TRUE(node.status.ok()) << node.status;
    const Mailbox::Event down = node.Next();
    ASSERT_EQ(down.kind, Kind::kPeerDown);
    EXPECT_EQ(down.status.code(), absl::StatusCode::kPermissionDenied) << down.status;
    EXPECT_THAT(std::string(down.status.message()), AllOf(HasSubstr("coordinator refused"), why));
    auto expected = before;
    ++expected[static_cast<std::size_t>(reason)];
    EXPECT_EQ(server_.check->refusals(), expected);
    EXPECT_EQ(coordinator_.Next(absl::Milliseconds(20)).kind, Kind::kTick);
  }

  // Status of a call to the server's health service with these credentials.
  grpc::Status AskHealth(const security::Identity& identity) {
    grpc::ChannelArguments arguments;
    const auto credentials = *MakeChannelCredentials(
        *ParseAddress(address()), NodeId::Coordinator(), Tls(identity), &arguments);
    return CallWithEmptyRequest(grpc::CreateCustomChannel(address(), credentials, arguments),
                                kHealthCheck, absl::Seconds(10));
  }

  TestAuthority ca_;
  TestAuthority other_ca_;
  SecurityOptions server_ = Tls(ca_.Identity(NodeId::Coordinator()));
  Peer coordinator_;
};

TEST_F(PeerCheckTest, ANodeGetsInAsWhatItsCertificateNames) {
  Peer node(Options(NodeId::Receiver(1), Tls(ca_.Identity(NodeId::Receiver(1))), address()));
  EXPECT_EQ(node.Next().kind, Kind::kPeerUp);
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
  const Mailbox::Event hello = coordinator_.Next();
  EXPECT_TRUE(hello.message.has_hello());
  EXPECT_EQ(hello.peer, NodeId::Receiver(1));
  EXPECT_EQ(server_.check->refusals(), (std::array<uint64_t, kIdentityRefusals>{}));
}

TEST_F(PeerCheckTest, WithoutACertificate) {
  ExpectRefused(NodeId::Receiver(0), ca_.Anonymous(), IdentityRefusal::kNoCertificate,
                HasSubstr("no certificate was shown"));
}

TEST_F(PeerCheckTest, WithOneOfAnotherCa) {
  security::Identity identity = other_ca_.Identity(NodeId::Receiver(0));
  identity.ca_pem = ca_.Anonymous().ca_pem;  // else it would not believe the coordinator
  ExpectRefused(NodeId::Receiver(0), identity, IdentityRefusal::kInvalidCertificate,
                AllOf(HasSubstr("'receiver1'"), HasSubstr("not issued by this run's CA")));
}

TEST_F(PeerCheckTest, WithOneThatHasExpired) {
  ExpectRefused(NodeId::Receiver(0), ca_.Identity(NodeId::Receiver(0), absl::Hours(48)),
                IdentityRefusal::kInvalidCertificate, HasSubstr("has expired on"));
}

TEST_F(PeerCheckTest, WithOneForAnotherRoleOrNumber) {
  ExpectRefused(NodeId::Transmitter(0), ca_.Identity(NodeId::Receiver(0)),
                IdentityRefusal::kOtherNode,
                HasSubstr("of receiver1 does not allow its holder to be transmitter1"));
  ExpectRefused(NodeId::Receiver(1), ca_.Identity(NodeId::Receiver(0)), IdentityRefusal::kOtherNode,
                HasSubstr("receiver2"));
  ExpectRefused(NodeId::Receiver(1), ca_.Identity({Role::kOperator, 0}),
                IdentityRefusal::kOtherNode, HasSubstr("of operator"));
  EXPECT_EQ(server_.check->refusals_by_node()[NodeId::Receiver(0)], 2u);
  EXPECT_EQ(coordinator_.transport->refusals(), 3u);
}

TEST_F(PeerCheckTest, ATransmitterChecksItsReceivers) {
  const SecurityOptions security = Tls(ca_.Identity(NodeId::Transmitter(0)));
  Peer transmitter(Options(NodeId::Transmitter(0), security, address()));
  ASSERT_EQ(transmitter.Next().kind, Kind::kPeerUp);
  Peer liar(Options(NodeId::Receiver(1), Tls(ca_.Identity(NodeId::Receiver(0))), address()));
  ASSERT_EQ(liar.Next().kind, Kind::kPeerDown);  // the coordinator
  ASSERT_TRUE(
      liar.transport->Connect(NodeId::Transmitter(0), transmitter.transport->data_address()).ok());
  const Mailbox::Event down = liar.Next();
  ASSERT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_THAT(std::string(down.status.message()),
              AllOf(HasSubstr("transmitter1 refused"), HasSubstr("certificate of receiver1")));
  EXPECT_EQ(security.check->refusals()[static_cast<int>(IdentityRefusal::kOtherNode)], 1u);
  EXPECT_EQ(transmitter.transport->refusals(), 1u);
}

TEST_F(PeerCheckTest, AServerMustProveToBeWhoWasDialled) {
  const auto dial = [this](const security::Identity& self, const SecurityOptions& server) {
    Peer impostor(Options(NodeId::Coordinator(), server));
    Peer node(Options(NodeId::Receiver(0), Tls(self), impostor.transport->listen_address()));
    const Mailbox::Event down = node.Next();
    EXPECT_EQ(down.status.code(), absl::StatusCode::kUnauthenticated) << down.status;
    return std::string(down.status.message());
  };
  const security::Identity self = ca_.Identity(NodeId::Receiver(0));
  EXPECT_THAT(dial(self, Tls(ca_.Identity(NodeId::Transmitter(0)))),
              HasSubstr("its certificate names another node"));
  EXPECT_THAT(dial(self, Tls(other_ca_.Identity(NodeId::Coordinator()))),
              HasSubstr("not issued by our CA"));
  EXPECT_THAT(dial(self, Tls(ca_.Identity(NodeId::Coordinator(), absl::Hours(48)))),
              HasSubstr("has expired"));
  EXPECT_THAT(dial(self, {}), HasSubstr("does not speak TLS"));
}

TEST_F(PeerCheckTest, ListeningNeedsACertificate) {
  const Peer server(Options(NodeId::Coordinator(), Tls(ca_.Anonymous())));
  EXPECT_EQ(server.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status.message()), HasSubstr("--tls-cert"));
}

TEST_F(PeerCheckTest, HealthIsForEveryValidCertificateAndNobodyElse) {
  EXPECT_TRUE(AskHealth(ca_.Identity(NodeId::Receiver(0))).ok());
  EXPECT_TRUE(AskHealth(ca_.Identity({Role::kOperator, 0})).ok());
  EXPECT_EQ(Count(IdentityRefusal::kNoCertificate), 0u);
  const grpc::Status refused = AskHealth(ca_.Anonymous());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(refused.error_message(), HasSubstr("no certificate"));
  EXPECT_EQ(Count(IdentityRefusal::kNoCertificate), 1u);
  EXPECT_EQ(AskHealth(ca_.Identity(NodeId::Receiver(0), absl::Hours(48))).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

}  // namespace
}  // namespace semlink
