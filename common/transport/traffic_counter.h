// Counts messages and serialised bytes by peer, kind and direction.
#ifndef SEMLINK_COMMON_TRANSPORT_TRAFFIC_COUNTER_H_
#define SEMLINK_COMMON_TRANSPORT_TRAFFIC_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Thread-safe. Bytes are those of the serialised protobuf message (ByteSizeLong), without any
// framing.
class TrafficCounter {
 public:
  // `bytes` must be message.ByteSizeLong(): the caller usually knows it already.
  void CountSent(const NodeId& peer, const v1::Message& message, std::size_t bytes);
  void CountReceived(const NodeId& peer, const v1::Message& message, std::size_t bytes);

  // One entry per (peer, kind) seen so far, sorted by peer, then kind.
  std::vector<v1::Traffic> Snapshot() const;

 private:
  struct Counts {
    uint64_t messages_sent = 0;
    uint64_t bytes_sent = 0;
    uint64_t messages_received = 0;
    uint64_t bytes_received = 0;
  };

  mutable absl::Mutex mutex_;
  std::map<std::pair<NodeId, std::string>, Counts> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_TRAFFIC_COUNTER_H_
