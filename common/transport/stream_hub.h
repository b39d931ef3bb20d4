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
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/faults/injector.h"
#include "common/faults/kernel_faults.h"
#include "common/transport/mailbox.h"
#include "common/transport/peer_stream.h"
#include "common/transport/tcp_info.h"
#include "common/transport/ticker.h"
#include "common/transport/traffic_counter.h"
#include "common/transport/wire_book.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Life of a stream: Begin, then Open once its peer is known and admitted, Receive for each of its
// messages, Lost (if it was opened), End. Thread-safe. Must outlive every stream: WaitUntilIdle.
class StreamHub {
 public:
  // A live connection of which nothing was heard for so long gives way to a new one.
  static constexpr absl::Duration kReplaceAfter = absl::Seconds(2);

  // `mailbox` and `clock` must outlive the hub.
  StreamHub(const NodeId& self, Mailbox* mailbox, std::size_t max_message_bytes, Clock* clock,
            std::size_t max_waiting_bytes = kMaxWaitingBytes)
      : self_(self),
        mailbox_(mailbox),
        max_message_bytes_(max_message_bytes),
        max_waiting_bytes_(max_waiting_bytes),
        clock_(clock),
        faults_(self),
        ticker_(clock) {}

  const NodeId& self() const { return self_; }
  Clock* clock() const { return clock_; }
  FaultInjector& faults() { return faults_; }
  // The faults that are the kernel's; before anything is received. Must outlive the streams.
  void SetKernelFaults(KernelFaults* kernel_faults) { kernel_faults_ = kernel_faults; }
  // For whatever is due on streams at a time: see StreamKeeper.
  Ticker& ticker() { return ticker_; }
  std::size_t max_message_bytes() const { return max_message_bytes_; }
  TrafficCounter& traffic() { return traffic_; }
  const TrafficCounter& traffic() const { return traffic_; }

  // The kernel's figures of all connections so far, read now; ReadWire only keeps the reading.
  std::vector<v1::Wire> WireTotals();
  void ReadWire();

  void Begin(std::shared_ptr<PeerStream> stream);
  // The stream's last act: the hub may be gone afterwards.
  void End(PeerStream* stream);

  // Makes `stream` the connection to its peer and posts PeerUp. `hello`, if not null, is counted
  // and posted after it. A connection that there is gives way (PeerDown) if the Hello has the same
  // incarnation or nothing was heard on it for kReplaceAfter; else ALREADY_EXISTS.
  // RESOURCE_EXHAUSTED if more of this peer waits for the node than may.
  absl::Status Open(std::shared_ptr<PeerStream> stream, const v1::Message* hello);
  // Posts PeerDown, unless `stream` isn't the connection to its peer.
  void Lost(PeerStream* stream, const absl::Status& why);
  // Posts PeerDown for a peer that is not dialled any more.
  void GiveUp(const NodeId& peer, const absl::Status& why);

  // Counts and posts a message, or obeys it (SetFaults, Suffer). A message of a stream that isn't
  // the connection to its peer any more is dropped. INVALID_ARGUMENT if the peer may not send it or
  // it is too large, RESOURCE_EXHAUSTED if more of this peer would wait for the node than may: the
  // stream must refuse it.
  absl::Status Receive(PeerStream* stream, v1::Message message);

  // A message to the node from its own transport.
  void PostToSelf(v1::Message message) { mailbox_->PostMessage(self_, std::move(message)); }

  // A message or a Hello was refused.
  void CountRefusal();
  uint64_t refusals() const;

  // Of these, because too much of one peer waited.
  uint64_t overflows() const;

  // A message came twice.
  void CountRepeat();
  uint64_t repeats() const;

  // The connection to `peer`, or null. SeenByNode: null also while the node has not yet taken its
  // PeerUp from the mailbox, so that a node cannot mistake a new connection for the old one.
  std::shared_ptr<PeerStream> Find(const NodeId& peer) const;
  std::shared_ptr<PeerStream> SeenByNode(const NodeId& peer) const;
  std::vector<PeerConnection> Connections() const;

  // All streams, also those that have not said Hello. A stream that begins after CloseAll is
  // cancelled at once.
  std::vector<std::shared_ptr<PeerStream>> Streams() const;
  void CloseAll();
  void CancelAll();
  // Waits until every stream has ended; false if `timeout` passed first.
  bool WaitUntilIdle(absl::Duration timeout);

 private:
  struct Connection {
    std::shared_ptr<PeerStream> stream;
    uint64_t incarnation = 0;  // of the Hello; 0: unknown
    uint64_t number = 0;       // of all connections, for the mailbox
  };

  bool GivesWay(const Connection& old, uint64_t incarnation) const;
  absl::Status CheckReceived(const NodeId& peer, const v1::Message& message,
                             std::size_t bytes) const;
  absl::Status CheckRoom(const NodeId& peer, std::size_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what a message for the transport itself says.
  void Obey(const v1::Message& message);

  // While the connection still has figures.
  void ReadLast(const NodeId& peer, const PeerStream& stream);

  const NodeId self_;
  Mailbox* const mailbox_;
  const std::size_t max_message_bytes_;
  const std::size_t max_waiting_bytes_;
  Clock* const clock_;
  TrafficCounter traffic_;
  WireBook wire_;
  FaultInjector faults_;
  KernelFaults* kernel_faults_ = nullptr;
  Ticker ticker_;

  mutable absl::Mutex mutex_;
  absl::CondVar ended_;
  std::map<NodeId, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<PeerStream>> streams_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t overflows_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t repeats_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A Refusal message.
v1::Message MakeRefusal(v1::Refusal::Reason reason, std::string detail);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_STREAM_HUB_H_
