// What travelled between whom, from the nodes' own counters: the message_bytes and wire_bytes of
// summary.json.
#ifndef SEMLINK_COORDINATOR_TRAFFIC_H_
#define SEMLINK_COORDINATOR_TRAFFIC_H_

#include <map>
#include <vector>

#include "common/base/ids.h"
#include "coordinator/metrics.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// The last counters that each node reported. They are cumulative, so the last ones are all that is
// needed.
class TrafficBook {
 public:
  // Keeps the report's traffic and wire if it carries any.
  void Update(const NodeId& node, const v1::Report& report);

  // Per (transmitter, receiver) and kind, both directions, as the transmitter counted it (as the
  // receiver did, if the transmitter reported none): {transmitter, receiver, kind, bytes,
  // messages}. Then per node what it exchanged with the coordinator, as the coordinator counted it:
  // {node, kind, bytes, messages}.
  Json MessageBytes(const std::vector<v1::Traffic>& of_coordinator) const;

  // The same for the kernel's figures: {transmitter, receiver, sent, received, retransmitted,
  // round_trip_us}, sent and received as seen from the transmitter; then {node, ...} as seen from
  // the coordinator.
  Json WireBytes(const std::vector<v1::Wire>& of_coordinator) const;

 private:
  std::map<NodeId, std::vector<v1::Traffic>> traffic_;
  std::map<NodeId, std::vector<v1::Wire>> wire_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_TRAFFIC_H_
