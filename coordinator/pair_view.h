// Which two nodes have a connection, and why not.
#ifndef SEMLINK_COORDINATOR_PAIR_VIEW_H_
#define SEMLINK_COORDINATOR_PAIR_VIEW_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "coordinator/membership.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

struct PairView {
  NodeId a, b;  // transmitter and receiver, or the coordinator and a node
  bool up = false;
  std::string why;   // not up: "transmitter3 is lost", "no stream"
  absl::Time since;  // when it was first seen to be so
};

// All pairs of the members: by transmitter and receiver, then the coordinator with each node. `cut`
// are the live pairs without a stream. `since` is left at its default.
std::vector<PairView> PairViews(const std::vector<Member>& members,
                                const std::vector<v1::Pair>& cut);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_PAIR_VIEW_H_
