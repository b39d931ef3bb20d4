// The queue between a daemon's network threads and the one thread on which its node runs.
#ifndef SEMLINK_COMMON_TRANSPORT_MAILBOX_H_
#define SEMLINK_COMMON_TRANSPORT_MAILBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Thread-safe: any thread posts, one thread takes. First in, first out, except that an interrupt
// goes before everything else.
class Mailbox {
 public:
  struct Event {
    enum class Kind {
      kPeerUp,
      kPeerDown,   // status: why
      kMessage,    // message
      kCall,       // call
      kTick,       // nothing came in time
      kInterrupt,  // signal
    };
    Kind kind = Kind::kTick;
    NodeId peer;
    uint64_t connection = 0;  // kPeerUp: its number
    absl::Status status;
    v1::Message message;
    std::function<absl::Status()> call;
    int signal = 0;
    std::size_t weight = 0;  // what it counts for in Waiting()
  };

  // What each event of a peer counts for besides the bytes of its message: about what it occupies.
  static constexpr std::size_t kEventBytes = 1024;

  // `connection` tells this connection to the peer from others; not 0.
  void PostPeerUp(const NodeId& peer, uint64_t connection = 1);
  void PostPeerDown(const NodeId& peer, absl::Status why);
  // `bytes`: the message's ByteSizeLong, for Waiting().
  void PostMessage(const NodeId& from, v1::Message message, std::size_t bytes = 0);
  // `call` runs on the node's thread, between messages; what it returns counts like Node::Handle.
  // For services that must look at the node (Operator). It is never run if the node ends first.
  void PostCall(std::function<absl::Status()> call);
  void PostInterrupt(int signal);

  // Waits for the next event, at most `timeout`; then returns kTick.
  Event Take(absl::Duration timeout);

  // The connection to `peer` by what has been taken so far: that of the last PeerUp; 0 after
  // PeerDown or if there was none.
  uint64_t Connection(const NodeId& peer) const;

  // Bytes of all that was posted about `peer` and has not been taken yet.
  std::size_t Waiting(const NodeId& peer) const;

 private:
  void Post(Event event);

  mutable absl::Mutex mutex_;
  absl::CondVar posted_;
  std::map<NodeId, uint64_t> connections_ ABSL_GUARDED_BY(mutex_);
  std::map<NodeId, std::size_t> waiting_ ABSL_GUARDED_BY(mutex_);  // bytes
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_MAILBOX_H_
