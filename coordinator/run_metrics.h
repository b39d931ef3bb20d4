// What a coordinator serves to Prometheus about its run.
#ifndef SEMLINK_COORDINATOR_RUN_METRICS_H_
#define SEMLINK_COORDINATOR_RUN_METRICS_H_

#include "common/metrics/metrics_page.h"
#include "common/transport/peer_check.h"
#include "coordinator/status_board.h"

namespace semlink::coordinator {

// Reads what the node has published; thread-safe.
void AddRunMetrics(StatusBoard* board, const PeerCheck& check, MetricsPage* page);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_METRICS_H_
