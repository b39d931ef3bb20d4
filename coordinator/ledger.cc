#include "coordinator/ledger.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/transport/protocol.h"
#include "coordinator/metrics.h"
#include "coordinator/stored_window.h"

namespace semlink::coordinator {
namespace {

// A commit is on disk when the call returns: a window that nodes have stepped on must not vanish,
// also if the power fails. What it costs: docs/formats/ledger.md.
constexpr char kSettings[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";

constexpr char kInsertRun[] =
    "INSERT INTO run(id, scenario, scenario_sha256, scenario_yaml, seed, e_t, e_k, job, test_size, "
    "draws, samples, batch, in_flight, software, started_at, state) "
    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')";
constexpr char kSelectRun[] =
    "SELECT id, scenario, scenario_sha256, scenario_yaml, seed, e_t, e_k, job, test_size, draws, "
    "samples, batch, in_flight, software, started_at, state, parameters_sha256 FROM run";
constexpr char kInsertStart[] =
    "INSERT INTO start(from_window, software, started_at) VALUES(?, ?, ?)";
constexpr char kFinishRun[] = "UPDATE run SET state = ?, reason = ?, finished_at = ?";
constexpr char kInsertWindow[] =
    "INSERT INTO window VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertRecord[] = "INSERT INTO record VALUES(?, ?)";
constexpr char kInsertAborted[] =
    "INSERT INTO aborted(window, kind, attempt, view, opened_at, aborted_at, reason) "
    "VALUES(?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertView[] = "INSERT OR IGNORE INTO view VALUES(?, ?, ?)";
constexpr char kInsertCut[] = "INSERT OR IGNORE INTO view_cut VALUES(?, ?, ?)";
constexpr char kInsertResult[] = "INSERT INTO result VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertLink[] = "INSERT INTO link VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kInsertFailure[] = "INSERT INTO pair_failure VALUES(?, ?, ?, ?)";
constexpr char kInsertRefusal[] = "INSERT INTO refusal VALUES(?, ?, ?)";
// The coordinator may have counted more than once since the last window.
constexpr char kAddTraffic[] =
    "INSERT INTO traffic VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "messages_sent = messages_sent + excluded.messages_sent, "
    "bytes_sent = bytes_sent + excluded.bytes_sent, "
    "messages_received = messages_received + excluded.messages_received, "
    "bytes_received = bytes_received + excluded.bytes_received";
constexpr char kAddWire[] =
    "INSERT INTO wire VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "bytes_sent = bytes_sent + excluded.bytes_sent, "
    "bytes_received = bytes_received + excluded.bytes_received, "
    "payload_sent = payload_sent + excluded.payload_sent, "
    "payload_received = payload_received + excluded.payload_received, "
    "segments_sent = segments_sent + excluded.segments_sent, "
    "segments_received = segments_received + excluded.segments_received, "
    "retransmitted = retransmitted + excluded.retransmitted, "
    "round_trip_us = excluded.round_trip_us, connection = excluded.connection";

const v1::LinkReport* FindReport(const WindowRecord& record, const v1::LinkRounds& link) {
  const auto report = record.reports.find(NodeId::Transmitter(link.transmitter()));
  if (report == record.reports.end()) return nullptr;
  for (const v1::LinkReport& reported : report->second.link()) {
    if (reported.modality() == link.modality() && reported.task() == link.task()) return &reported;
  }
  return nullptr;
}

absl::Status Damaged(const std::string& what) {
  return absl::DataLossError(absl::StrCat("the ledger is damaged: ", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Create(const std::string& path,
                                                       const RunInfo& run) {
  if (std::filesystem::exists(path)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " exists: choose another run folder"));
  }
  ASSIGN_OR_RETURN(Database database, Database::Open(path));
  auto ledger = std::unique_ptr<Ledger>(new Ledger(std::move(database)));
  ledger->run_ = run;
  Database& db = ledger->database_;
  RETURN_IF_ERROR(db.Execute(kSettings));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&db));
  RETURN_IF_ERROR(db.Execute(kLedgerSchema));
  RETURN_IF_ERROR(db.Execute(
      absl::StrCat("INSERT INTO meta VALUES('schema_version', '", kLedgerSchemaVersion, "')")));
  ASSIGN_OR_RETURN(Statement * insert, ledger->Prepared(kInsertRun));
  RETURN_IF_ERROR(insert->Run(run.id, run.scenario, run.scenario_sha256, run.scenario_yaml,
                              run.seed, run.limits.e_t, run.limits.e_k, Name(run.job.kind),
                              run.job.test_size, run.job.draws, run.job.samples, run.job.batch,
                              run.job.in_flight, run.software, LedgerTime(run.started_at)));
  ASSIGN_OR_RETURN(Statement * start, ledger->Prepared(kInsertStart));
  RETURN_IF_ERROR(start->Run(0, run.software, LedgerTime(run.started_at)));
  RETURN_IF_ERROR(transaction.Commit());
  return ledger;
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& path) {
  if (!std::filesystem::exists(path)) {
    return absl::NotFoundError(absl::StrCat("there is no ledger ", path));
  }
  ASSIGN_OR_RETURN(Database database, Database::Open(path, Access::kWrite));
  auto ledger = std::unique_ptr<Ledger>(new Ledger(std::move(database)));
  RETURN_IF_ERROR(CheckSchema(&ledger->database_, path));
  RETURN_IF_ERROR(ledger->database_.Execute(kSettings));
  RETURN_IF_ERROR(ledger->ReadRun());
  RETURN_IF_ERROR(ledger->CheckWindows());
  return ledger;
}

absl::Status Ledger::ReadRun() {
  ASSIGN_OR_RETURN(Statement read, database_.Prepare(kSelectRun));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return Damaged("the table run is empty");
  run_.id = read.Text(0);
  run_.scenario = read.Text(1);
  run_.scenario_sha256 = read.Text(2);
  run_.scenario_yaml = read.Text(3);
  run_.seed = static_cast<uint64_t>(read.Int(4));
  run_.limits.e_t = static_cast<int>(read.Int(5));
  run_.limits.e_k = static_cast<int>(read.Int(6));
  ASSIGN_OR_RETURN(run_.job.kind, ParseJobKind(read.Text(7)));
  run_.job.test_size = read.Int(8);
  run_.job.draws = static_cast<int>(read.Int(9));
  run_.job.samples = read.Int(10);
  run_.job.batch = static_cast<int>(read.Int(11));
  run_.job.in_flight = static_cast<int>(read.Int(12));
  run_.software = read.Text(13);
  ASSIGN_OR_RETURN(run_.started_at, ParseLedgerTime(read.Text(14)));
  run_.state = read.Text(15);
  run_.parameters_sha256 = read.Text(16);
  return absl::OkStatus();
}

// The pages are whole, and the windows are 0 .. n - 1, each with its record.
absl::Status Ledger::CheckWindows() {
  ASSIGN_OR_RETURN(Statement check, database_.Prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(bool found, check.Step());
  if (!found || check.Text(0) != "ok") return Damaged(check.Text(0));
  ASSIGN_OR_RETURN(Statement count,
                   database_.Prepare("SELECT count(*), coalesce(max(number) + 1, 0), "
                                     "(SELECT count(*) FROM record JOIN window ON window = number) "
                                     "FROM window"));
  ASSIGN_OR_RETURN(found, count.Step());
  if (!found || count.Int(0) != count.Int(1) || count.Int(0) != count.Int(2)) {
    return Damaged(absl::StrCat(count.Int(0), " windows with ", count.Int(2),
                                " records; the last one is number ", count.Int(1) - 1));
  }
  committed_ = static_cast<uint64_t>(count.Int(0));
  return absl::OkStatus();
}

absl::StatusOr<Statement*> Ledger::Prepared(const char* sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    ASSIGN_OR_RETURN(Statement statement, database_.Prepare(sql));
    found = statements_.emplace(sql, std::move(statement)).first;
  }
  return &found->second;
}

absl::StatusOr<uint32_t> Ledger::AddStart(const std::string& software, absl::Time now) {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  ASSIGN_OR_RETURN(Statement * start, Prepared(kInsertStart));
  RETURN_IF_ERROR(start->Run(committed_, software, LedgerTime(now)));
  RETURN_IF_ERROR(
      database_.Execute("UPDATE run SET state = 'running', reason = NULL, finished_at = NULL"));
  ASSIGN_OR_RETURN(Statement last, database_.Prepare("SELECT max(number) FROM start"));
  RETURN_IF_ERROR(last.Step().status());
  const auto number = static_cast<uint32_t>(last.Int(0));
  last.Reset();
  RETURN_IF_ERROR(transaction.Commit());
  run_.state = "running";
  return number;
}

absl::StatusOr<std::vector<uint64_t>> Ledger::Starts() {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT from_window FROM start ORDER BY number"));
  std::vector<uint64_t> starts;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) return starts;
    starts.push_back(static_cast<uint64_t>(read.Int(0)));
  }
}

absl::Status Ledger::FinishRun(const std::string& state, const std::string& reason,
                               absl::Time now) {
  ASSIGN_OR_RETURN(Statement * finish, Prepared(kFinishRun));
  RETURN_IF_ERROR(finish->Run(state, reason, LedgerTime(now)));
  run_.state = state;
  statements_.clear();
  // One plain file, which can be read where nothing can be written. Not while somebody reads it:
  // then it stays as it is, which is as good but for that.
  database_.SetBusyTimeout(absl::ZeroDuration());
  database_.Execute("PRAGMA journal_mode=DELETE").IgnoreError();
  database_.SetBusyTimeout(absl::Seconds(5));
  return absl::OkStatus();
}

absl::Status Ledger::SetParameters(const std::string& sha256) {
  ASSIGN_OR_RETURN(Statement * update, Prepared("UPDATE run SET parameters_sha256 = ?"));
  RETURN_IF_ERROR(update->Run(sha256));
  run_.parameters_sha256 = sha256;
  return absl::OkStatus();
}

absl::Status Ledger::CheckRecord(const WindowRecord& record) const {
  if (record.open.window() != committed_) {
    return absl::FailedPreconditionError(absl::StrCat(
        "window ", record.open.window(), " can't be committed: the next one is ", committed_));
  }
  const LimitCounts counts = CountLimits(run_.limits, record.granted);
  if (counts.limits_exceeded > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "window ", record.open.window(), " can't be committed: ", counts.links_max,
        " links of a transmitter (E_k ", run_.limits.e_k, "), ", counts.transmitters_max,
        " transmitters of a receiver (E_t ", run_.limits.e_t, ")"));
  }
  return absl::OkStatus();
}

absl::Status Ledger::CommitWindow(const WindowRecord& record,
                                  const std::vector<TrafficGrowth>& traffic,
                                  const std::vector<v1::Report>& coordinator) {
  RETURN_IF_ERROR(CheckRecord(record));
  v1::StoredWindow stored = ToStored(record);
  stored.mutable_coordinator()->Add(coordinator.begin(), coordinator.end());
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  RETURN_IF_ERROR(WriteWindow(record));
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertRecord));
  const std::string bytes = stored.SerializeAsString();
  RETURN_IF_ERROR(row->Run(record.open.window(), Blob{bytes}));
  RETURN_IF_ERROR(WriteView(record.open));
  RETURN_IF_ERROR(WriteResults(record));
  RETURN_IF_ERROR(WriteLinks(record));
  RETURN_IF_ERROR(WriteRefusals(record));
  for (const TrafficGrowth& growth : traffic) {
    RETURN_IF_ERROR(WriteTraffic(record.open.window(), growth));
  }
  RETURN_IF_ERROR(transaction.Commit());
  written_view_ = record.open.view();
  ++committed_;
  return absl::OkStatus();
}

absl::Status Ledger::AbortWindow(const WindowRecord& record, const std::string& reason,
                                 absl::Time now) {
  const v1::OpenWindow& open = record.open;
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertAborted));
  RETURN_IF_ERROR(row->Run(open.window(), KindName(open.kind()), record.attempt, open.view(),
                           LedgerTime(record.opened_at), LedgerTime(now), reason));
  RETURN_IF_ERROR(WriteView(open));
  RETURN_IF_ERROR(transaction.Commit());
  written_view_ = open.view();
  return absl::OkStatus();
}

absl::Status Ledger::WriteWindow(const WindowRecord& record) {
  const v1::OpenWindow& open = record.open;
  double loss = 0;
  for (const auto& [node, report] : record.reports) loss += report.loss();
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertWindow));
  return row->Run(open.window(), KindName(open.kind()), record.attempt, open.seed(), open.seed(),
                  open.cr_draw(), open.view(), open.rounds(), open.batch_size(),
                  open.first_sample(), open.samples(), open.training_progress(),
                  LedgerTime(record.opened_at), LedgerTime(record.committed_at), record.seconds(),
                  record.cpu_seconds(), loss);
}

absl::Status Ledger::WriteView(const v1::OpenWindow& open) {
  if (written_view_ == open.view()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertView));
  for (int k = 0; k < open.transmitter_up_size(); ++k) {
    RETURN_IF_ERROR(
        row->Run(open.view(), NodeId::Transmitter(k).ToString(), open.transmitter_up(k)));
  }
  for (int t = 0; t < open.receiver_up_size(); ++t) {
    RETURN_IF_ERROR(row->Run(open.view(), NodeId::Receiver(t).ToString(), open.receiver_up(t)));
  }
  ASSIGN_OR_RETURN(Statement * cut, Prepared(kInsertCut));
  for (const v1::Pair& pair : open.cut()) {
    RETURN_IF_ERROR(cut->Run(open.view(), pair.transmitter() + 1, pair.receiver() + 1));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteResults(const WindowRecord& record) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertResult));
  for (const auto& [node, report] : record.reports) {
    if (node.role != Role::kReceiver) continue;
    RETURN_IF_ERROR(row->Run(record.open.window(), node.index + 1, report.loss(),
                             report.cross_entropy(), report.correct(), report.samples(),
                             report.selection_entropy(), report.rounds_without_link(),
                             LogLikelihood(record, node.index)));
  }
  for (const auto& [t, report] : record.infer_reports) {
    RETURN_IF_ERROR(row->Run(record.open.window(), t + 1, 0.0, 0.0,
                             static_cast<double>(report.correct()), report.samples(), 0.0, 0,
                             std::optional<double>()));
  }
  return absl::OkStatus();
}

absl::Status Ledger::WriteLinks(const WindowRecord& record) {
  const uint64_t window = record.open.window();
  const std::vector<v1::PairFailure> failed = record.failed();
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertLink));
  for (const v1::LinkRounds& link : record.granted) {
    std::optional<double> rate, bits;
    if (const v1::LinkReport* report = FindReport(record, link); report != nullptr) {
      rate = report->rate_nats();
      bits = report->coded_bits();
    }
    std::optional<std::string> stage;
    if (const auto found = FailedStage(failed, link); found.has_value()) stage = Name(*found);
    RETURN_IF_ERROR(row->Run(
        window, link.transmitter() + 1, link.modality() + 1, link.task() + 1, link.round_size(),
        absl::StrCat("[", absl::StrJoin(link.round(), ","), "]"), rate, bits, stage));
  }
  ASSIGN_OR_RETURN(Statement * failure, Prepared(kInsertFailure));
  for (const v1::PairFailure& pair : failed) {
    RETURN_IF_ERROR(
        failure->Run(window, pair.transmitter() + 1, pair.receiver() + 1, Name(pair.stage())));
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

absl::Status Ledger::WriteTraffic(uint64_t window, const TrafficGrowth& growth) {
  const std::string node = growth.node.ToString();
  ASSIGN_OR_RETURN(Statement * traffic_row, Prepared(kAddTraffic));
  for (const v1::Traffic& t : growth.traffic) {
    RETURN_IF_ERROR(traffic_row->Run(window, node, FromProto(t.peer()).ToString(), t.kind(),
                                     t.messages_sent(), t.bytes_sent(), t.messages_received(),
                                     t.bytes_received()));
  }
  ASSIGN_OR_RETURN(Statement * wire_row, Prepared(kAddWire));
  for (const v1::Wire& w : growth.wire) {
    RETURN_IF_ERROR(wire_row->Run(window, node, FromProto(w.peer()).ToString(), w.bytes_sent(),
                                  w.bytes_received(), w.payload_sent(), w.payload_received(),
                                  w.segments_sent(), w.segments_received(), w.retransmitted(),
                                  w.round_trip_us(), w.connection()));
  }
  return absl::OkStatus();
}

}  // namespace semlink::coordinator
