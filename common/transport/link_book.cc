#include "common/transport/link_book.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/file_system.h"
#include "common/transport/address.h"

namespace semlink {
namespace {

constexpr char kMapped[] = "::ffff:";
constexpr char kEstablished[] = "01";

// A numeric address; nullopt for anything else: it becomes part of a rule.
std::optional<Address> Numeric(const std::string& text) {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return std::nullopt;
  in_addr v4;
  in6_addr v6;
  if (absl::StartsWithIgnoreCase(address->host, kMapped)) {
    const std::string rest = address->host.substr(strlen(kMapped));
    if (inet_pton(AF_INET, rest.c_str(), &v4) == 1) address->host = rest;
  }
  const char* host = address->host.c_str();
  if (inet_pton(AF_INET, host, &v4) != 1 && inet_pton(AF_INET6, host, &v6) != 1) {
    return std::nullopt;
  }
  return *address;
}

// As /proc/net/tcp and tcp6 write an address: words of 32 bits, each as the machine's number.
std::string Words(const unsigned char* bytes, int size) {
  std::string text;
  for (int i = 0; i < size; i += 4) {
    uint32_t word = 0;
    std::memcpy(&word, bytes + i, sizeof word);
    absl::StrAppendFormat(&text, "%08X", word);
  }
  return text;
}

// Every way in which the address may be in the tables.
std::set<std::string> TableNames(const std::string& host, int port) {
  const std::string end = absl::StrFormat(":%04X", port);
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return {Words(v6.s6_addr, 16) + end};
  in_addr v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) != 1) return {};
  unsigned char bytes[4];
  std::memcpy(bytes, &v4, sizeof bytes);
  v6.s6_addr[10] = v6.s6_addr[11] = 0xFF;
  std::memcpy(&v6.s6_addr[12], bytes, sizeof bytes);
  return {Words(bytes, 4) + end, Words(v6.s6_addr, 16) + end};
}

}  // namespace

int CountConnectionsTo(absl::string_view table, const std::string& host, int port) {
  const std::set<std::string> names = TableNames(host, port);
  int count = 0;
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    // sl, local_address, rem_address, st, ...
    if (words.size() > 3 && words[3] == kEstablished && names.count(words[2]) > 0) ++count;
  }
  return count;
}

LinkBook::Sockets LinkBook::ReadSockets() {
  Sockets sockets;
  sockets.own = ListTcpConnections();
  for (const char* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    const absl::StatusOr<std::string> table = ReadFile(path);
    if (table.ok()) absl::StrAppend(&sockets.table, *table, "\n");
  }
  return sockets;
}

bool LinkBook::Dials(const NodeId& peer) const {
  return peer.role == Role::kCoordinator || self_.role == Role::kReceiver;
}

LinkEnds LinkBook::DialledEnds(const PeerConnection& live, const Sockets& sockets) const {
  const std::optional<Address> remote = Numeric(live.remote);
  if (!remote.has_value()) return {};
  LinkEnds ends = {remote->host, remote->port, 0};
  const auto own =
      std::count_if(sockets.own.begin(), sockets.own.end(),
                    [&](const TcpConnection& each) { return each.peer == remote->ToString(); });
  if (CountConnectionsTo(sockets.table, remote->host, remote->port) <= own) return ends;
  // Others of this machine are connected there too.
  const TcpConnection* connection = FindConnection(sockets.own, live.local, remote->ToString());
  if (connection == nullptr) return {};
  const std::optional<Address> local = Numeric(connection->local);
  if (!local.has_value()) return {};
  ends.own_port = local->port;
  return ends;
}

std::map<NodeId, LinkEnds> LinkBook::Read(const std::vector<PeerConnection>& live,
                                          const Sockets& sockets) {
  std::set<NodeId> connected;
  known_.erase(NodeId::Coordinator());
  for (const PeerConnection& each : live) {
    known_[each.peer] = each;
    connected.insert(each.peer);
  }
  std::map<std::string, int> at_address;
  for (const auto& [peer, last] : known_) {
    const std::optional<Address> remote = Numeric(last.remote);
    if (remote.has_value() && !Dials(peer)) ++at_address[remote->host];
  }
  std::map<NodeId, LinkEnds> links;
  for (const auto& [peer, last] : known_) {
    LinkEnds ends;
    if (Dials(peer)) {
      ends = DialledEnds(last, sockets);
    } else if (const std::optional<Address> remote = Numeric(last.remote)) {
      ends = {remote->host, 0, listen_port_};
      if (at_address[remote->host] > 1) {
        if (connected.count(peer) == 0) continue;  // its port was of the connection that has gone
        ends.peer_port = remote->port;
      }
    }
    if (!ends.peer_host.empty() || connected.count(peer) > 0) links[peer] = ends;
  }
  return links;
}

}  // namespace semlink
