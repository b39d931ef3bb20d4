#include "coordinator/ledger.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// Numbers of nodes and modalities are people's, from 1. Times are ISO 8601, UTC. See
// docs/formats/ledger.md.
constexpr char kSchema[] = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE run(id TEXT PRIMARY KEY, scenario TEXT NOT NULL, scenario_sha256 TEXT NOT NULL,
  seed INTEGER NOT NULL, job TEXT NOT NULL, software TEXT NOT NULL, started_at TEXT NOT NULL,
  finished_at TEXT, state TEXT NOT NULL, reason TEXT);
CREATE TABLE member(node TEXT PRIMARY KEY, state TEXT NOT NULL, address TEXT NOT NULL,
  software TEXT NOT NULL, pid INTEGER NOT NULL, changed_at TEXT NOT NULL);
CREATE TABLE view(number INTEGER NOT NULL, node TEXT NOT NULL, PRIMARY KEY(number, node))
  WITHOUT ROWID;
CREATE TABLE window(number INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL,
  aborts INTEGER NOT NULL DEFAULT 0, cr_seed INTEGER NOT NULL, cr_draw INTEGER NOT NULL,
  view INTEGER NOT NULL, rounds INTEGER NOT NULL, batch_size INTEGER NOT NULL,
  first_sample INTEGER NOT NULL, samples INTEGER NOT NULL, opened_at TEXT NOT NULL,
  committed_at TEXT, seconds REAL, cpu_seconds REAL, loss REAL);
CREATE TABLE result(window INTEGER NOT NULL, receiver INTEGER NOT NULL, loss REAL NOT NULL,
  cross_entropy REAL NOT NULL, correct REAL NOT NULL, samples INTEGER NOT NULL,
  selection_entropy REAL NOT NULL, rounds_without_link INTEGER NOT NULL,
  PRIMARY KEY(window, receiver)) WITHOUT ROWID;
CREATE TABLE link(window INTEGER NOT NULL, transmitter INTEGER NOT NULL,
  modality INTEGER NOT NULL, receiver INTEGER NOT NULL, rounds INTEGER NOT NULL,
  rate_nats REAL, coded_bits REAL, PRIMARY KEY(window, transmitter, modality, receiver))
  WITHOUT ROWID;
CREATE TABLE refusal(window INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(window, reason)) WITHOUT ROWID;
CREATE TABLE traffic(window INTEGER NOT NULL, node TEXT NOT NULL, peer TEXT NOT NULL,
  kind TEXT NOT NULL, messages_sent INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
  messages_received INTEGER NOT NULL, bytes_received INTEGER NOT NULL,
  PRIMARY KEY(window, node, peer, kind)) WITHOUT ROWID;
CREATE TABLE wire(window INTEGER NOT NULL, node TEXT NOT NULL, peer TEXT NOT NULL,
  bytes_sent INTEGER NOT NULL, bytes_received INTEGER NOT NULL, retransmitted INTEGER NOT NULL,
  round_trip_us REAL NOT NULL, PRIMARY KEY(window, node, peer)) WITHOUT ROWID;
)sql";

constexpr char kInsertRun[] =
    "INSERT INTO run(id, scenario, scenario_sha256, seed, job, software, started_at, state) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, 'running')";
constexpr char kFinishRun[] = "UPDATE run SET state = ?, reason = ?, finished_at = ?";
constexpr char kPutMember[] =
    "INSERT INTO member(node, state, address, software, pid, changed_at) "
    "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(node) DO UPDATE SET state = excluded.state, "
    "address = excluded.address, software = excluded.software, pid = excluded.pid, "
    "changed_at = excluded.changed_at WHERE state <> excluded.state";
constexpr char kPutView[] = "INSERT OR IGNORE INTO view(number, node) VALUES(?, ?)";
// Changes nothing if the window is committed already.
constexpr char kCommitWindow[] =
    "INSERT INTO window(number, kind, state, cr_seed, cr_draw, view, rounds, batch_size, "
    "first_sample, samples, opened_at, committed_at, seconds, cpu_seconds, loss) "
    "VALUES(?, ?, 'committed', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(number) DO UPDATE SET kind = excluded.kind, state = excluded.state, "
    "cr_seed = excluded.cr_seed, cr_draw = excluded.cr_draw, view = excluded.view, "
    "rounds = excluded.rounds, batch_size = excluded.batch_size, "
    "first_sample = excluded.first_sample, samples = excluded.samples, "
    "opened_at = excluded.opened_at, committed_at = excluded.committed_at, "
    "seconds = excluded.seconds, cpu_seconds = excluded.cpu_seconds, loss = excluded.loss "
    "WHERE state = 'aborted'";
constexpr char kAbortWindow[] =
    "INSERT INTO window(number, kind, state, aborts, cr_seed, cr_draw, view, rounds, batch_size, "
    "first_sample, samples, opened_at) VALUES(?, ?, 'aborted', 1, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(number) DO UPDATE SET aborts = aborts + 1 WHERE state = 'aborted'";
constexpr char kInsertResult[] = "INSERT INTO result VALUES(?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertLink[] = "INSERT INTO link VALUES(?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertRefusal[] = "INSERT INTO refusal VALUES(?, ?, ?)";
constexpr char kInsertTraffic[] = "INSERT OR REPLACE INTO traffic VALUES(?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertWire[] = "INSERT OR REPLACE INTO wire VALUES(?, ?, ?, ?, ?, ?, ?)";

std::string Iso(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string KindName(v1::WindowKind kind) {
  switch (kind) {
    case v1::TRAIN:
      return "train";
    case v1::EVALUATE:
      return "evaluate";
    default:
      return "infer";
  }
}

const v1::LinkReport* FindReport(const WindowRecord& record, const v1::LinkRounds& link) {
  const auto report = record.reports.find(NodeId::Transmitter(link.transmitter()));
  if (report == record.reports.end()) return nullptr;
  for (const v1::LinkReport& reported : report->second.link()) {
    if (reported.modality() == link.modality() && reported.task() == link.task()) return &reported;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Create(const std::string& path,
                                                       const RunInfo& run) {
  if (std::filesystem::exists(path)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " exists: choose another run folder"));
  }
  ASSIGN_OR_RETURN(Database database, Database::Open(path));
  auto ledger = std::unique_ptr<Ledger>(new Ledger(std::move(database)));
  Database& db = ledger->database_;
  // WAL with NORMAL: a commit survives the end of the process; a power cut may take the last few,
  // never part of one.
  RETURN_IF_ERROR(db.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&db));
  RETURN_IF_ERROR(db.Execute(kSchema));
  RETURN_IF_ERROR(db.Execute(
      absl::StrCat("INSERT INTO meta VALUES('schema_version', '", kLedgerSchemaVersion, "')")));
  ASSIGN_OR_RETURN(Statement * insert, ledger->Prepared(kInsertRun));
  RETURN_IF_ERROR(insert->Run(run.id, run.scenario, run.scenario_sha256, run.seed, run.job,
                              run.software, Iso(run.started_at)));
  RETURN_IF_ERROR(transaction.Commit());
  return ledger;
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path) {
  if (!std::filesystem::exists(path)) {
    return absl::NotFoundError(absl::StrCat("there is no ledger ", path));
  }
  ASSIGN_OR_RETURN(Database database, Database::Open(path));
  auto ledger = std::unique_ptr<Ledger>(new Ledger(std::move(database)));
  RETURN_IF_ERROR(ledger->database_.Execute("PRAGMA synchronous=NORMAL"));
  ASSIGN_OR_RETURN(Statement read, ledger->database_.Prepare(
                                       "SELECT value FROM meta WHERE key = 'schema_version'"));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  const std::string version = found ? read.Text(0) : "none";
  if (version != absl::StrCat(kLedgerSchemaVersion)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " has schema version ", version, ", this program reads ", kLedgerSchemaVersion));
  }
  return ledger;
}

absl::StatusOr<Statement*> Ledger::Prepared(const char* sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
    found = statements_.emplace(sql, std::move(statement)).first;
  }
  return &found->second;
}

absl::Status Ledger::RecordMembers(const Membership& membership, absl::Time now) {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  ASSIGN_OR_RETURN(Statement * member_row, Prepared(kPutMember));
  ASSIGN_OR_RETURN(Statement * view_row, Prepared(kPutView));
  for (const Member& member : membership.members()) {
    RETURN_IF_ERROR(member_row->Run(member.id.ToString(), Name(member.state), member.address,
                                    member.software, member.pid, Iso(now)));
    if (member.state == MemberState::kUp) {
      RETURN_IF_ERROR(view_row->Run(membership.view(), member.id.ToString()));
    }
  }
  return transaction.Commit();
}

absl::Status Ledger::CommitWindow(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  RETURN_IF_ERROR(WriteWindow(record));
  RETURN_IF_ERROR(WriteResults(record));
  RETURN_IF_ERROR(WriteLinks(record));
  RETURN_IF_ERROR(WriteRefusals(record));
  RETURN_IF_ERROR(WriteTraffic(record));
  return transaction.Commit();
}

absl::Status Ledger::WriteWindow(const WindowRecord& record) {
  const v1::OpenWindow& open = record.open;
  double loss = 0;
  for (const auto& [node, report] : record.reports) loss += report.loss();
  ASSIGN_OR_RETURN(Statement * row, Prepared(kCommitWindow));
  RETURN_IF_ERROR(row->Run(open.window(), KindName(open.kind()), open.seed(), open.cr_draw(),
                           open.view(), open.rounds(), open.batch_size(), open.first_sample(),
                           open.samples(), Iso(record.opened_at), Iso(record.committed_at),
                           record.seconds(), record.cpu_seconds(), loss));
  if (database_.changes() != 1) {
    return absl::AlreadyExistsError(
        absl::StrCat("window ", open.window(), " is in the ledger already"));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteResults(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertResult));
  for (const auto& [node, report] : record.reports) {
    if (node.role != Role::kReceiver) continue;
    RETURN_IF_ERROR(row->Run(record.open.window(), node.index + 1, report.loss(),
                             report.cross_entropy(), report.correct(), report.samples(),
                             report.selection_entropy(), report.rounds_without_link()));
  }
  for (const auto& [t, report] : record.infer_reports) {
    RETURN_IF_ERROR(row->Run(record.open.window(), t + 1, 0.0, 0.0,
                             static_cast<double>(report.correct()), report.samples(), 0.0, 0));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteLinks(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertLink));
  for (const v1::LinkRounds& link : record.granted) {
    const v1::LinkReport* report = FindReport(record, link);
    RETURN_IF_ERROR(row->Run(record.open.window(), link.transmitter() + 1, link.modality() + 1,
                             link.task() + 1, link.round_size(),
                             report != nullptr ? report->rate_nats() : 0.0,
                             report != nullptr ? report->coded_bits() : 0.0));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteRefusals(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertRefusal));
  for (const auto& [reason, count] : record.refused) {
    RETURN_IF_ERROR(row->Run(record.open.window(), reason, count));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteTraffic(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Statement * traffic_row, Prepared(kInsertTraffic));
  ASSIGN_OR_RETURN(Statement * wire_row, Prepared(kInsertWire));
  const uint64_t window = record.open.window();
  for (const auto& [node, report] : record.reports) {
    for (const v1::Traffic& t : report.traffic()) {
      RETURN_IF_ERROR(traffic_row->Run(window, node.ToString(), FromProto(t.peer()).ToString(),
                                       t.kind(), t.messages_sent(), t.bytes_sent(),
                                       t.messages_received(), t.bytes_received()));
    }
    for (const v1::Wire& w : report.wire()) {
      RETURN_IF_ERROR(wire_row->Run(window, node.ToString(), FromProto(w.peer()).ToString(),
                                    w.bytes_sent(), w.bytes_received(), w.retransmitted(),
                                    w.round_trip_us()));
    }
  }
  return absl::OkStatus();
}

absl::Status Ledger::AbortWindow(const WindowRecord& record) {
  const v1::OpenWindow& open = record.open;
  ASSIGN_OR_RETURN(Statement * row, Prepared(kAbortWindow));
  return row->Run(open.window(), KindName(open.kind()), open.seed(), open.cr_draw(), open.view(),
                  open.rounds(), open.batch_size(), open.first_sample(), open.samples(),
                  Iso(record.opened_at));
}

absl::Status Ledger::FinishRun(const std::string& state, const std::string& reason,
                               absl::Time now) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kFinishRun));
  return row->Run(state, reason, Iso(now));
}

absl::StatusOr<std::optional<uint64_t>> Ledger::LastCommitted() {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT number FROM window WHERE state = 'committed' "
                                     "ORDER BY number DESC LIMIT 1"));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return std::optional<uint64_t>();
  return std::optional<uint64_t>(static_cast<uint64_t>(read.Int(0)));
}

}  // namespace semlink::coordinator
