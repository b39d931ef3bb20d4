#include "common/metrics/metrics_server.h"

#include <httplib.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/transport/address.h"

namespace semlink {
namespace {

// Scrapes at a time; a connection that says nothing holds one until it is closed after kPatience.
constexpr int kThreads = 2;
constexpr auto kPatience = std::chrono::seconds(5);

// Without the library's SO_REUSEPORT, with which two daemons could share a port unnoticed.
void ReuseAddress(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

std::string PageText(const std::vector<MetricsSource>& sources) {
  MetricsPage page;
  for (const MetricsSource& source : sources) source(&page);
  return prometheus::TextSerializer().Serialize(page.Take());
}

}  // namespace

// The HTTP library's threads have stacks of the usual size. (prometheus-cpp's own server gives its
// threads 100 kB, which the thread-local data of Debian's OpenBLAS alone use up.)
class MetricsServer::Impl {
 public:
  explicit Impl(std::vector<MetricsSource> sources) : sources_(std::move(sources)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_socket_options(ReuseAddress);
    server_.set_read_timeout(kPatience);
    server_.set_write_timeout(kPatience);
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(PageText(sources_), "text/plain; version=0.0.4; charset=utf-8");
    });
  }

  ~Impl() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // The port that was bound; -1 if none was.
  int Listen(const Address& address) {
    const int port = address.port == 0 ? server_.bind_to_any_port(address.host.c_str())
                     : server_.bind_to_port(address.host.c_str(), address.port) ? address.port
                                                                                : -1;
    if (port < 0) return -1;
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // What is stopped before it runs would run on.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return port;
  }

 private:
  const std::vector<MetricsSource> sources_;
  httplib::Server server_;
  std::thread thread_;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl, std::string address)
    : impl_(std::move(impl)), address_(std::move(address)) {}

MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& address, std::vector<MetricsSource> sources) {
  ASSIGN_OR_RETURN(Address parsed, ParseAddress(address));
  if (const absl::Status can = CheckCanListen(parsed); !can.ok()) {
    return absl::UnavailableError(absl::StrCat("can't serve metrics: ", can.message()));
  }
  auto impl = std::make_unique<Impl>(std::move(sources));
  parsed.port = impl->Listen(parsed);
  if (parsed.port < 0) {
    return absl::UnavailableError(absl::StrCat("can't serve metrics at ", address));
  }
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl), parsed.ToString()));
}

}  // namespace semlink
