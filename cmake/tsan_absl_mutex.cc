// For programs that are checked with ThreadSanitizer. The packaged Abseil is not built with it, so TSan doesn't see that
// absl::Mutex orders memory, and takes everything that one guards for a race. These definitions stand in front of the
// library's and tell it. Only Lock, Unlock and CondVar are covered: code under test must not use Condition.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static const auto real = reinterpret_cast<void (*)(Mutex*)>(dlsym(RTLD_NEXT, "_ZN4absl7debian35Mutex4LockEv"));
  real(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  static const auto real = reinterpret_cast<void (*)(Mutex*)>(dlsym(RTLD_NEXT, "_ZN4absl7debian35Mutex6UnlockEv"));
  __tsan_release(this);
  real(this);
}

void CondVar::Wait(Mutex* mutex) {
  static const auto real = reinterpret_cast<void (*)(CondVar*, Mutex*)>(
      dlsym(RTLD_NEXT, "_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE"));
  __tsan_release(mutex);
  real(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto real = reinterpret_cast<bool (*)(CondVar*, Mutex*, Time)>(
      dlsym(RTLD_NEXT, "_ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"));
  __tsan_release(mutex);
  const bool expired = real(this, mutex, deadline);
  __tsan_acquire(mutex);
  return expired;
}

ABSL_NAMESPACE_END
}  // namespace absl
