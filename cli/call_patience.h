// How long a command that asks a coordinator again and again goes on when it gets no answer.
#ifndef SEMLINK_CLI_CALL_PATIENCE_H_
#define SEMLINK_CLI_CALL_PATIENCE_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace semlink::cli {

// A coordinator that is started again is back within ten seconds, and meanwhile calls fail with
// UNAVAILABLE or DEADLINE_EXCEEDED. Any other error is an answer, and final. Before the first
// answer nothing is forgiven: the address may be wrong.
class CallPatience {
 public:
  // `clock` must outlive the object.
  explicit CallPatience(Clock* clock, absl::Duration limit = absl::Seconds(15))
      : clock_(clock), limit_(limit) {}

  // Whether a later call may succeed where this one failed.
  static bool MayPass(const absl::Status& status) {
    return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
  }

  // Takes the result of a call. True: go on; false: it is an error, and it is time to say so.
  bool GoesOn(const absl::Status& status);

 private:
  Clock* const clock_;
  const absl::Duration limit_;
  std::optional<absl::Duration> answered_;  // when the last answer came
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_CALL_PATIENCE_H_
