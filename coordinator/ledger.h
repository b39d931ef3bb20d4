// The ledger: what was committed, in SQLite. The tables are described in docs/formats/ledger.md.
#ifndef SEMLINK_COORDINATOR_LEDGER_H_
#define SEMLINK_COORDINATOR_LEDGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/membership.h"
#include "coordinator/sqlite.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

// Raised with every incompatible change of the tables.
inline constexpr int kLedgerSchemaVersion = 1;

struct RunInfo {
  std::string id;
  std::string scenario;         // its name
  std::string scenario_sha256;  // of the resolved scenario
  uint64_t seed = 0;
  std::string job;
  std::string software;
  absl::Time started_at;
};

// One writer. Not thread-safe. Each call is one transaction: whole or not at all.
class Ledger {
 public:
  // Creates the file with empty tables. ALREADY_EXISTS if there is one.
  static absl::StatusOr<std::unique_ptr<Ledger>> Create(const std::string& path,
                                                        const RunInfo& run);
  // Opens an existing ledger. NOT_FOUND; FAILED_PRECONDITION if its tables are of another version.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(const std::string& path);

  // Writes a member's present state, and who is up if this is a new view.
  absl::Status RecordMembers(const Membership& membership, absl::Time now);

  // Writes a window as committed. ALREADY_EXISTS if it has been committed before; the ledger is
  // unchanged then.
  absl::Status CommitWindow(const WindowRecord& record);
  // Notes that a window was aborted. Its number may be committed later.
  absl::Status AbortWindow(const WindowRecord& record);

  absl::Status FinishRun(const std::string& state, const std::string& reason, absl::Time now);

  // The last committed window, nullopt if there is none: where a restarted coordinator goes on.
  absl::StatusOr<std::optional<uint64_t>> LastCommitted();

 private:
  explicit Ledger(Database database) : database_(std::move(database)) {}
  // The prepared statement for this text, prepared at its first use.
  absl::StatusOr<Statement*> Prepared(const char* sql);
  absl::Status WriteWindow(const WindowRecord& record);
  absl::Status WriteResults(const WindowRecord& record);
  absl::Status WriteLinks(const WindowRecord& record);
  absl::Status WriteRefusals(const WindowRecord& record);
  absl::Status WriteTraffic(const WindowRecord& record);

  Database database_;
  std::map<const char*, Statement> statements_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_LEDGER_H_
