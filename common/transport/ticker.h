// A thread that does some work again and again, at times that the work itself chooses.
#ifndef SEMLINK_COMMON_TRANSPORT_TICKER_H_
#define SEMLINK_COMMON_TRANSPORT_TICKER_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace semlink {

// Thread-safe.
class Ticker {
 public:
  explicit Ticker(Clock* clock) : clock_(clock) {}
  ~Ticker() { Stop(); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // Calls `work` with the time, at once and then at each time that it returned. Call once.
  void Start(std::function<absl::Duration(absl::Duration now)> work);
  // Calls it at `when` at the latest.
  void WakeAt(absl::Duration when);
  // Waits for the call under way; none follows.
  void Stop();

 private:
  void Run();

  Clock* const clock_;
  std::function<absl::Duration(absl::Duration now)> work_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  absl::Duration next_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_TICKER_H_
