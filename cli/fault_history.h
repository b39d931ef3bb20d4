// What was injected into a run, from its folder.
#ifndef SEMLINK_CLI_FAULT_HISTORY_H_
#define SEMLINK_CLI_FAULT_HISTORY_H_

#include <string>

#include "absl/status/statusor.h"

namespace semlink::cli {

// The faults of RUN so far as a `faults:` list for a scenario: each at the window at which it
// began, with its seed, and with the time that it lasted if it was cleared or failed before its
// time; one that failed before another window was committed is left out. Those of the run's own
// scenario that have not begun keep their places, so that every fault has the same number again,
// and with it the same random decisions. NOT_FOUND if `run` is no run folder.
absl::StatusOr<std::string> FaultsAsScenario(const std::string& run);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_FAULT_HISTORY_H_
