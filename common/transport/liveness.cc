#include "common/transport/liveness.h"

#include <algorithm>

namespace semlink {

void Liveness::Heard(absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  heard_ = std::max(heard_, now);
}

void Liveness::Moved(absl::Duration now, uint64_t bytes, absl::Duration window) {
  absl::MutexLock lock(&mutex_);
  const absl::Duration passed = now - mark_;
  if (marked_ && mark_ >= heard_) {
    if (passed < window) return;
    const double least = kLeastBytesPerSecond * absl::ToDoubleSeconds(passed);
    if (static_cast<double>(bytes - mark_bytes_) >= least) heard_ = now;
  }
  // Else the first look since the peer fell quiet.
  marked_ = true;
  mark_ = now;
  mark_bytes_ = bytes;
}

void Liveness::Forgive(absl::Duration stood_still) {
  absl::MutexLock lock(&mutex_);
  heard_ += stood_still;
}

absl::Duration Liveness::QuietFor(absl::Duration now) const {
  absl::MutexLock lock(&mutex_);
  return std::max(now - heard_, absl::ZeroDuration());
}

}  // namespace semlink
