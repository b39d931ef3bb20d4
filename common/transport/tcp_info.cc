#include "common/transport/tcp_info.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace semlink {
namespace {

constexpr int kIpv4Header = 20;
constexpr int kIpv6Header = 40;
constexpr int kTcpHeader = 20;
constexpr int kTimestampOption = 12;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

struct Name {
  std::string text;
  bool ipv6 = false;
};

std::optional<Name> Format(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return Name{absl::StrCat(text, ":", ntohs(v4.sin_port)), false};
  }
  if (address.ss_family != AF_INET6) return std::nullopt;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    return Name{absl::StrCat(text, ":", ntohs(v6.sin6_port)), false};
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return Name{absl::StrCat("[", text, "]:", ntohs(v6.sin6_port)), true};
}

// 0 where the kernel has none, or `fd` is no socket.
uint64_t IdOf(int fd) {
  uint64_t id = 0;
  socklen_t size = sizeof id;
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &id, &size) == 0 ? id : 0;
}

}  // namespace

std::optional<TcpConnection> ReadTcpConnection(int fd) {
  const uint64_t id = IdOf(fd);
  sockaddr_storage local = {};
  sockaddr_storage peer = {};
  socklen_t local_size = sizeof local;
  socklen_t peer_size = sizeof peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) != 0) {
    return std::nullopt;  // not a socket, or not connected
  }
  const std::optional<Name> local_name = Format(local);
  const std::optional<Name> peer_name = Format(peer);
  tcp_info info;
  std::memset(&info, 0, sizeof info);  // an older kernel fills in less
  socklen_t info_size = sizeof info;
  if (!local_name || !peer_name || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_size) != 0) {
    return std::nullopt;
  }
  if (IdOf(fd) != id) return std::nullopt;  // closed meanwhile, and used again
  const uint64_t header =
      (peer_name->ipv6 ? kIpv6Header : kIpv4Header) + kTcpHeader + kTimestampOption;
  TcpConnection connection;
  connection.fd = fd;
  connection.id = id;
  connection.local = local_name->text;
  connection.peer = peer_name->text;
  connection.payload_sent = info.tcpi_bytes_sent;
  connection.payload_received = info.tcpi_bytes_received;
  connection.segments_sent = info.tcpi_segs_out;
  connection.segments_received = info.tcpi_segs_in;
  connection.wire_sent = info.tcpi_bytes_sent + info.tcpi_segs_out * header;
  connection.wire_received = info.tcpi_bytes_received + info.tcpi_segs_in * header;
  connection.retransmitted = info.tcpi_bytes_retrans;
  connection.round_trip_us = info.tcpi_rtt;
  return connection;
}

std::vector<TcpConnection> ListTcpConnections() {
  std::vector<TcpConnection> connections;
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir("/proc/self/fd"));
  if (directory == nullptr) return connections;
  while (const dirent* entry = readdir(directory.get())) {
    int fd = -1;
    if (!absl::SimpleAtoi(entry->d_name, &fd)) continue;
    if (std::optional<TcpConnection> connection = ReadTcpConnection(fd)) {
      connections.push_back(*std::move(connection));
    }
  }
  return connections;
}

const TcpConnection* FindConnection(const std::vector<TcpConnection>& connections,
                                    const std::string& local, const std::string& peer) {
  const TcpConnection* only = nullptr;
  int matches = 0;
  for (const TcpConnection& connection : connections) {
    if (connection.peer != peer) continue;
    if (connection.local == local) return &connection;
    only = &connection;
    ++matches;
  }
  return matches == 1 ? only : nullptr;
}

std::string FromGrpcPeer(const std::string& peer) {
  absl::string_view text = peer;
  if (!absl::ConsumePrefix(&text, "ipv4:")) absl::ConsumePrefix(&text, "ipv6:");
  return absl::StrReplaceAll(text, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
}

}  // namespace semlink
