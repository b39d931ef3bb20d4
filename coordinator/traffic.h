// What travelled between whom, from the nodes' own counters: the message_bytes and wire_bytes of
// summary.json, and the ledger's tables traffic and wire.
#ifndef SEMLINK_COORDINATOR_TRAFFIC_H_
#define SEMLINK_COORDINATOR_TRAFFIC_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/json.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// What a report adds to the totals. Nothing that is zero, but for the round trip.
struct TrafficGrowth {
  NodeId node;  // who counted
  std::vector<v1::Traffic> traffic;
  std::vector<v1::Wire> wire;
};

// What two nodes exchanged in a window, or in several. `a` is a transmitter or, for the control
// stream of a node, the coordinator; `b` is a receiver or that node. Bytes are those that their
// sender counted, as far as it reported; else as they arrived.
struct PairCost {
  std::map<std::string, uint64_t> message_bytes;  // by kind, both directions
  uint64_t messages_to_b = 0;                     // bytes
  uint64_t messages_to_a = 0;
  uint64_t wire_to_b = 0;  // bytes; 0 in process
  uint64_t wire_to_a = 0;
  uint64_t retransmitted = 0;  // bytes, both directions
  double round_trip_us = 0;    // smoothed, of the last report; 0: none
};
using PairCosts = std::map<std::pair<NodeId, NodeId>, PairCost>;  // by (a, b)

// Adds up what the reports of a window say. The coordinator's own account is left out: nodes say in
// every report what they exchanged with it.
PairCosts CostsOf(const std::vector<TrafficGrowth>& growth);

// Totals over the run. A node's counters are cumulative, but start again from 0 with its process: a
// counter that falls has started again, and so has every counter of a node after Restarted().
class TrafficBook {
 public:
  // Another process bears this name from now on.
  void Restarted(const NodeId& node) { last_.erase(node); }

  // Takes the report's traffic and wire, if it carries any.
  TrafficGrowth Update(const NodeId& node, const v1::Report& report);

  // Per (transmitter, receiver) and kind, both directions, as the transmitter counted it (as the
  // receiver did, if the transmitter reported none): {transmitter, receiver, kind, bytes,
  // messages}. Then per node what it exchanged with the coordinator, as the coordinator counted it:
  // {node, kind, bytes, messages}.
  Json MessageBytes() const;

  // The same for the kernel's figures: {transmitter, receiver, sent, received, retransmitted,
  // round_trip_us}, sent and received as seen from the transmitter; then {node, ...} as seen from
  // the coordinator. The round trip is the last one.
  Json WireBytes() const;

 private:
  // By peer and, for traffic, kind.
  struct Counters {
    std::map<std::pair<NodeId, std::string>, v1::Traffic> traffic;
    std::map<NodeId, v1::Wire> wire;
  };
  std::map<NodeId, Counters> last_;   // as last reported
  std::map<NodeId, Counters> total_;  // over the run
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_TRAFFIC_H_
