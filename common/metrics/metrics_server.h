// Serves metrics to Prometheus over HTTP.
#ifndef SEMLINK_COMMON_METRICS_METRICS_SERVER_H_
#define SEMLINK_COMMON_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/metrics/metrics_page.h"

namespace semlink {

// Adds what it knows at this moment. Called on the server's threads, so it must be thread-safe, and
// holds no lock for long: the node's own thread may want it.
using MetricsSource = std::function<void(MetricsPage*)>;

class MetricsServer {
 public:
  // Listens at "HOST:PORT" (HOST an IP address of this machine; port 0: any that is free) and
  // serves /metrics in plain HTTP, to anybody. INVALID_ARGUMENT; UNAVAILABLE if it can't listen
  // there. What the sources refer to must outlive the server.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              std::vector<MetricsSource> sources);
  ~MetricsServer();

  // With the port that was bound.
  const std::string& address() const { return address_; }

 private:
  class Impl;
  MetricsServer(std::unique_ptr<Impl> impl, std::string address);

  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_METRICS_METRICS_SERVER_H_
