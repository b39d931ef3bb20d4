#include "coordinator/ledger_query.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status_macros.h"
#include "coordinator/ledger_schema.h"

namespace semlink::coordinator {
namespace {

// ?1 and ?2 are the first and the last window.
constexpr char kOverview[] = R"sql(
SELECT id AS run, scenario, job, seed, e_t, e_k, state, reason, started_at, finished_at,
  (SELECT count(*) FROM start) AS coordinator_starts,
  (SELECT count(*) FROM window WHERE number BETWEEN ?1 AND ?2) AS windows,
  (SELECT count(*) FROM aborted WHERE window BETWEEN ?1 AND ?2) AS aborted_attempts,
  (SELECT count(*) FROM link WHERE window BETWEEN ?1 AND ?2) AS links_granted,
  (SELECT count(*) FROM link WHERE failed IS NOT NULL AND window BETWEEN ?1 AND ?2)
    AS links_failed,
  (SELECT coalesce(sum(count), 0) FROM refusal WHERE window BETWEEN ?1 AND ?2) AS refusals,
  (SELECT max(window) FROM (SELECT window FROM checkpoint WHERE dropped = 0 GROUP BY window
     HAVING count(*) >= (SELECT count(*) FROM member))) AS last_complete_checkpoint,
  (SELECT count(*) FROM fault) AS faults,
  parameters_sha256
FROM run)sql";

constexpr char kLinks[] = R"sql(
SELECT transmitter, modality, receiver, count(*) AS windows, sum(rounds) AS rounds,
  sum(rounds) * 1.0 / (SELECT sum(rounds) FROM window WHERE number BETWEEN ?1 AND ?2)
    AS share_of_rounds,
  sum(failed IS NOT NULL) AS windows_failed
FROM link WHERE window BETWEEN ?1 AND ?2
GROUP BY transmitter, modality, receiver ORDER BY transmitter, modality, receiver)sql";

constexpr char kEachLink[] = R"sql(
SELECT window, transmitter, modality, receiver, rounds, round_list, rate_nats, coded_bits, failed
FROM link WHERE window BETWEEN ?1 AND ?2 ORDER BY window, transmitter, modality, receiver)sql";

// Bytes belong to a pair: one message carries all links of it. As the transmitter counted them; as
// the receiver did, if there is nothing of the transmitter. Each end knows what it sent again
// itself: that is the sum. 'transmitter' has 11 letters. $W is "window, " for a row per window, and
// nothing for totals.
constexpr char kRates[] = R"sql(
WITH counted AS (
  SELECT window, node, peer, kind, bytes_sent + bytes_received AS amount FROM traffic
    WHERE window BETWEEN ?1 AND ?2
  UNION ALL
  SELECT window, node, peer, 'wire', bytes_sent + bytes_received FROM wire
    WHERE window BETWEEN ?1 AND ?2
  UNION ALL
  SELECT window, node, peer, 'retransmitted', retransmitted FROM wire
    WHERE window BETWEEN ?1 AND ?2
  UNION ALL
  SELECT window, node, peer, 'round_trip', round_trip_us FROM wire
    WHERE window BETWEEN ?1 AND ?2),
pair AS (
  SELECT window, CAST(substr(node, 12) AS INTEGER) AS k, CAST(substr(peer, 9) AS INTEGER) AS t,
    kind, 0 AS end, amount FROM counted WHERE node GLOB 'transmitter*' AND peer GLOB 'receiver*'
  UNION ALL
  SELECT window, CAST(substr(peer, 12) AS INTEGER), CAST(substr(node, 9) AS INTEGER), kind,
    kind <> 'retransmitted', amount
    FROM counted WHERE node GLOB 'receiver*' AND peer GLOB 'transmitter*'),
total AS (
  SELECT $W k, t, kind, end, CASE kind WHEN 'round_trip' THEN avg(amount) ELSE sum(amount) END
    AS amount FROM pair GROUP BY $W k, t, kind, end),
best AS (SELECT $W k, t, kind, amount, min(end) FROM total GROUP BY $W k, t, kind)
SELECT $W transmitter, receiver, modality, sum(rounds) AS rounds,
  sum(rate_nats * rounds) / sum(CASE WHEN rate_nats IS NOT NULL THEN rounds END) AS rate_nats,
  sum(coded_bits * rounds) / sum(CASE WHEN coded_bits IS NOT NULL THEN rounds END) AS coded_bits,
  NULL AS request_bytes, NULL AS feature_bytes, NULL AS gradient_bytes, NULL AS control_bytes,
  NULL AS wire_bytes, NULL AS retransmitted_bytes, NULL AS round_trip_us
FROM link WHERE window BETWEEN ?1 AND ?2 GROUP BY $W transmitter, receiver, modality
UNION ALL
SELECT $W k, t, NULL, NULL, NULL, NULL, max(CASE kind WHEN 'request' THEN amount END),
  max(CASE kind WHEN 'feature' THEN amount END), max(CASE kind WHEN 'gradient' THEN amount END),
  max(CASE kind WHEN 'control' THEN amount END), max(CASE kind WHEN 'wire' THEN amount END),
  max(CASE kind WHEN 'retransmitted' THEN amount END),
  max(CASE kind WHEN 'round_trip' THEN amount END)
FROM best GROUP BY $W k, t
ORDER BY $W transmitter, receiver, modality NULLS LAST)sql";

constexpr char kRefusals[] = R"sql(
SELECT reason, sum(count) AS count, count(*) AS windows, min(window) AS first_window,
  max(window) AS last_window
FROM refusal WHERE window BETWEEN ?1 AND ?2 GROUP BY reason ORDER BY 2 DESC, 1)sql";

constexpr char kEachRefusal[] = R"sql(
SELECT window, reason, count FROM refusal WHERE window BETWEEN ?1 AND ?2
ORDER BY window, reason)sql";

constexpr char kFailures[] = R"sql(
SELECT window, 'pair' AS what, transmitter, receiver, stage,
  (SELECT count(*) FROM link WHERE link.window = f.window AND link.transmitter = f.transmitter
     AND link.receiver = f.receiver) AS links, NULL AS start, NULL AS attempt, NULL AS reason
FROM pair_failure AS f WHERE window BETWEEN ?1 AND ?2
UNION ALL
SELECT window, 'attempt', NULL, NULL, NULL, NULL, attempt >> 32, attempt & 4294967295, reason
FROM aborted WHERE window BETWEEN ?1 AND ?2
ORDER BY window, start, attempt, transmitter, receiver, stage)sql";

constexpr char kWindows[] = R"sql(
SELECT number AS window, kind, 'committed' AS state, attempt >> 32 AS start,
  attempt & 4294967295 AS attempt, view, cr_seed, sample_seed, cr_draw, rounds, batch_size,
  first_sample, samples, training_progress, opened_at, committed_at AS ended_at, seconds,
  cpu_seconds, loss, NULL AS reason
FROM window WHERE number BETWEEN ?1 AND ?2
UNION ALL
SELECT window, kind, 'aborted', attempt >> 32, attempt & 4294967295, view, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, opened_at, aborted_at, NULL, NULL, NULL, reason
FROM aborted WHERE window BETWEEN ?1 AND ?2
ORDER BY 1, 4, 5)sql";

constexpr char kCheckpoints[] = R"sql(
SELECT window, count(*) AS nodes, count(*) >= (SELECT count(*) FROM member) AS complete,
  max(dropped) AS dropped, sum(bytes) AS bytes, max(written_at) AS written_at
FROM checkpoint WHERE window BETWEEN ?1 AND ?2 GROUP BY window ORDER BY window)sql";

constexpr char kEachCheckpoint[] = R"sql(
SELECT window, node, sha256, bytes, written_at, dropped
FROM checkpoint WHERE window BETWEEN ?1 AND ?2 ORDER BY window, node)sql";

constexpr char kMembers[] = R"sql(
WITH epochs AS (
  SELECT *, lead(from_window) OVER (PARTITION BY node ORDER BY id) - 1 AS to_window FROM epoch)
SELECT member.node AS node, state, from_window, to_window, incarnation, live, restored_window,
  restored_sha256, address, pid, software, changed_at
FROM member LEFT JOIN epochs ON epochs.node = member.node
WHERE from_window IS NULL OR (from_window <= ?2 AND coalesce(to_window, ?1) >= ?1)
ORDER BY member.node, id)sql";

constexpr char kFaults[] = R"sql(
SELECT id, kind, target, begin_window, end_window, began_at, ended_at, spec
FROM fault WHERE begin_window <= ?2 AND coalesce(end_window, ?1) >= ?1 ORDER BY id)sql";

std::string SqlOf(LedgerSubject subject) {
  switch (subject) {
    case LedgerSubject::kOverview:
      return kOverview;
    case LedgerSubject::kLinks:
      return kLinks;
    case LedgerSubject::kRates:
      return absl::StrReplaceAll(kRates, {{"$W ", ""}});
    case LedgerSubject::kEachRate:
      return absl::StrReplaceAll(kRates, {{"$W", "window,"}});
    case LedgerSubject::kRefusals:
      return kRefusals;
    case LedgerSubject::kFailures:
      return kFailures;
    case LedgerSubject::kWindows:
      return kWindows;
    case LedgerSubject::kCheckpoints:
      return kCheckpoints;
    case LedgerSubject::kMembers:
      return kMembers;
    case LedgerSubject::kFaults:
      return kFaults;
    case LedgerSubject::kEachLink:
      return kEachLink;
    case LedgerSubject::kEachRefusal:
      return kEachRefusal;
    case LedgerSubject::kEachCheckpoint:
      return kEachCheckpoint;
  }
  return kOverview;
}

LedgerCell Cell(const Statement& row, int column, const std::string& name) {
  switch (row.Type(column)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
      if (absl::EndsWith(name, "seed")) return static_cast<uint64_t>(row.Int(column));
      return row.Int(column);
    case SQLITE_FLOAT:
      return row.Double(column);
    default:
      return row.Text(column);
  }
}

}  // namespace

absl::StatusOr<LedgerQuery> LedgerQuery::Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat("there is no ledger ", path));
  }
  ASSIGN_OR_RETURN(Database database, Database::Open(path, Access::kRead));
  RETURN_IF_ERROR(CheckSchema(&database, path));
  return LedgerQuery(std::move(database), path);
}

absl::StatusOr<LedgerTable> LedgerQuery::Read(LedgerSubject subject, uint64_t from, uint64_t to) {
  absl::StatusOr<LedgerTable> table = ReadRows(SqlOf(subject), from, to);
  if (table.ok()) return table;
  return absl::Status(table.status().code(),
                      absl::StrCat("can't read ", path_, ": ", table.status().message()));
}

absl::StatusOr<LedgerTable> LedgerQuery::ReadRows(const std::string& sql, uint64_t from,
                                                  uint64_t to) {
  constexpr uint64_t kMost = INT64_MAX;  // SQLite's integers are signed
  ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
  RETURN_IF_ERROR(statement.BindAll(std::min(from, kMost), std::min(to, kMost)));
  LedgerTable table;
  for (int i = 0; i < statement.Columns(); ++i) table.columns.push_back(statement.ColumnName(i));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, statement.Step());
    if (!found) return table;
    std::vector<LedgerCell>& row = table.rows.emplace_back();
    for (size_t i = 0; i < table.columns.size(); ++i) {
      row.push_back(Cell(statement, static_cast<int>(i), table.columns[i]));
    }
  }
}

}  // namespace semlink::coordinator
