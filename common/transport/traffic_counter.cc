#include "common/transport/traffic_counter.h"

#include "common/transport/protocol.h"

namespace semlink {

void TrafficCounter::CountSent(const NodeId& peer, const v1::Message& message, std::size_t bytes) {
  absl::MutexLock lock(&mutex_);
  Counts& counts = counts_[{peer, TrafficKind(message)}];
  counts.messages_sent += 1;
  counts.bytes_sent += bytes;
}

void TrafficCounter::CountReceived(const NodeId& peer, const v1::Message& message,
                                   std::size_t bytes) {
  absl::MutexLock lock(&mutex_);
  Counts& counts = counts_[{peer, TrafficKind(message)}];
  counts.messages_received += 1;
  counts.bytes_received += bytes;
}

std::vector<v1::Traffic> TrafficCounter::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Traffic> snapshot;
  snapshot.reserve(counts_.size());
  for (const auto& [key, counts] : counts_) {
    v1::Traffic traffic;
    *traffic.mutable_peer() = ToProto(key.first);
    traffic.set_kind(key.second);
    traffic.set_messages_sent(counts.messages_sent);
    traffic.set_bytes_sent(counts.bytes_sent);
    traffic.set_messages_received(counts.messages_received);
    traffic.set_bytes_received(counts.bytes_received);
    snapshot.push_back(std::move(traffic));
  }
  return snapshot;
}

}  // namespace semlink
