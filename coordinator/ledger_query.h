// Reads a ledger for people and programs: `semlink ledger`. Writes nothing, and may read while a
// coordinator writes.
#ifndef SEMLINK_COORDINATOR_LEDGER_QUERY_H_
#define SEMLINK_COORDINATOR_LEDGER_QUERY_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/sqlite.h"

namespace semlink::coordinator {

enum class LedgerSubject {
  kOverview,        // one row: the run as a whole
  kLinks,           // per link: how often it was granted, and failed
  kRates,           // per link and per pair: the four cost figures
  kRefusals,        // per reason
  kFailures,        // per failed pair or aborted attempt
  kWindows,         // per committed window or aborted attempt
  kCheckpoints,     // per checkpoint
  kMembers,         // per node and epoch
  kFaults,          // per injected fault
  kEachLink,        // per window and link
  kEachRate,        // per window, and link or pair
  kEachRefusal,     // per window and reason
  kEachCheckpoint,  // per checkpoint and node
};

// NULL, a number or a text. Seeds are unsigned.
using LedgerCell = std::variant<std::monostate, int64_t, uint64_t, double, std::string>;

struct LedgerTable {
  std::vector<std::string> columns;  // docs/formats/ledger.md
  std::vector<std::vector<LedgerCell>> rows;
};

class LedgerQuery {
 public:
  // NOT_FOUND; FAILED_PRECONDITION if its tables are of another version; DATA_LOSS if it is no
  // ledger or damaged. Errors name the file.
  static absl::StatusOr<LedgerQuery> Open(const std::string& path);

  // Windows from..to, both included. Members and faults: those whose time overlaps with these.
  absl::StatusOr<LedgerTable> Read(LedgerSubject subject, uint64_t from, uint64_t to);

 private:
  LedgerQuery(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}
  absl::StatusOr<LedgerTable> ReadRows(const std::string& sql, uint64_t from, uint64_t to);

  Database database_;
  std::string path_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_LEDGER_QUERY_H_
