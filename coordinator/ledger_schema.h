// The ledger's tables, for writer and readers. docs/formats/ledger.md says what each column means.
#ifndef SEMLINK_COORDINATOR_LEDGER_SCHEMA_H_
#define SEMLINK_COORDINATOR_LEDGER_SCHEMA_H_

#include <string>

#include "absl/status/status.h"
#include "coordinator/sqlite.h"

namespace semlink::coordinator {

// Raised with every incompatible change of the tables.
inline constexpr int kLedgerSchemaVersion = 4;

// Numbers of nodes and modalities are people's, from 1. Times are ISO 8601, UTC.
inline constexpr char kLedgerSchema[] = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE run(id TEXT PRIMARY KEY, scenario TEXT NOT NULL, scenario_sha256 TEXT NOT NULL,
  scenario_yaml TEXT NOT NULL, seed INTEGER NOT NULL, e_t INTEGER NOT NULL, e_k INTEGER NOT NULL,
  job TEXT NOT NULL, test_size INTEGER NOT NULL, draws INTEGER NOT NULL, samples INTEGER NOT NULL,
  batch INTEGER NOT NULL, in_flight INTEGER NOT NULL, software TEXT NOT NULL,
  started_at TEXT NOT NULL, finished_at TEXT, state TEXT NOT NULL, reason TEXT,
  parameters_sha256 TEXT);
CREATE TABLE start(number INTEGER PRIMARY KEY, from_window INTEGER NOT NULL,
  software TEXT NOT NULL, started_at TEXT NOT NULL);
CREATE TABLE member(node TEXT PRIMARY KEY, state TEXT NOT NULL, address TEXT NOT NULL,
  software TEXT NOT NULL, pid INTEGER NOT NULL, changed_at TEXT NOT NULL);
CREATE TABLE epoch(id INTEGER PRIMARY KEY, node TEXT NOT NULL, incarnation TEXT NOT NULL,
  from_window INTEGER NOT NULL, live INTEGER NOT NULL, restored_window INTEGER,
  restored_sha256 TEXT, committed INTEGER NOT NULL, written_at TEXT NOT NULL);
CREATE TABLE view(number INTEGER NOT NULL, node TEXT NOT NULL, up INTEGER NOT NULL,
  PRIMARY KEY(number, node)) WITHOUT ROWID;
CREATE TABLE view_cut(number INTEGER NOT NULL, transmitter INTEGER NOT NULL,
  receiver INTEGER NOT NULL, PRIMARY KEY(number, transmitter, receiver)) WITHOUT ROWID;
CREATE TABLE window(number INTEGER PRIMARY KEY, kind TEXT NOT NULL, attempt INTEGER NOT NULL,
  cr_seed INTEGER NOT NULL, sample_seed INTEGER NOT NULL, cr_draw INTEGER NOT NULL,
  view INTEGER NOT NULL, rounds INTEGER NOT NULL, batch_size INTEGER NOT NULL,
  first_sample INTEGER NOT NULL, samples INTEGER NOT NULL, training_progress REAL NOT NULL,
  opened_at TEXT NOT NULL, committed_at TEXT NOT NULL, seconds REAL NOT NULL,
  cpu_seconds REAL NOT NULL, loss REAL NOT NULL);
CREATE TABLE record(window INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE aborted(id INTEGER PRIMARY KEY, window INTEGER NOT NULL, kind TEXT NOT NULL,
  attempt INTEGER NOT NULL, view INTEGER NOT NULL, opened_at TEXT NOT NULL,
  aborted_at TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE result(window INTEGER NOT NULL, receiver INTEGER NOT NULL, loss REAL NOT NULL,
  cross_entropy REAL NOT NULL, correct REAL NOT NULL, samples INTEGER NOT NULL,
  selection_entropy REAL NOT NULL, rounds_without_link INTEGER NOT NULL,
  log_likelihood REAL, PRIMARY KEY(window, receiver)) WITHOUT ROWID;
CREATE TABLE link(window INTEGER NOT NULL, transmitter INTEGER NOT NULL,
  modality INTEGER NOT NULL, receiver INTEGER NOT NULL, rounds INTEGER NOT NULL,
  round_list TEXT NOT NULL, rate_nats REAL, coded_bits REAL, failed TEXT,
  PRIMARY KEY(window, transmitter, modality, receiver)) WITHOUT ROWID;
CREATE TABLE pair_failure(window INTEGER NOT NULL, transmitter INTEGER NOT NULL,
  receiver INTEGER NOT NULL, stage TEXT NOT NULL,
  PRIMARY KEY(window, transmitter, receiver, stage)) WITHOUT ROWID;
CREATE TABLE refusal(window INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(window, reason)) WITHOUT ROWID;
CREATE TABLE traffic(window INTEGER NOT NULL, node TEXT NOT NULL, peer TEXT NOT NULL,
  kind TEXT NOT NULL, messages_sent INTEGER NOT NULL, bytes_sent INTEGER NOT NULL,
  messages_received INTEGER NOT NULL, bytes_received INTEGER NOT NULL,
  PRIMARY KEY(window, node, peer, kind)) WITHOUT ROWID;
CREATE TABLE wire(window INTEGER NOT NULL, node TEXT NOT NULL, peer TEXT NOT NULL,
  bytes_sent INTEGER NOT NULL, bytes_received INTEGER NOT NULL, payload_sent INTEGER NOT NULL,
  payload_received INTEGER NOT NULL, segments_sent INTEGER NOT NULL,
  segments_received INTEGER NOT NULL, retransmitted INTEGER NOT NULL, round_trip_us REAL NOT NULL,
  connection INTEGER NOT NULL, PRIMARY KEY(window, node, peer)) WITHOUT ROWID;
CREATE TABLE checkpoint(window INTEGER NOT NULL, node TEXT NOT NULL, sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL, written_at TEXT NOT NULL, dropped INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(window, node)) WITHOUT ROWID;
CREATE TABLE fault(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL,
  spec TEXT NOT NULL, begin_window INTEGER NOT NULL, began_at TEXT NOT NULL,
  end_window INTEGER, ended_at TEXT);
)sql";

// FAILED_PRECONDITION unless the database's tables are of this program's version; DATA_LOSS if it
// is no ledger. `path` is for the message.
absl::Status CheckSchema(Database* database, const std::string& path);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_LEDGER_SCHEMA_H_
