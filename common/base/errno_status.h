// The one wording for a failed system call on a path.
#ifndef SEMLINK_COMMON_BASE_ERRNO_STATUS_H_
#define SEMLINK_COMMON_BASE_ERRNO_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace semlink {

// "can't open DIR/x: No such file or directory"; the code follows from `error` (NOT_FOUND for
// ENOENT, ...).
inline absl::Status ErrnoStatus(int error, const char* action, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat("can't ", action, " ", path));
}

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_ERRNO_STATUS_H_
