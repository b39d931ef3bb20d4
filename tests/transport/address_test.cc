#include "common/transport/address.h"

#include <string>

#include "common/transport/grpc_credentials.h"
#include "common/transport/tcp_info.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;

TEST(AddressTest, ParsesNamesAndBothKindsOfNumber) {
  EXPECT_EQ(ParseAddress("receiver1:7000")->host, "receiver1");
  EXPECT_EQ(ParseAddress("127.0.0.1:0")->port, 0);
  EXPECT_EQ(ParseAddress("[::1]:7000")->host, "::1");
  EXPECT_EQ(ParseAddress("[::1]:7000")->ToString(), "[::1]:7000");
  EXPECT_EQ(ParseAddress("host:65535")->ToString(), "host:65535");
}

TEST(AddressTest, RejectsWhatIsNoAddress) {
  for (const std::string bad :
       {"", "host", ":7000", "host:", "host:seven", "host:65536", "host:-1", "::1:7000",
        "[::1:7000", "[]:1", "two words:1", "http://host:1", "a[b]:1"}) {
    const auto parsed = ParseAddress(bad);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_THAT(ParseAddress("host").status().message(), HasSubstr("HOST:PORT"));
}

TEST(AddressTest, KnowsLoopback) {
  for (const std::string host :
       {"127.0.0.1", "127.3.2.1", "::1", "localhost", "::ffff:127.0.0.1"}) {
    const auto loopback = IsLoopback(host);
    EXPECT_TRUE(loopback.ok() && *loopback) << host;
  }
  for (const std::string host : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "fe80::1"}) {
    const auto loopback = IsLoopback(host);
    EXPECT_TRUE(loopback.ok() && !*loopback) << host;
  }
  EXPECT_EQ(IsLoopback("no-such-host.invalid").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsWildcard("0.0.0.0") && IsWildcard("::") && !IsWildcard("127.0.0.1"));
}

TEST(CredentialsTest, InsecureOnLoopbackOnly) {
  const Address loopback = {"127.0.0.1", 7000};
  const Address network = {"192.0.2.1", 7000};
  EXPECT_TRUE(MakeServerCredentials(loopback, {}).ok());
  EXPECT_TRUE(CheckMayDial(loopback, {}).ok());
  for (const absl::Status& refused :
       {MakeServerCredentials(network, {}).status(), CheckMayDial(network, {})}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.message(), HasSubstr("--tls"));
  }
}

TEST(AddressTest, ListeningOnAForeignAddressIsExplained) {
  const absl::Status status = CheckCanListen({"192.0.2.1", 0});  // reserved for documentation
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("192.0.2.1:0: not an address of this machine"));
}

TEST(TcpInfoTest, UnderstandsGrpcPeers) {
  EXPECT_EQ(FromGrpcPeer("ipv4:127.0.0.1:40000"), "127.0.0.1:40000");
  EXPECT_EQ(FromGrpcPeer("ipv6:%5B::1%5D:40000"), "[::1]:40000");
}

TEST(TcpInfoTest, FindsAConnectionByBothEndsOrTheOnlyOneByItsPeer) {
  std::vector<TcpConnection> connections(3);
  connections[0].local = "a";
  connections[0].peer = "x";
  connections[1].local = "b";
  connections[1].peer = "x";
  connections[2].local = "c";
  connections[2].peer = "y";
  EXPECT_EQ(FindConnection(connections, "b", "x"), &connections[1]);
  EXPECT_EQ(FindConnection(connections, "", "x"), nullptr);
  EXPECT_EQ(FindConnection(connections, "seen through a gateway", "y"), &connections[2]);
  EXPECT_EQ(FindConnection(connections, "c", "z"), nullptr);
}

}  // namespace
}  // namespace semlink
