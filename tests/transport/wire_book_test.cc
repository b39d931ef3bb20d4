#include "common/transport/wire_book.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

const NodeId kPeer = NodeId::Receiver(1);

std::string Text(const sockaddr_in& address) {
  return absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
}

// A TCP connection of this process with itself, on loopback.
class LoopbackConnection {
 public:
  LoopbackConnection() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    near_ = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(near_, reinterpret_cast<sockaddr*>(&address), size), 0);
    far_ = accept(listener, nullptr, nullptr);
    close(listener);
    remote_ = Text(address);
    EXPECT_EQ(getsockname(near_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    local_ = Text(address);
  }
  ~LoopbackConnection() { Close(); }

  void Carry(size_t bytes) {
    const std::string sent(bytes, 'x');
    EXPECT_EQ(write(near_, sent.data(), bytes), static_cast<ssize_t>(bytes));
    std::string got(bytes, ' ');
    EXPECT_EQ(recv(far_, got.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  }
  void Close() {
    if (near_ >= 0) close(near_);
    if (far_ >= 0) close(far_);
    near_ = far_ = -1;
  }
  std::vector<PeerConnection> live() const { return {{kPeer, local_, remote_}}; }
  TcpConnection Reading() const { return *ReadTcpConnection(near_); }

 private:
  int near_ = -1, far_ = -1;
  std::string local_, remote_;
};

v1::Wire Total(const WireBook& book) {
  const std::vector<v1::Wire> totals = book.Totals();
  return totals.empty() ? v1::Wire() : totals.at(0);
}

TEST(WireBookTest, CountsWhatAConnectionCarries) {
  LoopbackConnection connection;
  WireBook book;
  EXPECT_TRUE(book.Totals().empty());
  connection.Carry(1000);
  book.Read(connection.live());
  const v1::Wire first = Total(book);
  EXPECT_EQ(FromProto(first.peer()), kPeer);
  EXPECT_EQ(first.payload_sent(), 1000u);
  EXPECT_GE(first.segments_sent(), 2u);  // one to open it
  EXPECT_EQ(first.bytes_sent(), 1000 + 52 * first.segments_sent());
  EXPECT_EQ(first.connection(), 1u);
  connection.Carry(500);
  book.Read(connection.live());  // this time without a search
  EXPECT_EQ(Total(book).payload_sent(), 1500u);
  EXPECT_GT(Total(book).round_trip_us(), 0);
}

TEST(WireBookTest, ABrokenConnectionKeepsItsLastReading) {
  WireBook book;
  LoopbackConnection first, second;
  first.Carry(1000);
  book.Read(first.live());
  first.Carry(1);  // nobody reads that
  first.Close();
  book.Read(first.live());
  EXPECT_EQ(Total(book).payload_sent(), 1000u);
  second.Carry(300);
  book.Read(second.live());
  EXPECT_EQ(Total(book).payload_sent(), 1300u);
  EXPECT_EQ(Total(book).connection(), 2u);
}

TEST(WireBookTest, NothingCountsTwiceInWhateverOrderItIsRead) {
  WireBook book;
  LoopbackConnection first, second;
  first.Carry(100);
  book.Take(kPeer, first.Reading());
  second.Carry(7);
  book.Take(kPeer, second.Reading());
  first.Carry(50);
  book.Take(kPeer, first.Reading());  // the old one once more, after the new one
  book.Take(kPeer, second.Reading());
  EXPECT_EQ(Total(book).payload_sent(), 157u);
  EXPECT_EQ(Total(book).connection(), 2u);
}

TEST(WireBookTest, ManyConnectionsAddUp) {
  WireBook book;
  for (int i = 1; i <= 20; ++i) {
    LoopbackConnection connection;
    connection.Carry(10);
    book.Read(connection.live());
  }
  EXPECT_EQ(Total(book).payload_sent(), 200u);
  EXPECT_EQ(Total(book).connection(), 20u);
}

}  // namespace
}  // namespace semlink
