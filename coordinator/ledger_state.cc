// The ledger's tables besides the windows: members, epochs, checkpoints, faults.
#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "coordinator/ledger.h"

namespace semlink::coordinator {
namespace {

constexpr char kPutMember[] =
    "INSERT INTO member(node, state, address, software, pid, changed_at) "
    "VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(node) DO UPDATE SET state = excluded.state, "
    "address = excluded.address, software = excluded.software, pid = excluded.pid, "
    "changed_at = excluded.changed_at WHERE state <> excluded.state OR pid <> excluded.pid";
constexpr char kInsertEpoch[] =
    "INSERT INTO epoch(node, incarnation, from_window, live, restored_window, restored_sha256, "
    "committed, written_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kPutCheckpoint[] =
    "INSERT OR REPLACE INTO checkpoint(window, node, sha256, bytes, written_at) "
    "VALUES(?, ?, ?, ?, ?)";
constexpr char kInsertFault[] =
    "INSERT INTO fault(id, kind, target, spec, begin_window, began_at) VALUES(?, ?, ?, ?, ?, ?)";
constexpr char kEndFault[] =
    "UPDATE fault SET end_window = coalesce(end_window, ?), ended_at = coalesce(ended_at, ?) "
    "WHERE id = ?";

// Incarnations are compared, never counted with: hexadecimal, as they are unsigned.
absl::StatusOr<uint64_t> ParseHex(const std::string& text) {
  uint64_t value = 0;
  if (absl::SimpleHexAtoi(text, &value)) return value;
  return absl::DataLossError(
      absl::StrCat("the ledger is damaged: '", text, "' is no hexadecimal number"));
}

absl::StatusOr<RecordedEpoch> ReadEpoch(const Statement& row) {
  RecordedEpoch recorded;
  MemberEpoch& epoch = recorded.epoch;
  ASSIGN_OR_RETURN(epoch.node, ParseNodeName(row.Text(0)));
  ASSIGN_OR_RETURN(epoch.incarnation, ParseHex(row.Text(1)));
  epoch.from_window = static_cast<uint64_t>(row.Int(2));
  epoch.live = row.Int(3) != 0;
  epoch.restored.set_window(static_cast<uint64_t>(row.Int(4)));
  epoch.restored.set_sha256(row.Text(5));
  recorded.committed = static_cast<uint64_t>(row.Int(6));
  return recorded;
}

absl::StatusOr<FaultState> ReadFault(const Statement& row) {
  FaultState fault;
  if (!google::protobuf::util::JsonStringToMessage(row.Text(0), &fault.fault).ok()) {
    return absl::DataLossError(
        absl::StrCat("the ledger is damaged: '", row.Text(0), "' is no fault"));
  }
  fault.text = row.Text(1);
  fault.begin_window = static_cast<uint64_t>(row.Int(2));
  ASSIGN_OR_RETURN(fault.began_at, ParseLedgerTime(row.Text(3)));
  if (row.IsNull(4)) return fault;
  fault.end_window = static_cast<uint64_t>(row.Int(4));
  ASSIGN_OR_RETURN(fault.ended_at, ParseLedgerTime(row.Text(5)));
  return fault;
}

}  // namespace

absl::Status Ledger::RecordMembers(const Membership& membership, absl::Time now) {
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(&database_));
  ASSIGN_OR_RETURN(Statement * row, Prepared(kPutMember));
  for (const Member& member : membership.members()) {
    RETURN_IF_ERROR(row->Run(member.id.ToString(), Name(member.state), member.address,
                             member.software, member.pid, LedgerTime(now)));
  }
  return transaction.Commit();
}

absl::Status Ledger::AddEpoch(const MemberEpoch& epoch, absl::Time now) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertEpoch));
  std::optional<uint64_t> window;
  std::optional<std::string> sha256;
  if (!epoch.live) {
    window = epoch.restored.window();
    sha256 = epoch.restored.sha256();
  }
  return row->Run(epoch.node.ToString(), absl::StrFormat("%016x", epoch.incarnation),
                  epoch.from_window, epoch.live, window, sha256, committed_, LedgerTime(now));
}

absl::StatusOr<std::vector<RecordedEpoch>> Ledger::Epochs() {
  ASSIGN_OR_RETURN(
      Statement read,
      database_.Prepare("SELECT node, incarnation, from_window, live, restored_window, "
                        "restored_sha256, committed FROM epoch ORDER BY id"));
  std::vector<RecordedEpoch> epochs;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) return epochs;
    ASSIGN_OR_RETURN(RecordedEpoch epoch, ReadEpoch(read));
    epochs.push_back(std::move(epoch));
  }
}

absl::Status Ledger::AddCheckpoint(const NodeId& node, const v1::CheckpointId& checkpoint,
                                   uint64_t bytes, absl::Time now) {
  ASSIGN_OR_RETURN(Statement * row, Prepared(kPutCheckpoint));
  return row->Run(checkpoint.window(), node.ToString(), checkpoint.sha256(), bytes,
                  LedgerTime(now));
}

absl::Status Ledger::DropCheckpoints(uint64_t below) {
  ASSIGN_OR_RETURN(Statement * update,
                   Prepared("UPDATE checkpoint SET dropped = 1 WHERE window < ? AND dropped = 0"));
  return update->Run(below);
}

absl::StatusOr<std::vector<uint64_t>> Ledger::CheckpointsOf(int nodes) {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT window FROM checkpoint WHERE dropped = 0 "
                                     "GROUP BY window HAVING count(*) >= ? ORDER BY window DESC"));
  RETURN_IF_ERROR(read.BindAll(nodes));
  std::vector<uint64_t> windows;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) return windows;
    windows.push_back(static_cast<uint64_t>(read.Int(0)));
  }
}

absl::StatusOr<std::optional<v1::CheckpointId>> Ledger::Checkpoint(uint64_t window,
                                                                   const NodeId& node) {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT sha256 FROM checkpoint WHERE window = ? AND node = ? "
                                     "AND dropped = 0"));
  RETURN_IF_ERROR(read.BindAll(window, node.ToString()));
  std::optional<v1::CheckpointId> checkpoint;
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return checkpoint;
  checkpoint.emplace();
  checkpoint->set_window(window);
  checkpoint->set_sha256(read.Text(0));
  return checkpoint;
}

absl::Status Ledger::BeginFault(const v1::Fault& fault, const std::string& text, uint64_t window,
                                absl::Time now) {
  std::string spec;
  if (!google::protobuf::util::MessageToJsonString(fault, &spec).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("fault ", fault.id(), " can't be written as JSON"));
  }
  ASSIGN_OR_RETURN(Statement * row, Prepared(kInsertFault));
  return row->Run(fault.id(), absl::AsciiStrToLower(v1::Fault::Kind_Name(fault.kind())), text, spec,
                  window, LedgerTime(now));
}

absl::Status Ledger::EndFault(uint64_t id, uint64_t window, absl::Time now) {
  ASSIGN_OR_RETURN(Statement * update, Prepared(kEndFault));
  RETURN_IF_ERROR(update->Run(window, LedgerTime(now), id));
  if (database_.changes() == 1) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("fault ", id, " is not in the ledger"));
}

absl::StatusOr<std::vector<FaultState>> Ledger::Faults() {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT spec, target, begin_window, began_at, end_window, "
                                     "ended_at FROM fault ORDER BY id"));
  std::vector<FaultState> faults;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) return faults;
    ASSIGN_OR_RETURN(FaultState fault, ReadFault(read));
    faults.push_back(std::move(fault));
  }
}

}  // namespace semlink::coordinator
