#include "coordinator/traffic.h"

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
         now.retransmitted() < before.retransmitted();
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
}

// What `now` adds to `*last`, which becomes `now`.
template <typename Counter>
Counter Growth(const Counter& now, Counter* last) {
  Counter growth = now;
  if (!Fell(now, *last)) Add(*last, -1, &growth);
  *last = now;
  return growth;
}

}  // namespace

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
