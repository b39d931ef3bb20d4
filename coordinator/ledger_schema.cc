#include "coordinator/ledger_schema.h"

#include "absl/strings/str_cat.h"

namespace semlink::coordinator {

absl::Status CheckSchema(Database* database, const std::string& path) {
  absl::StatusOr<Statement> read =
      database->Prepare("SELECT value FROM meta WHERE key = 'schema_version'");
  if (absl::IsInternal(read.status())) {  // no such table
    return absl::DataLossError(
        absl::StrCat(path, " is no ledger of a run: ", read.status().message()));
  }
  std::string version = "none";
  absl::Status status = read.status();
  if (status.ok()) {
    const absl::StatusOr<bool> found = read->Step();
    status = found.status();
    if (found.ok() && *found) version = read->Text(0);
  }
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat("can't read ", path, ": ", status.message()));
  }
  if (version != absl::StrCat(kLedgerSchemaVersion)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has schema version ", version, ", this program reads version ",
                     kLedgerSchemaVersion, ": use the semlink that wrote it"));
  }
  return absl::OkStatus();
}

}  // namespace semlink::coordinator
