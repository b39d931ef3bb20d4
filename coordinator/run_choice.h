// Which run a coordinator is to work on that may have been started again by whoever supervises it.
#ifndef SEMLINK_COORDINATOR_RUN_CHOICE_H_
#define SEMLINK_COORDINATOR_RUN_CHOICE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/scenario/scenario.h"
#include "coordinator/job.h"

namespace semlink::coordinator {

struct RunChoice {
  std::string dir;
  bool resume = false;   // `dir` holds an unfinished run; else nothing
  std::string finished;  // the newest run, if it is of this scenario and job, and finished
};

// The newest run in the folder `runs` if it is one of this scenario and job and not finished; else
// the folder of a new run, RUNS/NAME-DATE-TIME (UTC). `job`: as Job::options(), defaults filled in.
// A ledger that can't be read counts as one of this job: whoever resumes it says what is wrong.
absl::StatusOr<RunChoice> ChooseRun(const std::string& runs, const Scenario& scenario,
                                    const JobOptions& job, absl::Time now);

// Lets the operator commands find the run: RUNS/latest leads to it, and RUN/certs to the folder of
// its certificates (none if empty).
absl::Status LinkRun(const std::string& run, const std::string& certificates);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_CHOICE_H_
