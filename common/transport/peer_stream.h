// A stream to a peer, whoever dialled: what client and server streams have in common.
#ifndef SEMLINK_COMMON_TRANSPORT_PEER_STREAM_H_
#define SEMLINK_COMMON_TRANSPORT_PEER_STREAM_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/faults/fault_line.h"
#include "common/transport/envelope.h"
#include "common/transport/liveness.h"
#include "common/transport/out_stream.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

class StreamHub;

// The read side: checks the order of what comes, keeps heartbeats to itself and gives the rest to
// the hub. Thread-safe.
class PeerStream : public OutStream, public std::enable_shared_from_this<PeerStream> {
 public:
  explicit PeerStream(StreamHub* hub);

  // Whether heartbeats go and silence counts: the peer is known and admitted.
  bool is_open() const;
  Liveness& liveness() { return liveness_; }
  const Liveness& liveness() const { return liveness_; }
  // The peer; once open.
  NodeId peer() const;

  // Ends the stream because of a fault on the way: PeerDown with `why` at once, and the peer is
  // told.
  void Fail(const absl::Status& why);

  absl::Duration Pulse(absl::Duration now) override;

 protected:
  // The stream leads to `peer`: from now on the link's faults hit it. MarkOpen: admitted too.
  void SetPeer(const NodeId& peer);
  void MarkOpen();

  // The checks of the first message, a server's only: OK if it is whole and in its place.
  absl::Status CheckFirst(v1::Message* message);
  // A message came. False if the stream takes no more: it broke, or the message was refused.
  bool Arrived(v1::Message message);

  // A message that the peer may not send came: tell it and close. INVALID_ARGUMENT.
  virtual void RefuseMessage(const absl::Status& why) = 0;

  // The reactor's OnDone: nothing moves any more. PeerDown with `why` if it has not been told yet.
  void Ended(const absl::Status& why);

  // Why the stream ends, if the cause is known here; else OK. The first cause counts.
  absl::Status broken_by() const;
  void SetBrokenBy(const absl::Status& why);

  void WakeAt(absl::Duration when) override;
  StreamHub* hub() const { return hub_; }

 private:
  bool Process(InTransit arrived) ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);
  bool ProcessAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);

  StreamHub* const hub_;
  Liveness liveness_;

  // Held while messages are handed on, so that they stay in order; before the hub's and mutex_.
  absl::Mutex read_mutex_;
  IncomingOrder order_ ABSL_GUARDED_BY(read_mutex_);
  FaultLine in_line_ ABSL_GUARDED_BY(read_mutex_);
  std::deque<InTransit> arrived_ ABSL_GUARDED_BY(read_mutex_);
  bool deaf_ ABSL_GUARDED_BY(read_mutex_) = false;  // takes no more

  mutable absl::Mutex mutex_;  // innermost
  std::optional<NodeId> peer_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_by_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_PEER_STREAM_H_
