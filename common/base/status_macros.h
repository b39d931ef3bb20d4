// Early returns for absl::Status and absl::StatusOr.
#ifndef SEMLINK_COMMON_BASE_STATUS_MACROS_H_
#define SEMLINK_COMMON_BASE_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SEMLINK_CONCAT_INNER(a, b) a##b
#define SEMLINK_CONCAT(a, b) SEMLINK_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                                                    \
  do {                                                                           \
    if (absl::Status semlink_status = (expr); !semlink_status.ok()) return semlink_status; \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  SEMLINK_ASSIGN_OR_RETURN(SEMLINK_CONCAT(semlink_statusor_, __LINE__), lhs, expr)
#define SEMLINK_ASSIGN_OR_RETURN(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return tmp.status();            \
  lhs = std::move(tmp).value()

#endif  // SEMLINK_COMMON_BASE_STATUS_MACROS_H_
