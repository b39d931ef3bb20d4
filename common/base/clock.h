// Time. Nothing in semlink reads a clock but through this interface, so tests decide what time it
// is.
#ifndef SEMLINK_COMMON_BASE_CLOCK_H_
#define SEMLINK_COMMON_BASE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace semlink {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Time since a fixed but unnamed moment. Never goes back: for durations and deadlines.
  virtual absl::Duration Now() = 0;
  // The date, for records that people read. May jump.
  virtual absl::Time WallTime() = 0;
};

class RealClock : public Clock {
 public:
  absl::Duration Now() override;
  absl::Time WallTime() override;
};

// Stands still until told to move.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time wall = absl::UnixEpoch()) : wall_(wall) {}

  absl::Duration Now() override;
  absl::Time WallTime() override;

  // Moves both times on. A negative duration moves nothing.
  void Advance(absl::Duration duration);
  // The date jumps, as after a correction by the network; Now() does not.
  void SetWallTime(absl::Time wall);

 private:
  absl::Mutex mutex_;
  absl::Duration now_ ABSL_GUARDED_BY(mutex_);
  absl::Time wall_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_CLOCK_H_
