// What travelled between whom, from the nodes' own counters: the message_bytes and wire_bytes of
// summary.json, and the ledger's tables traffic and wire.
#ifndef SEMLINK_COORDINATOR_TRAFFIC_H_
#define SEMLINK_COORDINATOR_TRAFFIC_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/metrics.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// What a report adds to the totals. Nothing that is zero, but for the round trip.
struct TrafficGrowth {
  NodeId node;  // who counted
  std::vector<v1::Traffic> traffic;
  std::vector<v1::Wire> wire;
};

// Totals over the run. A node's counters are cumulative, but start again from 0: those of Traffic
// with its process, those of Wire with each connection. A counter that falls has started again; so
// has every counter of a node after Restarted().
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
