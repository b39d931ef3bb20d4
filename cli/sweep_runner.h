// Runs a sweep: each run is a `semlink run` of its own, so many at a time.
#ifndef SEMLINK_CLI_SWEEP_RUNNER_H_
#define SEMLINK_CLI_SWEEP_RUNNER_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/process_group.h"
#include "cli/progress_printer.h"
#include "cli/signal_waiter.h"
#include "cli/sweep_folder.h"
#include "cli/sweep_grid.h"
#include "common/base/clock.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

struct SweepOptions {
  std::string scenario;  // path of the scenario file
  std::string out;       // each run is a folder in it
  std::string transport = "inproc";
  int jobs = 1;                                   // runs at a time
  absl::Duration kill_after = absl::Seconds(30);  // from Ctrl-C to SIGKILL
};

// A run with its resolved scenario.
struct PlannedRun {
  SweepRun run;
  Scenario scenario;
};

enum class SweepOutcome { kWaiting, kRunning, kFinished, kSkipped, kFailed, kElsewhere };

struct SweepResult {
  std::string name;
  SweepOutcome outcome = SweepOutcome::kWaiting;
  std::string detail;  // results, or why it failed
};

// The command line of a run, without the program's path: {"run", SCENARIO, "--out", ...}, or
// {"run", "--resume", FOLDER}.
std::vector<std::string> RunArguments(const SweepOptions& options, const SweepRun& run,
                                      bool resume);

class SweepRunner {
 public:
  // `clock` is not owned.
  SweepRunner(SweepOptions options, std::vector<PlannedRun> runs, Clock* clock);

  // Runs all that are not finished, with one line per run on standard error. Returns 0, 1 if one
  // failed, 130 if interrupted (runs under way end as after Ctrl-C, and can be resumed).
  int Run();
  const std::vector<SweepResult>& results() const { return results_; }

 private:
  struct Active {
    size_t index;
    std::unique_ptr<RunLock> lock;
    absl::Duration started;
    int64_t first_window = 0;  // of this start
  };

  bool StartNext();
  absl::Status Start(size_t index);
  // Whether it is to be resumed, from the state of its folder.
  absl::StatusOr<bool> Prepare(size_t index, bool* finished);
  void Reap();
  void Ended(const ChildExit& child);
  void Note(size_t index, SweepOutcome outcome, const std::string& detail);
  void ShowProgress();
  std::string ProgressOf(const Active& active) const;
  std::string Folder(size_t index) const;
  int ExitCode() const;

  SweepOptions options_;
  std::vector<PlannedRun> runs_;
  Clock* clock_;
  std::string program_;
  std::unique_ptr<SignalWaiter> signals_;
  ProcessGroup children_;
  ProgressPrinter printer_;
  bool terminal_;
  std::vector<SweepResult> results_;
  std::deque<size_t> waiting_;
  std::map<std::string, Active> active_;  // by name
  size_t ended_ = 0;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SWEEP_RUNNER_H_
