#include "coordinator/traffic.h"

#include <string>
#include <tuple>
#include <utility>

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

}  // namespace

void TrafficBook::Update(const NodeId& node, const v1::Report& report) {
  if (report.traffic_size() > 0) {
    traffic_[node].assign(report.traffic().begin(), report.traffic().end());
  }
  if (report.wire_size() > 0) wire_[node].assign(report.wire().begin(), report.wire().end());
}

Json TrafficBook::MessageBytes(const std::vector<v1::Traffic>& of_coordinator) const {
  // std::map keeps transmitters before receivers, so emplace prefers the transmitter's count.
  std::map<std::pair<Pair, std::string>, Bytes> links;
  for (const auto& [node, counters] : traffic_) {
    for (const v1::Traffic& counter : counters) {
      Pair pair;
      if (!DataPair(node, FromProto(counter.peer()), &pair)) continue;
      links.emplace(std::make_pair(pair, counter.kind()), Total(counter));
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
  for (const v1::Traffic& counter : of_coordinator) {
    const Bytes bytes = Total(counter);
    list.push_back({{"node", FromProto(counter.peer()).ToString()},
                    {"kind", counter.kind()},
                    {"bytes", bytes.bytes},
                    {"messages", bytes.messages}});
  }
  return list;
}

Json TrafficBook::WireBytes(const std::vector<v1::Wire>& of_coordinator) const {
  std::map<Pair, Json> links;
  for (const auto& [node, counters] : wire_) {
    for (const v1::Wire& counter : counters) {
      Pair pair;
      if (!DataPair(node, FromProto(counter.peer()), &pair)) continue;
      links.emplace(pair, WireJson(counter, node.role == Role::kTransmitter));
    }
  }
  Json list = Json::array();
  for (auto& [pair, wire] : links) {
    Json entry = {{"transmitter", pair.first + 1}, {"receiver", pair.second + 1}};
    entry.update(wire);
    list.push_back(std::move(entry));
  }
  for (const v1::Wire& counter : of_coordinator) {
    Json entry = {{"node", FromProto(counter.peer()).ToString()}};
    entry.update(WireJson(counter, true));
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace semlink::coordinator
