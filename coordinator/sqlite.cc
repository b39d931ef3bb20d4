#include "coordinator/sqlite.h"

#include "absl/strings/str_cat.h"

namespace semlink::coordinator {
namespace {

absl::Status ToStatus(sqlite3* database, int code, absl::string_view what) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return absl::OkStatus();
  const std::string text = absl::StrCat(
      what, ": ", database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(text);
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text);
    default:
      return absl::InternalError(text);
  }
}

}  // namespace

absl::Status Statement::Bind(int parameter, int64_t value) {
  return ToStatus(sqlite3_db_handle(handle_.get()),
                  sqlite3_bind_int64(handle_.get(), parameter, value), "ledger: bind");
}

absl::Status Statement::Bind(int parameter, double value) {
  return ToStatus(sqlite3_db_handle(handle_.get()),
                  sqlite3_bind_double(handle_.get(), parameter, value), "ledger: bind");
}

absl::Status Statement::Bind(int parameter, absl::string_view value) {
  return ToStatus(sqlite3_db_handle(handle_.get()),
                  sqlite3_bind_text(handle_.get(), parameter, value.data(),
                                    static_cast<int>(value.size()), SQLITE_TRANSIENT),
                  "ledger: bind");
}

absl::Status Statement::Bind(int parameter, const Blob& value) {
  // Not nullptr, which would store NULL.
  const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
  return ToStatus(sqlite3_db_handle(handle_.get()),
                  sqlite3_bind_blob(handle_.get(), parameter, bytes,
                                    static_cast<int>(value.bytes.size()), SQLITE_TRANSIENT),
                  "ledger: bind");
}

absl::Status Statement::BindNull(int parameter) {
  return ToStatus(sqlite3_db_handle(handle_.get()), sqlite3_bind_null(handle_.get(), parameter),
                  "ledger: bind");
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(handle_.get());
  RETURN_IF_ERROR(ToStatus(sqlite3_db_handle(handle_.get()), code, sqlite3_sql(handle_.get())));
  return code == SQLITE_ROW;
}

absl::Status Statement::StepToEnd() {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) return "";
  return std::string(text, sqlite3_column_bytes(handle_.get(), column));
}

std::string Statement::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (bytes == nullptr) return "";
  return std::string(bytes, sqlite3_column_bytes(handle_.get(), column));
}

absl::StatusOr<Database> Database::Open(const std::string& path, Access access) {
  int flags = SQLITE_OPEN_READWRITE;
  if (access == Access::kCreate) flags |= SQLITE_OPEN_CREATE;
  if (access == Access::kRead) flags = SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle);
  RETURN_IF_ERROR(ToStatus(handle, code, absl::StrCat("can't open ledger ", path)));
  database.SetBusyTimeout(absl::Seconds(5));
  return database;
}

void Database::SetBusyTimeout(absl::Duration timeout) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

absl::Status Database::Execute(const std::string& sql) {
  return ToStatus(handle_.get(),
                  sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr), sql);
}

absl::StatusOr<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  RETURN_IF_ERROR(ToStatus(handle_.get(), code, sql));
  return Statement(handle);
}

absl::StatusOr<Transaction> Transaction::Begin(Database* database) {
  RETURN_IF_ERROR(database->Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) database_->Execute("ROLLBACK").IgnoreError();
}

absl::Status Transaction::Commit() {
  RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return absl::OkStatus();
}

}  // namespace semlink::coordinator
