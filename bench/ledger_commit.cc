// What the ledger costs per committed window, against the cheapest record that survives a power
// cut: the same rows as one line of text, appended and synced. Both on the disk of a folder.
//
//   ledger_commit [FOLDER [SECONDS]]
//
// FOLDER: the present one if it is left out. SECONDS: what a window takes (summary.json:
// seconds_per_window); the cost is shown as a share of it. Left out: 0.2, of AV-MNIST's seven
// processes on two cores.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/ledger_workload.h"
#include "common/base/clock.h"
#include "coordinator/ledger.h"
#include "coordinator/traffic.h"

namespace semlink::coordinator {
namespace {

constexpr int kWindows = 1000;
constexpr double kWindowSeconds = 0.2;

WindowRecord MakeRecord(uint64_t window) {
  WindowRecord record = WorkloadRecord(window);
  AddWorkloadCosts(&record);
  return record;
}

void Print(const char* what, std::vector<double> milliseconds, double window_seconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  double sum = 0;
  for (double x : milliseconds) sum += x;
  const size_t n = milliseconds.size();
  std::printf("%-34s mean %7.3f  p50 %7.3f  p99 %7.3f  max %7.3f ms  %5.2f %% of a window\n", what,
              sum / n, milliseconds[n / 2], milliseconds[n * 99 / 100], milliseconds[n - 1],
              sum / n / window_seconds / 10);
}

template <typename Body>
std::vector<double> Time(Body body) {
  RealClock clock;
  std::vector<double> milliseconds;
  for (int window = 0; window < kWindows; ++window) {
    const WindowRecord record = MakeRecord(window);
    const absl::Duration start = clock.Now();
    if (!body(record)) return {};
    milliseconds.push_back(absl::ToDoubleMilliseconds(clock.Now() - start));
  }
  return milliseconds;
}

// The ledger as the recorder uses it: traffic differences and the record's bytes included.
std::vector<double> TimeLedger(const std::string& path) {
  RunInfo run;
  run.limits = {3, 4};
  auto ledger = Ledger::Create(path, run);
  if (!ledger.ok()) {
    std::fprintf(stderr, "%s\n", std::string(ledger.status().message()).c_str());
    return {};
  }
  TrafficBook book;
  return Time([&](const WindowRecord& record) {
    std::vector<TrafficGrowth> growth;
    for (const auto& [node, report] : record.reports) growth.push_back(book.Update(node, report));
    const absl::Status status = (*ledger)->CommitWindow(record, growth);
    if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return status.ok();
  });
}

std::vector<double> TimeText(const std::string& path) {
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0644);
  std::vector<double> milliseconds = Time([&](const WindowRecord& record) {
    std::string line;
    for (const auto& [node, report] : record.reports) line += report.ShortDebugString();
    for (const v1::LinkRounds& link : record.granted) line += link.ShortDebugString();
    line += '\n';
    return write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
           fdatasync(file) == 0;
  });
  close(file);
  return milliseconds;
}

int Main(const std::string& dir, double window_seconds) {
  const std::string ledger_path = dir + "/bench-ledger.sqlite";
  const std::string text_path = dir + "/bench-ledger.txt";
  const std::vector<double> sqlite = TimeLedger(ledger_path);
  const std::vector<double> text = TimeText(text_path);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(ledger_path, error);
  for (const std::string& path :
       {ledger_path, ledger_path + "-wal", ledger_path + "-shm", text_path}) {
    std::filesystem::remove(path, error);
  }
  if (sqlite.empty() || text.empty()) {
    std::fprintf(stderr, "writing in %s failed\n", dir.c_str());
    return 1;
  }
  std::printf("%d windows of 6 nodes and 8 links; a window of %.3f s; %.1f kB of ledger each\n",
              kWindows, window_seconds, static_cast<double>(bytes) / kWindows / 1000);
  Print("ledger (SQLite, WAL, FULL)", sqlite, window_seconds);
  Print("rival: a line of text, fdatasync", text, window_seconds);
  return 0;
}

}  // namespace
}  // namespace semlink::coordinator

int main(int argc, char** argv) {
  const double seconds = argc > 2 ? std::atof(argv[2]) : semlink::coordinator::kWindowSeconds;
  if (argc > 3 || !(seconds > 0)) {
    std::fprintf(stderr, "usage: ledger_commit [FOLDER [SECONDS]]\n");
    return 2;
  }
  return semlink::coordinator::Main(argc > 1 ? argv[1] : ".", seconds);
}
