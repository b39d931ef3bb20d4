// What became of a run of a sweep: read off its folder.
#ifndef SEMLINK_CLI_SWEEP_FOLDER_H_
#define SEMLINK_CLI_SWEEP_FOLDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

enum class SweepState {
  kNew,          // nothing there
  kFinished,     // it has a summary.json
  kInterrupted,  // it can be resumed: it has a ledger, and its nodes were processes of their own
  kUnusable,     // it began, but left nothing to go on from
};

// FAILED_PRECONDITION if the folder holds a run of another scenario, or files and none of a run: it
// is not one of this grid.
absl::StatusOr<SweepState> StateOfRun(const std::string& folder, const Scenario& scenario);

// Moves a run that can't go on to OUT/.sweep/stopped/NAME-N, so that it can begin again. Returns
// where it is then.
absl::StatusOr<std::string> SetAside(const std::string& out, const std::string& name);

// The last window that metrics.jsonl has whole; nullopt before the first.
std::optional<int64_t> LastWindow(const std::string& folder);

// "accuracy 99.66 99.55 99.39 %, N-CE -0.043, 80.2 nats, 6.0 links" of a summary.json; "" if it
// can't be read.
std::string ResultLine(const std::string& folder);

// Held while a run is worked on, so that two sweeps on one folder share the work (flock).
class RunLock {
 public:
  // UNAVAILABLE if somebody else holds it.
  static absl::StatusOr<std::unique_ptr<RunLock>> Take(const std::string& out,
                                                       const std::string& name);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  explicit RunLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SWEEP_FOLDER_H_
