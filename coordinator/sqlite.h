// A thin, owning layer over SQLite's C interface: no statement or transaction is left open.
#ifndef SEMLINK_COORDINATOR_SQLITE_H_
#define SEMLINK_COORDINATOR_SQLITE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"

namespace semlink::coordinator {

// One prepared statement. Parameters and columns are numbered as SQLite does: from 1 and from 0.
class Statement {
 public:
  absl::Status Bind(int parameter, int64_t value);
  absl::Status Bind(int parameter, double value);
  absl::Status Bind(int parameter, absl::string_view value);

  // True: a row is there. False: done.
  absl::StatusOr<bool> Step();
  void Reset();

  int64_t Int(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  double Double(int column) const { return sqlite3_column_double(handle_.get(), column); }
  std::string Text(int column) const;

  // Binds the arguments in order, runs the statement to its end, and makes it ready for the next
  // call. Integers of any kind are stored as SQLite's signed 64 bits.
  template <typename... Args>
  absl::Status Run(const Args&... args) {
    int parameter = 0;
    absl::Status status;
    ((status = status.ok() ? BindAny(++parameter, args) : status), ...);
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
  absl::Status BindAny(int parameter, const T& value) {
    if constexpr (std::is_integral_v<T>) {
      return Bind(parameter, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return Bind(parameter, static_cast<double>(value));
    } else {
      return Bind(parameter, absl::string_view(value));
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Database {
 public:
  // Opens or creates the file.
  static absl::StatusOr<Database> Open(const std::string& path);

  // One or more statements without results.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(const std::string& sql);
  int changes() const { return sqlite3_changes(handle_.get()); }

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
