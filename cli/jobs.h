// What `run`, `evaluate` and `infer` have in common.
#ifndef SEMLINK_CLI_JOBS_H_
#define SEMLINK_CLI_JOBS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/node/exit_code.h"
#include "common/scenario/reader.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

// Reads a scenario for a job on this machine: data.root is made absolute, so that the run folder
// works from anywhere, and its data have to be there.
absl::StatusOr<Scenario> ReadScenarioForJob(const std::string& path, const Overrides& overrides);

// The scenario of a finished run. NOT_FOUND if `run` has no scenario.yaml or no parameters/.
absl::StatusOr<Scenario> ReadTrainedRun(const std::string& run, const Overrides& overrides);

// "semlink: " and the message on standard error.
int Complain(const absl::Status& status, int code);

// Prints OUT/summary.json or OUT/infer.json as `format` says, with the folder's path.
int PrintSummary(const Scenario& scenario, const std::string& out, const std::string& format);
int PrintInference(const std::string& out, const std::string& format);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_JOBS_H_
