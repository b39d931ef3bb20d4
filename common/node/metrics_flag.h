// --metrics of the daemons: where they serve metrics to Prometheus.
#ifndef SEMLINK_COMMON_NODE_METRICS_FLAG_H_
#define SEMLINK_COMMON_NODE_METRICS_FLAG_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/metrics/metrics_server.h"
#include "common/transport/grpc_transport.h"

namespace semlink {

void AddMetricsFlag(CLI::App* app, std::string* address);

// Serves what every daemon has, and what `own` adds; null if `address` is empty. Says where in the
// log. What it refers to must outlive the server. Errors: those of MetricsServer::Start.
absl::StatusOr<std::unique_ptr<MetricsServer>> ServeMetrics(const std::string& address,
                                                            const NodeId& self,
                                                            const GrpcTransport& transport,
                                                            Clock* clock, MetricsSource own);

// How the program ends if it can't serve them: wrong usage, or a port that is taken.
int MetricsExitCode(const absl::Status& status);

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_METRICS_FLAG_H_
