// How to tell the packets of a peer from those of others, for the kernel's faults.
#ifndef SEMLINK_COMMON_TRANSPORT_LINK_BOOK_H_
#define SEMLINK_COMMON_TRANSPORT_LINK_BOOK_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/ids.h"
#include "common/faults/kernel_plan.h"
#include "common/transport/tcp_info.h"

namespace semlink {

// A pair is told from others by the peer's address and by the port on which one of the two ends
// listens, so that connections to come are meant too. Where that is not enough (two peers with one
// address, or another process of this machine connected to the same peer) the other port of the
// connection there is counts too: a new connection is meant once it has been opened and Read.
//
// The last address of a peer is kept while it is away, but for the coordinator's: what is done to
// packets to the coordinator ends with the connection, so that it can't be shut out for ever. Not
// thread-safe.
class LinkBook {
 public:
  // What the kernel knows: this process's connections, and all of this network
  // (/proc/net/tcp, tcp6).
  struct Sockets {
    std::vector<TcpConnection> own;
    std::string table;
  };
  static Sockets ReadSockets();

  // `listen_port`: where peers dial this node; 0 if none do.
  LinkBook(const NodeId& self, int listen_port) : self_(self), listen_port_(listen_port) {}

  // The links to all peers that are or were connected. One that is connected and can't be told from
  // others has an empty peer_host; one that is away and can't be told is left out.
  std::map<NodeId, LinkEnds> Read(const std::vector<PeerConnection>& live, const Sockets& sockets);

 private:
  bool Dials(const NodeId& peer) const;
  LinkEnds DialledEnds(const PeerConnection& live, const Sockets& sockets) const;

  const NodeId self_;
  const int listen_port_;
  std::map<NodeId, PeerConnection> known_;
};

// Established connections to this address in a table of the form of /proc/net/tcp.
int CountConnectionsTo(absl::string_view table, const std::string& host, int port);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_LINK_BOOK_H_
