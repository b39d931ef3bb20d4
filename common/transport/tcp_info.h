// The kernel's accounting of this process's TCP connections.
#ifndef SEMLINK_COMMON_TRANSPORT_TCP_INFO_H_
#define SEMLINK_COMMON_TRANSPORT_TCP_INFO_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace semlink {

// One established TCP connection. Counts are since it was opened.
//
// Wire bytes are payload plus headers. The kernel counts payload exactly; headers are estimated as
// segments x (IPv4 20 or IPv6 40 + TCP 20 + timestamp option 12). Pure acknowledgements count as
// segments. Link-layer headers are not included. With segmentation offload the kernel counts the
// segments that are put on the wire, not the large ones that it hands to the device.
struct TcpConnection {
  int fd = -1;        // where it was found; may be closed, and used again, at any time
  uint64_t id = 0;    // the kernel's, of no other connection since the machine started (SO_COOKIE)
  std::string local;  // "127.0.0.1:40000", "[::1]:40000"; IPv4 in IPv6 is written as IPv4
  std::string peer;
  uint64_t payload_sent = 0;  // retransmissions included
  uint64_t payload_received = 0;
  uint64_t segments_sent = 0;
  uint64_t segments_received = 0;
  uint64_t wire_sent = 0;
  uint64_t wire_received = 0;
  uint64_t retransmitted = 0;  // bytes
  double round_trip_us = 0;    // smoothed
};

// A live connection with a peer, and its ends as FindConnection() takes them.
struct PeerConnection {
  NodeId peer;
  std::string local;  // may be empty, or as the peer sees it
  std::string remote;
};

// The connection behind this descriptor; nullopt if there is none, or it changed meanwhile.
std::optional<TcpConnection> ReadTcpConnection(int fd);

// All connected TCP sockets among this process's file descriptors. Empty where the kernel doesn't
// tell.
std::vector<TcpConnection> ListTcpConnections();

// The connection with this peer and this local address. Where no local address matches (it is
// empty, or the peer saw another one behind address translation), the only one with this peer. Null
// if there is none, or no telling which.
const TcpConnection* FindConnection(const std::vector<TcpConnection>& connections,
                                    const std::string& local, const std::string& peer);

// gRPC's name of a peer ("ipv4:127.0.0.1:40000", "ipv6:%5B::1%5D:40000") in the form above.
std::string FromGrpcPeer(const std::string& peer);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_TCP_INFO_H_
