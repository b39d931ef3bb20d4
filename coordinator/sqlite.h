// A thin, owning layer over SQLite's C interface: no statement or transaction is left open.
#ifndef SEMLINK_COORDINATOR_SQLITE_H_
#define SEMLINK_COORDINATOR_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"

namespace semlink::coordinator {

// A parameter that is stored as bytes.
struct Blob {
  absl::string_view bytes;
};

// One prepared statement. Parameters and columns are numbered as SQLite does: from 1 and from 0.
class Statement {
 public:
  absl::Status Bind(int parameter, int64_t value);
  absl::Status Bind(int parameter, double value);
  absl::Status Bind(int parameter, absl::string_view value);
  absl::Status Bind(int parameter, const Blob& value);
  absl::Status BindNull(int parameter);
  // From parameter 1 on. Integers of any kind are stored as SQLite's signed 64 bits, nullopt as
  // NULL.
  template <typename... Args>
  absl::Status BindAll(const Args&... args) {
    int parameter = 0;
    absl::Status status;
    ((status = status.ok() ? BindAny(++parameter, args) : status), ...);
    return status;
  }

  // True: a row is there. False: done.
  absl::StatusOr<bool> Step();
  void Reset();

  int64_t Int(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  double Double(int column) const { return sqlite3_column_double(handle_.get(), column); }
  std::string Text(int column) const;
  std::string Bytes(int column) const;
  bool IsNull(int column) const { return Type(column) == SQLITE_NULL; }
  int Type(int column) const { return sqlite3_column_type(handle_.get(), column); }
  int Columns() const { return sqlite3_column_count(handle_.get()); }
  std::string ColumnName(int column) const { return sqlite3_column_name(handle_.get(), column); }

  // Binds the arguments in order, runs the statement to its end, and makes it ready for the next
  // call.
  template <typename... Args>
  absl::Status Run(const Args&... args) {
    absl::Status status = BindAll(args...);
    if (status.ok()) status = StepToEnd();
    Reset();
    return status;
  }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  absl::Status StepToEnd();

  template <typename T>
  struct IsOptional : std::false_type {};
  template <typename T>
  struct IsOptional<std::optional<T>> : std::true_type {};

  template <typename T>
  absl::Status BindAny(int parameter, const T& value) {
    if constexpr (IsOptional<T>::value) {
      return value.has_value() ? BindAny(parameter, *value) : BindNull(parameter);
    } else if constexpr (std::is_same_v<T, Blob>) {
      return Bind(parameter, value);
    } else if constexpr (std::is_integral_v<T>) {
      return Bind(parameter, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return Bind(parameter, static_cast<double>(value));
    } else {
      return Bind(parameter, absl::string_view(value));
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

enum class Access { kCreate, kWrite, kRead };

class Database {
 public:
  // kCreate makes the file if there is none. SQLite reads it at the first statement: only then does
  // it say that a file is no database.
  static absl::StatusOr<Database> Open(const std::string& path, Access access = Access::kCreate);

  // One or more statements without results.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(const std::string& sql);
  int changes() const { return sqlite3_changes(handle_.get()); }
  // How long a statement waits for a lock that another process holds. 5 s at first.
  void SetBusyTimeout(absl::Duration timeout);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3, Close> handle_;
};

// Rolls back unless committed.
class Transaction {
 public:
  static absl::StatusOr<Transaction> Begin(Database* database);
  Transaction(Transaction&& other) : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  absl::Status Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;  // nullptr: done
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_SQLITE_H_
