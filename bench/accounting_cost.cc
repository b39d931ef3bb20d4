// What it costs to measure costs: processor time per window that is spent on counting, on reading
// the kernel's figures, on ledger rows and on metrics, beside the time of the window itself.
//
//   accounting_cost [FOLDER [SECONDS]]
//
// FOLDER: where the ledgers are written; the present one if it is left out. SECONDS: what a window
// takes (summary.json: seconds_per_window). Left out: 0.2, of AV-MNIST's seven processes on two
// cores. Ends with 1 if the accounts take 1 % of a window or more, all seven processes' times added
// up as if nothing ran at once.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/ledger_workload.h"
#include "common/base/thread_cpu.h"
#include "common/metrics/daemon_metrics.h"
#include "common/transport/protocol.h"
#include "common/transport/traffic_counter.h"
#include "common/transport/wire_book.h"
#include "coordinator/ledger.h"
#include "coordinator/run_metrics.h"
#include "coordinator/traffic.h"

namespace semlink::coordinator {
namespace {

constexpr int kWindows = 500;
constexpr double kWindowSeconds = 0.2;
constexpr int kPeers = 4;             // of each: 3 of the other kind, and the coordinator
constexpr double kScrapeSeconds = 2;  // deploy/monitoring/prometheus.yml

// Connections of this process with itself, as many as a node has.
class Sockets {
 public:
  explicit Sockets(const std::vector<NodeId>& peers) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener, kPeers) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::perror("no loopback socket");
      std::exit(1);
    }
    const std::string remote = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    for (const NodeId& peer : peers) {
      const int near = socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in local = {};
      if (connect(near, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
          getsockname(near, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
        std::perror("no loopback connection");
        std::exit(1);
      }
      open_.push_back(near);
      open_.push_back(accept(listener, nullptr, nullptr));
      live_.push_back({peer, absl::StrCat("127.0.0.1:", ntohs(local.sin_port)), remote});
    }
    close(listener);
  }
  ~Sockets() {
    for (const int fd : open_) close(fd);
  }
  const std::vector<PeerConnection>& live() const { return live_; }

 private:
  std::vector<int> open_;
  std::vector<PeerConnection> live_;
};

// What a node's transport counts.
struct NodeAccounts {
  explicit NodeAccounts(const NodeId& node)
      : self(node), peers(WorkloadPeers(node)), sockets(peers), report(node) {}

  // The messages of a window: more than there are, since each goes both ways here.
  void Count(const std::vector<v1::Message>& data, const v1::Message& control) {
    for (const NodeId& peer : peers) {
      if (peer.role == Role::kCoordinator) {
        for (int i = 0; i < 3; ++i) CountOne(peer, control);
        continue;
      }
      for (const v1::Message& message : data) CountOne(peer, message);
    }
  }
  void CountOne(const NodeId& peer, const v1::Message& message) {
    traffic.CountSent(peer, message, 40000);
    traffic.CountReceived(peer, message, 40000);
  }
  void Fill(v1::Report* out) {
    for (v1::Traffic& each : traffic.Snapshot()) *out->add_traffic() = std::move(each);
    wire.Read(sockets.live());
    for (v1::Wire& each : wire.Totals()) *out->add_wire() = std::move(each);
  }

  NodeId self;
  std::vector<NodeId> peers;
  Sockets sockets;
  TrafficCounter traffic;
  WireBook wire;
  ReportMetrics report;
};

// Microseconds of processor time, of each window.
struct Times {
  std::vector<double> count, read, sum_up, ledger, scrape;
};

class Bench {
 public:
  explicit Bench(const std::string& path) {
    RunInfo run;
    run.limits = {3, 8};
    auto made = Ledger::Create(path, run);
    if (!made.ok()) {
      std::fprintf(stderr, "%s\n", std::string(made.status().message()).c_str());
      std::exit(1);
    }
    ledger_ = *std::move(made);
    for (int i = 0; i < kWorkloadNodes; ++i)
      nodes_.push_back(std::make_unique<NodeAccounts>(WorkloadNode(i)));
    data_[0].mutable_request();
    data_[1].mutable_features();
    data_[2].mutable_gradients();
    control_.mutable_commit();
  }

  // One window with its accounts, or without them.
  bool Window(uint64_t window, bool accounts, Times* times) {
    WindowRecord record = WorkloadRecord(window);
    std::vector<TrafficGrowth> growth;
    if (accounts) {
      times->count.push_back(Time([&] { CountMessages(); }));
      times->read.push_back(Time([&] { ReadCounters(&record); }));
      times->sum_up.push_back(Time([&] { growth = SumUp(record); }));
    }
    bool committed = false;
    times->ledger.push_back(Time([&] { committed = ledger_->CommitWindow(record, growth).ok(); }));
    if (accounts) times->scrape.push_back(Time([&] { Scrape(); }));
    return committed;
  }

 private:
  // Of the processor: the machine is not idle. Both ledgers sync the disk once per window.
  static double Time(const std::function<void()>& work) {
    const double start = ThreadCpuSeconds();
    work();
    return 1e6 * (ThreadCpuSeconds() - start);
  }
  void CountMessages() {
    for (const auto& node : nodes_) node->Count(data_, control_);
  }
  void ReadCounters(WindowRecord* record) {
    for (int i = 0; i < kWorkloadNodes; ++i) {
      v1::Message message;
      *message.mutable_report() = record->reports[WorkloadNode(i)];
      nodes_[i]->Fill(message.mutable_report());
      nodes_[i]->report.Sent(message);
      // On its way to the coordinator.
      record->reports[WorkloadNode(i)].ParseFromString(message.report().SerializeAsString());
    }
  }
  std::vector<TrafficGrowth> SumUp(const WindowRecord& record) {
    std::vector<TrafficGrowth> growth;
    for (const auto& [node, report] : record.reports) growth.push_back(book_.Update(node, report));
    const PairCosts costs = CostsOf(growth);
    board_.links().Add(record, costs);
    board_.counters().Committed(record);
    return growth;
  }
  // All seven daemons', but for the coordinator's own connections.
  void Scrape() {
    MetricsPage page;
    AddRunMetrics(&board_, check_, &page);
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, page.Take());
    for (const auto& node : nodes_) {
      node->report.AddTo(&page);
      node->wire.Read(node->sockets.live());
      AddTrafficMetrics(node->self, node->traffic.Snapshot(), node->wire.Totals(), &page);
      AddProcessMetrics(absl::UnixEpoch(), &page);
      prometheus::TextSerializer().Serialize(text, page.Take());
    }
  }

  std::unique_ptr<Ledger> ledger_;
  std::vector<std::unique_ptr<NodeAccounts>> nodes_;
  std::vector<v1::Message> data_ = std::vector<v1::Message>(3);
  v1::Message control_;
  TrafficBook book_;
  StatusBoard board_;
  PeerCheck check_;
};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double Print(const char* what, double mean, double median, double window_seconds) {
  const double share = mean / window_seconds / 1e4;
  std::printf("%-58s mean %8.1f  p50 %8.1f us  %6.3f %%\n", what, mean, median, share);
  return share;
}

int Report(const Times& with, const Times& without, double bytes_with, double bytes_without,
           double window_seconds) {
  std::printf(
      "%d windows of 6 nodes and 8 links, each with its accounts and without; a window of "
      "%.3f s\n",
      kWindows, window_seconds);
  double share = 0;
  share += Print("counting 144 messages, six nodes", Mean(with.count), Median(with.count),
                 window_seconds);
  share += Print("TCP_INFO of 24 connections, six reports", Mean(with.read), Median(with.read),
                 window_seconds);
  share += Print("the coordinator's sums", Mean(with.sum_up), Median(with.sum_up), window_seconds);
  share += Print("ledger rows (more than without)", Mean(with.ledger) - Mean(without.ledger),
                 Median(with.ledger) - Median(without.ledger), window_seconds);
  const double scrapes = window_seconds / kScrapeSeconds;  // in a window
  share += Print("/metrics of seven daemons each 2 s, per window", Mean(with.scrape) * scrapes,
                 Median(with.scrape) * scrapes, window_seconds);
  std::printf(
      "beside: the ledger without accounts %.1f us, with %.1f us (means); %.1f and %.1f "
      "kB of file per window\n",
      Mean(without.ledger), Mean(with.ledger), bytes_without / kWindows / 1e3,
      bytes_with / kWindows / 1e3);
  std::printf("accounting in all: %.3f %% of a window, %s\n", share,
              share < 1 ? "under 1 %" : "NOT under 1 %");
  return share < 1 ? 0 : 1;
}

int Main(const std::string& dir, double window_seconds) {
  const std::string paths[] = {dir + "/bench-accounts.sqlite", dir + "/bench-plain.sqlite"};
  Times times[2];
  double bytes[2] = {};
  {
    Bench with(paths[0]), without(paths[1]);
    for (int window = 0; window < kWindows; ++window) {  // by turns: the machine is not idle
      if (!with.Window(window, true, &times[0]) || !without.Window(window, false, &times[1])) {
        std::fprintf(stderr, "writing in %s failed\n", dir.c_str());
        return 1;
      }
    }
  }
  for (int i = 0; i < 2; ++i) {
    std::error_code error;
    bytes[i] = static_cast<double>(std::filesystem::file_size(paths[i], error));
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(paths[i] + end, error);
  }
  return Report(times[0], times[1], bytes[0], bytes[1], window_seconds);
}

}  // namespace
}  // namespace semlink::coordinator

int main(int argc, char** argv) {
  const double seconds = argc > 2 ? std::atof(argv[2]) : semlink::coordinator::kWindowSeconds;
  if (argc > 3 || !(seconds > 0)) {
    std::fprintf(stderr, "usage: accounting_cost [FOLDER [SECONDS]]\n");
    return 2;
  }
  return semlink::coordinator::Main(argc > 1 ? argv[1] : ".", seconds);
}
