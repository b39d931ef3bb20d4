// What all streams of one daemon share: who is connected, the node's mailbox, the counts.
#ifndef SEMLINK_COMMON_TRANSPORT_STREAM_HUB_H_
#define SEMLINK_COMMON_TRANSPORT_STREAM_HUB_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/transport/mailbox.h"
#include "common/transport/out_stream.h"
#include "common/transport/traffic_counter.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Life of a stream: Begin, then Open once its peer is known and admitted, Receive for each of its
// messages, Lost (if it was opened), End. Thread-safe. Must outlive every stream: WaitUntilIdle.
class StreamHub {
 public:
  // `mailbox` must outlive the hub.
  StreamHub(const NodeId& self, Mailbox* mailbox, std::size_t max_message_bytes)
      : self_(self), mailbox_(mailbox), max_message_bytes_(max_message_bytes) {}

  const NodeId& self() const { return self_; }
  std::size_t max_message_bytes() const { return max_message_bytes_; }
  TrafficCounter& traffic() { return traffic_; }
  const TrafficCounter& traffic() const { return traffic_; }

  void Begin(std::shared_ptr<OutStream> stream);
  // The stream's last act: the hub may be gone afterwards.
  void End(OutStream* stream);

  // Makes `stream` the connection to `peer` and posts PeerUp. False if there is one already.
  // `hello`, if not null, is counted and posted after PeerUp.
  bool Open(const NodeId& peer, std::shared_ptr<OutStream> stream, const v1::Message* hello);
  // Posts PeerDown, unless `stream` isn't the connection to `peer`.
  void Lost(const NodeId& peer, OutStream* stream, const absl::Status& why);
  // Posts PeerDown for a peer that was never reached.
  void GiveUp(const NodeId& peer, const absl::Status& why);

  // Counts and posts a message. INVALID_ARGUMENT if `peer` may not send it or it is too large: the
  // stream must refuse it.
  absl::Status Receive(const NodeId& peer, v1::Message message);

  // A message or a Hello was refused.
  void CountRefusal();
  uint64_t refusals() const;

  // The connection to `peer`, or null.
  std::shared_ptr<OutStream> Find(const NodeId& peer) const;
  std::vector<std::pair<NodeId, std::shared_ptr<OutStream>>> Connections() const;

  // All streams, also those that have not said Hello. A stream that begins after CloseAll is
  // cancelled at once.
  void CloseAll();
  void CancelAll();
  // Waits until every stream has ended; false if `timeout` passed first.
  bool WaitUntilIdle(absl::Duration timeout);

 private:
  std::vector<std::shared_ptr<OutStream>> Streams() const;

  const NodeId self_;
  Mailbox* const mailbox_;
  const std::size_t max_message_bytes_;
  TrafficCounter traffic_;

  mutable absl::Mutex mutex_;
  absl::CondVar ended_;
  std::map<NodeId, std::shared_ptr<OutStream>> connections_ ABSL_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<OutStream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t refusals_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A Refusal message.
v1::Message MakeRefusal(v1::Refusal::Reason reason, std::string detail);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_STREAM_HUB_H_
