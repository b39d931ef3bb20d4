#include "common/base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace semlink {

absl::Duration RealClock::Now() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

absl::Time RealClock::WallTime() { return absl::Now(); }

absl::Duration FakeClock::Now() {
  absl::MutexLock lock(&mutex_);
  return now_;
}

absl::Time FakeClock::WallTime() {
  absl::MutexLock lock(&mutex_);
  return wall_;
}

void FakeClock::Advance(absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return;
  absl::MutexLock lock(&mutex_);
  now_ += duration;
  wall_ += duration;
}

void FakeClock::SetWallTime(absl::Time wall) {
  absl::MutexLock lock(&mutex_);
  wall_ = wall;
}

}  // namespace semlink
