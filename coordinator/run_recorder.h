// Everything that a run leaves behind: run folder, ledger, summary. The node tells it what
// happened.
#ifndef SEMLINK_COORDINATOR_RUN_RECORDER_H_
#define SEMLINK_COORDINATOR_RUN_RECORDER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "coordinator/job.h"
#include "coordinator/ledger.h"
#include "coordinator/membership.h"
#include "coordinator/run_folder.h"
#include "coordinator/summary.h"
#include "coordinator/traffic.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

// Not thread-safe. Errors are those of the disk.
class RunRecorder {
 public:
  // Creates the run folder and the ledger. ALREADY_EXISTS if `dir` holds a run.
  static absl::StatusOr<std::unique_ptr<RunRecorder>> Create(const std::string& dir,
                                                             const Scenario& scenario,
                                                             const Job& job, Clock* clock);

  const std::string& run_id() const { return run_id_; }
  const Summary& summary() const { return summary_; }

  absl::Status Event(const std::string& event, const Json& fields);

  // The first window is about to open.
  absl::Status Started(const Membership& membership);
  // A change after the start.
  absl::Status MembersChanged(const Membership& membership);

  // Ledger first, then metrics.jsonl (TRAIN). After it returns OK the window counts.
  absl::Status CommitWindow(const WindowRecord& record);
  absl::Status AbortWindow(const WindowRecord& record);

  // Trained parameters: writes parameters/.
  absl::Status Parameters(const ParametersByNode& parameters);
  // Parameters that the run started from.
  void StartedFrom(const ParametersByNode& parameters);

  // Writes summary.json or infer.json, and closes the books. `transport`: of the coordinator.
  absl::Status Finish(const Membership& membership, const Transport& transport);
  // Closes the books of a failed run; goes on after errors, which it logs.
  void Fail(const std::string& reason);

 private:
  RunRecorder(const Scenario& scenario, const Job& job, Clock* clock)
      : scenario_(scenario), job_(job), clock_(clock), summary_(scenario) {}
  absl::Status WriteSummary(const Membership& membership, const Transport& transport);

  Scenario scenario_;
  Job job_;
  Clock* clock_;
  std::string run_id_;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<Ledger> ledger_;
  Summary summary_;
  TrafficBook traffic_;
  Json infer_;
  std::string parameters_sha256_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_RECORDER_H_
