// Everything that a run leaves behind: run folder, ledger, summary. The node tells it what
// happened, and a coordinator that starts again asks it where the run stood.
#ifndef SEMLINK_COORDINATOR_RUN_RECORDER_H_
#define SEMLINK_COORDINATOR_RUN_RECORDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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
#include "coordinator/run_state.h"
#include "coordinator/summary.h"
#include "coordinator/traffic.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

// Not thread-safe. Errors are those of the disk where nothing else is said; after one the run can't
// go on. One process at a time holds a run.
class RunRecorder {
 public:
  // Creates the run folder and the ledger. ALREADY_EXISTS if `dir` holds a run.
  static absl::StatusOr<std::unique_ptr<RunRecorder>> Create(const std::string& dir,
                                                             const Scenario& scenario,
                                                             const Job& job, Clock* clock);
  // Opens an existing run as it was after its last committed window; repairs metrics.jsonl and
  // events.jsonl. NOT_FOUND if there is none; FAILED_PRECONDITION if it is finished, if another
  // process holds it, or if its ledger has another schema; DATA_LOSS if the ledger is damaged.
  static absl::StatusOr<std::unique_ptr<RunRecorder>> Resume(const std::string& dir, Clock* clock);

  const std::string& run_id() const { return run_id_; }
  const Summary& summary() const { return summary_; }
  // As the run was started, defaults filled in.
  const Scenario& scenario() const { return scenario_; }
  JobOptions job_options() const { return job_.options(); }

  // How often a coordinator was started for this run: 1 after Create, 1 more after each Resume. On
  // disk before Create and Resume return.
  uint32_t starts() const { return starts_; }
  // The number of the next window.
  uint64_t committed_windows() const;
  // The attempt in which a window was committed; nullopt: it was not.
  absl::StatusOr<std::optional<uint64_t>> CommittedAttempt(uint64_t window);
  // A window as it was given to CommitWindow. NOT_FOUND if it was not committed.
  absl::StatusOr<WindowRecord> Committed(uint64_t window);

  absl::Status Event(const std::string& event, const Json& fields);

  // The first window is about to open.
  absl::Status Started(const Membership& membership);
  // A change after the start. The view itself is kept with the windows that are opened in it.
  absl::Status MembersChanged(const Membership& membership);
  // The view with the greatest number; nullopt before the first.
  absl::StatusOr<std::optional<ViewState>> LastView();

  // A node takes part from a window on. Call it before that window is committed, and before the
  // node's first report of that incarnation: its traffic counters start again from 0.
  absl::Status Epoch(const MemberEpoch& epoch);
  // In the order in which they were given.
  absl::StatusOr<std::vector<MemberEpoch>> Epochs();

  // A node has written a checkpoint, or could not (empty sha256: an event, and no file).
  absl::Status CheckpointFile(const NodeId& node, const v1::Checkpointed& written);
  // The windows of the checkpoints of which every node of the scenario has a file, descending.
  absl::StatusOr<std::vector<uint64_t>> CompleteCheckpoints();
  // nullopt: that node has none of that window.
  absl::StatusOr<std::optional<v1::CheckpointId>> FileOf(uint64_t window, const NodeId& node);
  // Nodes have been told that they may delete the files of all windows below this one: these no
  // longer count.
  absl::Status CheckpointsDropped(uint64_t below);

  // `text`: the fault for people. `window`: windows committed so far.
  absl::Status FaultBegan(const v1::Fault& fault, const std::string& text, uint64_t window);
  // NOT_FOUND if it has not begun.
  absl::Status FaultEnded(uint64_t id, uint64_t window);
  // All faults of the run, by id.
  absl::StatusOr<std::vector<FaultState>> Faults();

  // Ledger first, then metrics.jsonl (TRAIN). After it returns OK the window counts.
  // FAILED_PRECONDITION, and nothing is written, if its number is not committed_windows() or its
  // links exceed the limits that the method keeps.
  absl::Status CommitWindow(const WindowRecord& record);
  // What the pairs exchanged in the window that was committed last.
  const PairCosts& last_costs() const { return last_costs_; }
  // One more attempt that does not count. Its number may be committed later.
  absl::Status AbortWindow(const WindowRecord& record, const std::string& reason);

  // The coordinator's own traffic so far: kept with the next window, so that it survives the
  // coordinator. Call it now and then, and when a connection is lost; Finish does it itself.
  void ObserveTraffic(const Transport& transport);

  // Trained parameters: writes parameters/.
  absl::Status Parameters(const ParametersByNode& parameters);
  // parameters/ is complete: nodes need not be asked again.
  bool has_parameters() const { return has_parameters_; }
  // Parameters that the run started from.
  void StartedFrom(const ParametersByNode& parameters);

  // Writes summary.json or infer.json, and closes the books. `transport`: of the coordinator.
  absl::Status Finish(const Membership& membership, const Transport& transport);
  // Closes the books of a failed run, which can be resumed; goes on after errors, which it logs.
  void Fail(const std::string& reason);

 private:
  RunRecorder(const Scenario& scenario, const Job& job, Clock* clock)
      : scenario_(scenario), job_(job), clock_(clock), summary_(scenario) {}
  // Takes a committed window into memory: summary, infer.json.
  void Remember(const WindowRecord& record);
  // Lets the traffic counters of a new process start from 0.
  void BeginIncarnation(const MemberEpoch& epoch);
  // What the window's reports add to the traffic.
  std::vector<TrafficGrowth> UpdateTraffic(const WindowRecord& record);
  absl::Status Rebuild();
  absl::Status WriteSummary(const Membership& membership);

  Scenario scenario_;
  Job job_;
  Clock* clock_;
  std::string run_id_;
  uint32_t starts_ = 0;
  std::unique_ptr<RunFolder> folder_;
  std::unique_ptr<Ledger> ledger_;
  Summary summary_;
  TrafficBook traffic_;
  PairCosts last_costs_;
  std::map<NodeId, uint64_t> incarnations_;  // by the last epoch
  // The coordinator's own, since the last committed window.
  std::vector<v1::Report> own_traffic_;
  std::vector<TrafficGrowth> own_growth_;
  Json infer_;
  bool has_parameters_ = false;
  std::string parameters_sha256_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_RECORDER_H_
