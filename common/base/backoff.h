// How long to wait before trying again.
#ifndef SEMLINK_COMMON_BASE_BACKOFF_H_
#define SEMLINK_COMMON_BASE_BACKOFF_H_

#include "absl/time/time.h"
#include "common/base/rng.h"

namespace semlink {

struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(200);
  absl::Duration longest = absl::Seconds(5);
  double factor = 2;  // from one delay to the next, at least 1
  // Each delay is its nominal value times a number from (1 - jitter, 1]. In [0, 1].
  double jitter = 0.2;
};

// Delays that grow exponentially up to `longest`. The jitter, which keeps nodes that failed
// together from coming back together, comes from a RandomStream, so a test sees the same delays
// each time. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(RandomStream stream, BackoffOptions options = {});

  // The delay before the next try. Never above `longest`, and spread below it too.
  absl::Duration Next();
  // After a success: the next failure starts from `first` again.
  void Reset();

 private:
  RandomStream stream_;
  BackoffOptions options_;
  absl::Duration nominal_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_BACKOFF_H_
