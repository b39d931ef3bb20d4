// What the kernel says that a daemon's connections have carried, by peer.
#ifndef SEMLINK_COMMON_TRANSPORT_WIRE_BOOK_H_
#define SEMLINK_COMMON_TRANSPORT_WIRE_BOOK_H_

#include <cstdint>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "common/transport/tcp_info.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Totals over all connections with a peer since the daemon started: a connection that has gone
// counts as it was last read. Thread-safe.
class WireBook {
 public:
  // Reads the figures of these connections. Some microseconds for each; more the first time.
  void Read(const std::vector<PeerConnection>& live);

  // Takes one reading. Readings of one connection (TcpConnection.id) may come in any order with
  // those of others; its last one counts.
  void Take(const NodeId& peer, const TcpConnection& reading);

  // By peer. The round trip is that of the newest connection.
  std::vector<v1::Wire> Totals() const;

 private:
  struct Account {
    std::vector<TcpConnection> connections;  // the last ones, in the order of their first reading
    v1::Wire before;                         // sum of those that came before these
    uint64_t count = 0;                      // of all connections
  };

  void TakeLocked(const NodeId& peer, const TcpConnection& reading)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<NodeId, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_WIRE_BOOK_H_
