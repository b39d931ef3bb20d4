#include "common/metrics/metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/transport/address.h"

namespace semlink {

class MetricsServer::Impl : public prometheus::Collectable {
 public:
  explicit Impl(std::vector<MetricsSource> sources) : sources_(std::move(sources)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    MetricsPage page;
    for (const MetricsSource& source : sources_) source(&page);
    return page.Take();
  }

 private:
  const std::vector<MetricsSource> sources_;
};

// The exposer ends its threads before the sources go.
struct MetricsServer::Running {
  std::shared_ptr<Impl> collectable;
  std::unique_ptr<prometheus::Exposer> exposer;
};

MetricsServer::MetricsServer(std::unique_ptr<Running> running, std::string address)
    : running_(std::move(running)), address_(std::move(address)) {}

MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& address, std::vector<MetricsSource> sources) {
  ASSIGN_OR_RETURN(Address parsed, ParseAddress(address));
  auto running = std::make_unique<Running>();
  running->collectable = std::make_shared<Impl>(std::move(sources));
  try {
    running->exposer = std::make_unique<prometheus::Exposer>(parsed.ToString());
    running->exposer->RegisterCollectable(running->collectable);
    const std::vector<int> ports = running->exposer->GetListeningPorts();
    if (!ports.empty()) parsed.port = ports.front();
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("can't serve metrics at ", address, " (", error.what(),
                     "): the port is in use, or the host is not an IP address of this machine"));
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(running), parsed.ToString()));
}

}  // namespace semlink
