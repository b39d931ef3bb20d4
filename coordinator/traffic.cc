#include "coordinator/traffic.h"

#include <optional>

#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

using Pair = std::pair<int, int>;  // transmitter, receiver

// The data-plane pair of a node and its peer; false if one of them is the coordinator.
bool DataPair(const NodeId& node, const NodeId& peer, Pair* pair) {
  if (node.role == Role::kTransmitter && peer.role == Role::kReceiver) {
    *pair = {node.index, peer.index};
    return true;
  }
  if (node.role == Role::kReceiver && peer.role == Role::kTransmitter) {
    *pair = {peer.index, node.index};
    return true;
  }
  return false;
}

struct Bytes {
  uint64_t bytes = 0;
  uint64_t messages = 0;
};

Bytes Total(const v1::Traffic& t) {
  return {t.bytes_sent() + t.bytes_received(), t.messages_sent() + t.messages_received()};
}

Json WireJson(const v1::Wire& wire, bool from_transmitter) {
  return {{"sent", from_transmitter ? wire.bytes_sent() : wire.bytes_received()},
          {"received", from_transmitter ? wire.bytes_received() : wire.bytes_sent()},
          {"retransmitted", wire.retransmitted()},
          {"round_trip_us", wire.round_trip_us()}};
}

bool Fell(const v1::Traffic& now, const v1::Traffic& before) {
  return now.bytes_sent() < before.bytes_sent() || now.bytes_received() < before.bytes_received() ||
         now.messages_sent() < before.messages_sent() ||
         now.messages_received() < before.messages_received();
}

bool Fell(const v1::Wire& now, const v1::Wire& before) {
  return now.bytes_sent() < before.bytes_sent() || now.bytes_received() < before.bytes_received() ||
         now.retransmitted() < before.retransmitted() ||
         now.segments_sent() < before.segments_sent() ||
         now.segments_received() < before.segments_received();
}

bool IsZero(const v1::Traffic& t) { return Total(t).bytes == 0 && Total(t).messages == 0; }
bool IsZero(const v1::Wire& wire) { return wire.bytes_sent() + wire.bytes_received() == 0; }

// *to += sign * from
void Add(const v1::Traffic& from, int sign, v1::Traffic* to) {
  to->set_messages_sent(to->messages_sent() + sign * from.messages_sent());
  to->set_bytes_sent(to->bytes_sent() + sign * from.bytes_sent());
  to->set_messages_received(to->messages_received() + sign * from.messages_received());
  to->set_bytes_received(to->bytes_received() + sign * from.bytes_received());
}

void Add(const v1::Wire& from, int sign, v1::Wire* to) {
  to->set_bytes_sent(to->bytes_sent() + sign * from.bytes_sent());
  to->set_bytes_received(to->bytes_received() + sign * from.bytes_received());
  to->set_retransmitted(to->retransmitted() + sign * from.retransmitted());
  to->set_payload_sent(to->payload_sent() + sign * from.payload_sent());
  to->set_payload_received(to->payload_received() + sign * from.payload_received());
  to->set_segments_sent(to->segments_sent() + sign * from.segments_sent());
  to->set_segments_received(to->segments_received() + sign * from.segments_received());
}

// What `now` adds to `*last`, which becomes `now`.
template <typename Counter>
Counter Growth(const Counter& now, Counter* last) {
  Counter growth = now;
  if (!Fell(now, *last)) Add(*last, -1, &growth);
  *last = now;
  return growth;
}

// One direction of a pair, as its two ends counted it.
struct Direction {
  std::optional<uint64_t> sent, received;

  uint64_t best() const { return sent.value_or(received.value_or(0)); }
};

// A pair with both ends' accounts.
struct Accounts {
  std::map<std::string, std::pair<Direction, Direction>> messages;  // kind -> to b, to a
  Direction wire_to_b, wire_to_a;
  uint64_t retransmitted = 0;
  double round_trip_us = 0;
};

// (a, b) of a node and its peer; nullopt if they exchange nothing, or `node` is the coordinator.
std::optional<std::pair<NodeId, NodeId>> Ends(const NodeId& node, const NodeId& peer) {
  Pair pair;
  if (DataPair(node, peer, &pair)) {
    return std::make_pair(NodeId::Transmitter(pair.first), NodeId::Receiver(pair.second));
  }
  if (peer.role == Role::kCoordinator) return std::make_pair(peer, node);
  return std::nullopt;
}

// Puts what a node counted into the account of its end.
template <typename Counter>
void Count(const Counter& counter, bool at_a, Direction* to_b, Direction* to_a) {
  (at_a ? to_b : to_a)->sent = counter.bytes_sent();
  (at_a ? to_a : to_b)->received = counter.bytes_received();
}

PairCost Settle(const Accounts& accounts) {
  PairCost cost;
  for (const auto& [kind, directions] : accounts.messages) {
    const uint64_t to_b = directions.first.best(), to_a = directions.second.best();
    cost.message_bytes[kind] = to_b + to_a;
    cost.messages_to_b += to_b;
    cost.messages_to_a += to_a;
  }
  cost.wire_to_b = accounts.wire_to_b.best();
  cost.wire_to_a = accounts.wire_to_a.best();
  cost.retransmitted = accounts.retransmitted;
  cost.round_trip_us = accounts.round_trip_us;
  return cost;
}

}  // namespace

PairCosts CostsOf(const std::vector<TrafficGrowth>& growth) {
  std::map<std::pair<NodeId, NodeId>, Accounts> accounts;
  for (const TrafficGrowth& of : growth) {
    for (const v1::Traffic& t : of.traffic) {
      const auto ends = Ends(of.node, FromProto(t.peer()));
      if (!ends.has_value()) continue;
      auto& [to_b, to_a] = accounts[*ends].messages[t.kind()];
      Count(t, of.node == ends->first, &to_b, &to_a);
    }
    for (const v1::Wire& w : of.wire) {
      const auto ends = Ends(of.node, FromProto(w.peer()));
      if (!ends.has_value()) continue;
      Accounts& pair = accounts[*ends];
      Count(w, of.node == ends->first, &pair.wire_to_b, &pair.wire_to_a);
      pair.retransmitted += w.retransmitted();
      // Both ends measure it; the one that sends the features says more about the link.
      if (pair.round_trip_us == 0 || of.node == ends->first) pair.round_trip_us = w.round_trip_us();
    }
  }
  PairCosts costs;
  for (const auto& [ends, pair] : accounts) costs.emplace(ends, Settle(pair));
  return costs;
}

TrafficGrowth TrafficBook::Update(const NodeId& node, const v1::Report& report) {
  TrafficGrowth growth{node, {}, {}};
  if (report.traffic_size() == 0 && report.wire_size() == 0) return growth;
  Counters& last = last_[node];
  Counters& total = total_[node];
  for (const v1::Traffic& now : report.traffic()) {
    const auto key = std::make_pair(FromProto(now.peer()), now.kind());
    growth.traffic.push_back(Growth(now, &last.traffic[key]));
    Add(growth.traffic.back(), 1, &total.traffic[key]);
    if (IsZero(growth.traffic.back())) growth.traffic.pop_back();
  }
  for (const v1::Wire& now : report.wire()) {
    const NodeId peer = FromProto(now.peer());
    growth.wire.push_back(Growth(now, &last.wire[peer]));
    Add(growth.wire.back(), 1, &total.wire[peer]);
    total.wire[peer].set_round_trip_us(now.round_trip_us());
    if (IsZero(growth.wire.back())) growth.wire.pop_back();
  }
  return growth;
}

Json TrafficBook::MessageBytes() const {
  // std::map keeps transmitters before receivers, so emplace prefers the transmitter's count.
  std::map<std::pair<Pair, std::string>, Bytes> links;
  std::map<std::pair<NodeId, std::string>, Bytes> control;
  for (const auto& [node, counters] : total_) {
    for (const auto& [key, counter] : counters.traffic) {
      Pair pair;
      if (node.role == Role::kCoordinator) {
        control.emplace(key, Total(counter));
      } else if (DataPair(node, key.first, &pair)) {
        links.emplace(std::make_pair(pair, key.second), Total(counter));
      }
    }
  }
  Json list = Json::array();
  for (const auto& [key, bytes] : links) {
    list.push_back({{"transmitter", key.first.first + 1},
                    {"receiver", key.first.second + 1},
                    {"kind", key.second},
                    {"bytes", bytes.bytes},
                    {"messages", bytes.messages}});
  }
  for (const auto& [key, bytes] : control) {
    list.push_back({{"node", key.first.ToString()},
                    {"kind", key.second},
                    {"bytes", bytes.bytes},
                    {"messages", bytes.messages}});
  }
  return list;
}

Json TrafficBook::WireBytes() const {
  std::map<Pair, Json> links;
  std::map<NodeId, Json> control;
  for (const auto& [node, counters] : total_) {
    for (const auto& [peer, wire] : counters.wire) {
      Pair pair;
      if (node.role == Role::kCoordinator) {
        control.emplace(peer, WireJson(wire, true));
      } else if (DataPair(node, peer, &pair)) {
        links.emplace(pair, WireJson(wire, node.role == Role::kTransmitter));
      }
    }
  }
  Json list = Json::array();
  for (auto& [pair, wire] : links) {
    Json entry = {{"transmitter", pair.first + 1}, {"receiver", pair.second + 1}};
    entry.update(wire);
    list.push_back(std::move(entry));
  }
  for (auto& [peer, wire] : control) {
    Json entry = {{"node", peer.ToString()}};
    entry.update(wire);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace semlink::coordinator
