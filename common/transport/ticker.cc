#include "common/transport/ticker.h"

#include <algorithm>
#include <utility>

namespace semlink {

void Ticker::Start(std::function<absl::Duration(absl::Duration)> work) {
  work_ = std::move(work);
  thread_ = std::thread([this] { Run(); });
}

void Ticker::WakeAt(absl::Duration when) {
  absl::MutexLock lock(&mutex_);
  if (when >= next_) return;
  next_ = when;
  changed_.Signal();
}

void Ticker::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void Ticker::Run() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    const absl::Duration left = next_ - clock_->Now();
    if (left > absl::ZeroDuration()) {
      changed_.WaitWithDeadline(&mutex_, absl::Now() + left);
      continue;
    }
    next_ = absl::InfiniteDuration();  // WakeAt during the work counts too
    mutex_.Unlock();
    const absl::Duration next = work_(clock_->Now());
    mutex_.Lock();
    next_ = std::min(next_, next);
  }
}

}  // namespace semlink
