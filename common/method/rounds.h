// Rounds of a window as messages list them.
#ifndef SEMLINK_COMMON_METHOD_ROUNDS_H_
#define SEMLINK_COMMON_METHOD_ROUNDS_H_

#include <google/protobuf/repeated_field.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace semlink::method {

// INVALID_ARGUMENT unless they ascend, without repeats, below `rounds`.
inline absl::Status CheckRounds(const google::protobuf::RepeatedField<uint32_t>& list,
                                uint64_t rounds) {
  for (int i = 0; i < list.size(); ++i) {
    if (list[i] >= rounds || (i > 0 && list[i] <= list[i - 1])) {
      return absl::InvalidArgumentError(absl::StrCat("rounds do not ascend below ", rounds));
    }
  }
  return absl::OkStatus();
}

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_ROUNDS_H_
