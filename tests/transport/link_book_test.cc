#include "common/transport/link_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const NodeId kC = NodeId::Coordinator();
const NodeId kT1 = NodeId::Transmitter(0);
const NodeId kR1 = NodeId::Receiver(0);
const NodeId kR2 = NodeId::Receiver(1);

// As in /proc/net/tcp of a little-endian machine: 10.0.0.1:7001 <- 10.0.0.11:40000 and others.
constexpr char kTable[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    "   0: 0100007F:1B59 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
    "   1: 0B00000A:9C40 0100000A:1B59 01 00000000:00000000 00:00000000 00000000     0\n"
    "   2: 0B00000A:9C41 0100000A:1B59 02 00000000:00000000 00:00000000 00000000     0\n"
    "   0: 0000000000000000FFFF00000B00000A:9C42 0000000000000000FFFF00000100000A:1B59 01 0:0\n"
    "   1: 00000000000000000000000001000000:9C43 00000000000000000000000001000000:1B59 01 0:0\n";

TcpConnection Own(const std::string& local, const std::string& peer) {
  TcpConnection connection;
  connection.local = local;
  connection.peer = peer;
  return connection;
}

TEST(CountConnectionsTest, EstablishedOnesInEitherForm) {
  EXPECT_EQ(CountConnectionsTo(kTable, "10.0.0.1", 7001), 2) << "not the one that is being opened";
  EXPECT_EQ(CountConnectionsTo(kTable, "::1", 7001), 1);
  EXPECT_EQ(CountConnectionsTo(kTable, "10.0.0.1", 7002), 0);
  EXPECT_EQ(CountConnectionsTo(kTable, "0.0.0.0", 0), 0) << "a listener is no connection";
  EXPECT_EQ(CountConnectionsTo("", "10.0.0.1", 7001), 0);
  EXPECT_EQ(CountConnectionsTo(kTable, "nonsense", 7001), 0);
}

TEST(LinkBookTest, ListenersTellPeersByTheirAddresses) {
  LinkBook book(kT1, 7001);
  EXPECT_THAT(book.Read({{kR1, "", "10.0.0.11:40000"}, {kR2, "", "[fd00::2]:40001"}}, {}),
              UnorderedElementsAre(Pair(kR1, LinkEnds{"10.0.0.11", 0, 7001}),
                                   Pair(kR2, LinkEnds{"fd00::2", 0, 7001})));
  EXPECT_THAT(book.Read({{kR2, "", "[::ffff:10.0.0.12]:5"}}, {}),
              UnorderedElementsAre(Pair(kR1, LinkEnds{"10.0.0.11", 0, 7001}),
                                   Pair(kR2, LinkEnds{"10.0.0.12", 0, 7001})))
      << "one that is away is dialling again, from the same address";
}

TEST(LinkBookTest, OneAddressForTwoPeersIsToldByPorts) {
  LinkBook book(kT1, 7001);
  EXPECT_THAT(book.Read({{kR1, "", "10.0.0.9:40000"}, {kR2, "", "10.0.0.9:40001"}}, {}),
              UnorderedElementsAre(Pair(kR1, LinkEnds{"10.0.0.9", 40000, 7001}),
                                   Pair(kR2, LinkEnds{"10.0.0.9", 40001, 7001})));
  EXPECT_THAT(book.Read({{kR1, "", "10.0.0.9:40000"}}, {}),
              UnorderedElementsAre(Pair(kR1, LinkEnds{"10.0.0.9", 40000, 7001})))
      << "nothing tells the other's next connection";
}

TEST(LinkBookTest, DiallersTellPeersByWhereTheyListen) {
  LinkBook book(kR1, 0);
  LinkBook::Sockets sockets;
  sockets.own = {Own("10.0.0.11:40000", "10.0.0.1:7001"), Own("10.0.0.11:40002", "10.0.0.1:7001")};
  sockets.table = kTable;
  EXPECT_THAT(book.Read({{kT1, "10.0.0.11:40000", "10.0.0.1:7001"}}, sockets),
              UnorderedElementsAre(Pair(kT1, LinkEnds{"10.0.0.1", 7001, 0})));
  sockets.own.resize(1);  // the other connection is not ours: another node shares this network
  EXPECT_THAT(book.Read({{kT1, "10.0.0.11:40000", "10.0.0.1:7001"}}, sockets),
              UnorderedElementsAre(Pair(kT1, LinkEnds{"10.0.0.1", 7001, 40000})));
  sockets.own.clear();
  EXPECT_THAT(book.Read({{kT1, "10.0.0.11:40000", "10.0.0.1:7001"}}, sockets),
              UnorderedElementsAre(Pair(kT1, LinkEnds{})))
      << "no telling which is ours";
  EXPECT_THAT(book.Read({}, sockets), IsEmpty());
}

TEST(LinkBookTest, TheCoordinatorIsForgottenWithItsConnection) {
  LinkBook book(kR1, 0);
  EXPECT_THAT(book.Read({{kC, "", "10.0.0.1:7433"}}, {}),
              UnorderedElementsAre(Pair(kC, LinkEnds{"10.0.0.1", 7433, 0})));
  EXPECT_THAT(book.Read({}, {}), IsEmpty());
}

TEST(LinkBookTest, OnlyNumbersBecomePartOfARule) {
  LinkBook book(kT1, 7001);
  EXPECT_THAT(book.Read({{kR1, "", "10.0.0.1; flush ruleset:5"}, {kR2, "", "unix:/tmp/x"}}, {}),
              UnorderedElementsAre(Pair(kR1, LinkEnds{}), Pair(kR2, LinkEnds{})));
}

}  // namespace
}  // namespace semlink
