// Trains codecs for fixed sets of links, and methods to compare with: each run is a `semlink run`
// of its own, which a later call finds finished.
#ifndef SEMLINK_CLI_SET_TRAINER_H_
#define SEMLINK_CLI_SET_TRAINER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/score_report.h"
#include "cli/set_scores.h"
#include "cli/sweep_runner.h"
#include "common/base/clock.h"
#include "common/scenario/reader.h"

namespace semlink::cli {

struct SetTrainerOptions {
  SweepOptions runs;            // scenario file, folder for the run folders, runs at a time
  Overrides overrides;          // of the scenario, for every run
  std::vector<uint64_t> seeds;  // one run each
};

// The folder of a run in SetTrainerOptions::runs.out: "links=1.3-1_2.2-1,seed=1". A name that would
// be too long for a file system ends in a checksum instead.
std::string SetRunName(const LinkSet& links, uint64_t seed);

class SetTrainer {
 public:
  // `clock` is not owned.
  SetTrainer(SetTrainerOptions options, Clock* clock)
      : options_(std::move(options)), clock_(clock) {}

  // Trains method.name fixed with each set and each seed; finished runs are read as they are.
  // Progress goes to standard error, one line per run. INVALID_ARGUMENT: the scenario does not
  // allow it (said before anything starts); CANCELLED: interrupted, the same call goes on;
  // INTERNAL: a run failed.
  absl::StatusOr<std::vector<SetScore>> Score(const std::vector<LinkSet>& sets) const;

  // Trains this method instead, which finds its links itself.
  absl::StatusOr<MethodRuns> Train(const std::string& method) const;

 private:
  absl::StatusOr<std::vector<PlannedRun>> Plan(
      const Overrides& more, const std::function<std::string(uint64_t)>& name) const;
  absl::Status Run(std::vector<PlannedRun> planned) const;
  std::string Folder(const std::string& name) const;

  SetTrainerOptions options_;
  Clock* clock_;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SET_TRAINER_H_
