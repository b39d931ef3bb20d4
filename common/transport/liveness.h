// How long nothing has been heard from a peer.
#ifndef SEMLINK_COMMON_TRANSPORT_LIVENESS_H_
#define SEMLINK_COMMON_TRANSPORT_LIVENESS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace semlink {

// Thread-safe. Signs of life are messages, heartbeats included, and bytes that the kernel has
// received: a large message on a slow link is heard of only when it is complete, but its bytes come
// all the while.
class Liveness {
 public:
  // Fewer bytes than this in a second may be gRPC's own (window updates, pings): these also come
  // from a peer whose messages are lost.
  static constexpr double kLeastBytesPerSecond = 256;

  explicit Liveness(absl::Duration now) : heard_(now) {}

  // A message came.
  void Heard(absl::Duration now);
  // The kernel has received so many bytes in all. Looked at once per `window`.
  void Moved(absl::Duration now, uint64_t bytes, absl::Duration window);
  // This process itself stood still for so long: the peer can't be blamed for it.
  void Forgive(absl::Duration stood_still);

  absl::Duration QuietFor(absl::Duration now) const;

 private:
  mutable absl::Mutex mutex_;
  absl::Duration heard_ ABSL_GUARDED_BY(mutex_);
  bool marked_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration mark_ ABSL_GUARDED_BY(mutex_);      // when the bytes were last looked at
  uint64_t mark_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // and how many there were
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_LIVENESS_H_
