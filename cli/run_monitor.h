// Follows a run by what its coordinator writes into the run folder: metrics.jsonl and events.jsonl.
#ifndef SEMLINK_CLI_RUN_MONITOR_H_
#define SEMLINK_CLI_RUN_MONITOR_H_

#include <cstdint>
#include <deque>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/json.h"

namespace semlink::cli {

// Reads a growing file line by line. A line counts once its newline is there.
class LineFollower {
 public:
  explicit LineFollower(std::string path) : path_(std::move(path)) {}

  // Whole lines since the last call. None as long as the file is missing.
  std::vector<std::string> ReadNew();

 private:
  std::string path_;
  int64_t offset_ = 0;
};

// A fault that keeps nodes dead.
struct Hold {
  std::set<std::string> nodes;
  absl::Time until;
};

// What is known of a run at one moment. The lists are per receiver.
struct Progress {
  std::string phase =
      "starting";  // starting, waiting, training, evaluating, inferring, finished, failed
  int nodes_joined = 0;
  uint64_t windows = 0;        // TRAIN windows committed
  uint64_t windows_total = 0;  // 0: not known
  uint64_t evaluated = 0;
  uint64_t evaluated_total = 0;
  double seconds_per_window = 0;  // mean of the last windows, as are the figures below
  std::vector<double> loss;       // nats
  std::vector<double> accuracy;   // 0..1, on training samples
  std::vector<double> links;      // per round
  double rate_nats = 0;           // sum over the links
  std::string failure;            // reason of the event `failed`
  bool started = false;           // some phase has begun: all nodes were there once
  std::set<std::string> absent;   // nodes that were lost and have not come back
  // Processes that a `kill` holds down, by the fault's number, and until when: InfiniteFuture if it
  // is to be cleared.
  std::map<uint64_t, Hold> holds;
  int unreadable_lines = 0;
};

class RunMonitor {
 public:
  explicit RunMonitor(const std::string& run_folder);

  // Reads what is new.
  void Poll();

  const Progress& progress() const { return progress_; }

 private:
  // The figures of one committed TRAIN window.
  struct Window {
    double seconds = 0;
    double rate_nats = 0;
    std::vector<double> loss, accuracy, links;
  };

  void TakeMetrics(const std::string& line);
  void TakeEvent(const std::string& line);
  void TakeFault(const Json& event);
  void UpdateMeans();

  LineFollower metrics_;
  LineFollower events_;
  std::deque<Window> recent_;
  Progress progress_;
};

// The nodes that must not be started now. A coordinator that was killed can't be told to end it: it
// is held for a limited time only.
std::set<std::string> HeldDown(const Progress& progress, absl::Time now);

// One line for people: "training 120/400 windows, 1:12 left | loss 0.81 1.02 nats | ...".
std::string ProgressLine(const Progress& progress);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_RUN_MONITOR_H_
