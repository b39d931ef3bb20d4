// The ledger: what was committed, in SQLite. The tables are described in docs/formats/ledger.md.
#ifndef SEMLINK_COORDINATOR_LEDGER_H_
#define SEMLINK_COORDINATOR_LEDGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/scenario/scenario.h"
#include "coordinator/job.h"
#include "coordinator/ledger_schema.h"
#include "coordinator/membership.h"
#include "coordinator/run_state.h"
#include "coordinator/sqlite.h"
#include "coordinator/traffic.h"
#include "coordinator/window_record.h"
#include "semlink/v1/ledger.pb.h"

namespace semlink::coordinator {

struct RunInfo {
  std::string id;
  std::string scenario;         // its name
  std::string scenario_sha256;  // of the resolved scenario
  std::string scenario_yaml;    // the resolved scenario
  uint64_t seed = 0;
  LimitOptions limits;
  JobOptions job;
  std::string software;
  absl::Time started_at;
  std::string state = "running";  // running, finished, failed
  std::string parameters_sha256;  // empty: not trained yet
};

struct RecordedEpoch {
  MemberEpoch epoch;
  uint64_t committed = 0;  // windows when it was recorded
};

// One writer. Not thread-safe. Each call is one transaction: whole or not at all, and on disk when
// the call returns, also if the power fails then.
class Ledger {
 public:
  // Creates the file with the tables and the first start. ALREADY_EXISTS if there is one.
  static absl::StatusOr<std::unique_ptr<Ledger>> Create(const std::string& path,
                                                        const RunInfo& run);
  // Opens an existing ledger. NOT_FOUND; FAILED_PRECONDITION if its tables are of another version;
  // DATA_LOSS if it is no ledger, is damaged, or lacks a window before the last one.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path);

  const RunInfo& run() const { return run_; }
  // Windows 0 .. committed() - 1 are committed.
  uint64_t committed() const { return committed_; }

  // Another coordinator goes on with the run: it is running again. Returns how many there have
  // been.
  absl::StatusOr<uint32_t> AddStart(const std::string& software, absl::Time now);
  // From which window on each coordinator ran, in order.
  absl::StatusOr<std::vector<uint64_t>> Starts();
  absl::Status FinishRun(const std::string& state, const std::string& reason, absl::Time now);
  absl::Status SetParameters(const std::string& sha256);

  // Writes a window as committed, with what its reports add to the traffic, and the coordinator's
  // own counters if they were taken. FAILED_PRECONDITION, and nothing is written, unless its number
  // is committed() and its links keep E_k and E_t.
  absl::Status CommitWindow(const WindowRecord& record,
                            const std::vector<TrafficGrowth>& traffic = {},
                            const std::vector<v1::Report>& coordinator = {});
  // Notes an attempt that does not count. Its number may be committed later.
  absl::Status AbortWindow(const WindowRecord& record, const std::string& reason, absl::Time now);
  // A committed window. NOT_FOUND; DATA_LOSS.
  absl::StatusOr<v1::StoredWindow> Stored(uint64_t window);
  absl::StatusOr<std::optional<uint64_t>> CommittedAttempt(uint64_t window);
  // The view with the greatest number of all committed or aborted windows.
  absl::StatusOr<std::optional<ViewState>> LastView();

  // Writes the members' present state.
  absl::Status RecordMembers(const Membership& membership, absl::Time now);
  absl::Status AddEpoch(const MemberEpoch& epoch, absl::Time now);
  absl::StatusOr<std::vector<RecordedEpoch>> Epochs();

  // A file replaces an earlier one of the same window and node.
  absl::Status AddCheckpoint(const NodeId& node, const v1::CheckpointId& checkpoint, uint64_t bytes,
                             absl::Time now);
  absl::Status DropCheckpoints(uint64_t below);
  // Windows of which at least `nodes` nodes have a file that was not dropped, descending.
  absl::StatusOr<std::vector<uint64_t>> CheckpointsOf(int nodes);
  absl::StatusOr<std::optional<v1::CheckpointId>> Checkpoint(uint64_t window, const NodeId& node);

  absl::Status BeginFault(const v1::Fault& fault, const std::string& text, uint64_t window,
                          absl::Time now);
  // NOT_FOUND. Of a fault that has ended: changes nothing.
  absl::Status EndFault(uint64_t id, uint64_t window, absl::Time now);
  absl::StatusOr<std::vector<FaultState>> Faults();

 private:
  explicit Ledger(Database database) : database_(std::move(database)) {}
  absl::Status ReadRun();
  absl::Status CheckWindows();
  // The prepared statement for this text, prepared at its first use.
  absl::StatusOr<Statement*> Prepared(const char* sql);
  absl::Status CheckRecord(const WindowRecord& record) const;
  absl::Status WriteWindow(const WindowRecord& record);
  absl::Status WriteView(const v1::OpenWindow& open);
  absl::Status WriteResults(const WindowRecord& record);
  absl::Status WriteLinks(const WindowRecord& record);
  absl::Status WriteRefusals(const WindowRecord& record);
  absl::Status WriteTraffic(uint64_t window, const TrafficGrowth& growth);

  Database database_;
  std::map<const char*, Statement> statements_;
  RunInfo run_;
  uint64_t committed_ = 0;
  std::optional<uint64_t> written_view_;  // the last one that this object wrote
};

// SQLite text of a time, and back (INVALID_ARGUMENT).
std::string LedgerTime(absl::Time time);
absl::StatusOr<absl::Time> ParseLedgerTime(const std::string& text);

// "transmitter1" -> Transmitter(0). INVALID_ARGUMENT.
absl::StatusOr<NodeId> ParseNodeName(const std::string& name);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_LEDGER_H_
