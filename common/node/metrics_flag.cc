#include "common/node/metrics_flag.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/status_macros.h"
#include "common/metrics/daemon_metrics.h"
#include "common/node/exit_code.h"

namespace semlink {

void AddMetricsFlag(CLI::App* app, std::string* address) {
  app->add_option("--metrics", *address,
                  "Serve metrics to Prometheus at http://HOST:PORT/metrics, to anybody who can "
                  "reach it, unencrypted; port 0: any that is free. Off without this flag")
      ->type_name("HOST:PORT");
}

absl::StatusOr<std::unique_ptr<MetricsServer>> ServeMetrics(const std::string& address,
                                                            const NodeId& self,
                                                            const GrpcTransport& transport,
                                                            Clock* clock, MetricsSource own) {
  if (address.empty()) return std::unique_ptr<MetricsServer>();
  const absl::Time started = clock->WallTime();
  std::vector<MetricsSource> sources = {
      [started](MetricsPage* page) { AddProcessMetrics(started, page); },
      [self, &transport](MetricsPage* page) { AddTransportMetrics(self, transport, page); },
      std::move(own)};
  ASSIGN_OR_RETURN(std::unique_ptr<MetricsServer> server,
                   MetricsServer::Start(address, std::move(sources)));
  spdlog::info("metrics at http://{}/metrics", server->address());
  return server;
}

int MetricsExitCode(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitConnection;
}

}  // namespace semlink
