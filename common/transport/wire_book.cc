#include "common/transport/wire_book.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/transport/protocol.h"

namespace semlink {
namespace {

// Of one peer. An older one has been closed for long: it is not read again.
constexpr size_t kKept = 8;

void Add(const TcpConnection& connection, v1::Wire* sum) {
  sum->set_bytes_sent(sum->bytes_sent() + connection.wire_sent);
  sum->set_bytes_received(sum->bytes_received() + connection.wire_received);
  sum->set_retransmitted(sum->retransmitted() + connection.retransmitted);
  sum->set_payload_sent(sum->payload_sent() + connection.payload_sent);
  sum->set_payload_received(sum->payload_received() + connection.payload_received);
  sum->set_segments_sent(sum->segments_sent() + connection.segments_sent);
  sum->set_segments_received(sum->segments_received() + connection.segments_received);
}

// The same socket as in the last reading, without a search.
std::optional<TcpConnection> ReadAgain(const TcpConnection& last, const PeerConnection& live) {
  if (last.peer != live.remote || (!live.local.empty() && last.local != live.local)) {
    return std::nullopt;
  }
  std::optional<TcpConnection> reading = ReadTcpConnection(last.fd);
  if (!reading.has_value() || reading->id != last.id || reading->peer != last.peer) {
    return std::nullopt;
  }
  return reading;
}

}  // namespace

void WireBook::Read(const std::vector<PeerConnection>& live) {
  absl::MutexLock lock(&mutex_);
  std::optional<std::vector<TcpConnection>> all;  // listed when one is not known yet
  for (const PeerConnection& each : live) {
    if (each.remote.empty()) continue;
    const auto known = accounts_.find(each.peer);
    if (known != accounts_.end() && !known->second.connections.empty()) {
      if (const auto again = ReadAgain(known->second.connections.back(), each)) {
        TakeLocked(each.peer, *again);
        continue;
      }
    }
    if (!all.has_value()) all = ListTcpConnections();
    const TcpConnection* found = FindConnection(*all, each.local, each.remote);
    if (found != nullptr) TakeLocked(each.peer, *found);
  }
}

void WireBook::Take(const NodeId& peer, const TcpConnection& reading) {
  absl::MutexLock lock(&mutex_);
  TakeLocked(peer, reading);
}

void WireBook::TakeLocked(const NodeId& peer, const TcpConnection& reading) {
  Account& account = accounts_[peer];
  const auto known = std::find_if(account.connections.begin(), account.connections.end(),
                                  [&](const TcpConnection& each) { return each.id == reading.id; });
  if (known != account.connections.end()) {
    *known = reading;
    return;
  }
  account.connections.push_back(reading);
  ++account.count;
  if (account.connections.size() <= kKept) return;
  Add(account.connections.front(), &account.before);
  account.connections.erase(account.connections.begin());
}

std::vector<v1::Wire> WireBook::Totals() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Wire> totals;
  for (const auto& [peer, account] : accounts_) {
    v1::Wire& wire = totals.emplace_back(account.before);
    for (const TcpConnection& connection : account.connections) Add(connection, &wire);
    *wire.mutable_peer() = ToProto(peer);
    wire.set_round_trip_us(account.connections.back().round_trip_us);
    wire.set_connection(account.count);
  }
  return totals;
}

}  // namespace semlink
