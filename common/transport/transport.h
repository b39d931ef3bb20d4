// The seam between a node and the network. A node is an object that handles one message at a time and sends through a
// Transport; it can't tell whether its peers live in the same process (InprocNetwork) or behind gRPC (GrpcTransport).
#ifndef SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_
#define SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Who opens which connection, over gRPC and in process alike:
//  - A node's connection to the coordinator is opened by the transport at the start. A receiver's connections to the
//    transmitters are opened by its Connect().
//  - The transport of the side that dials sends `Hello` by itself, as the first message. Nodes never send a Hello.
//    The dialled side gets PeerUp, then Handle(Hello), and answers with Welcome or Refusal through Send().
//  - The transport refuses a Hello of another protocol version or of a wrong role, and a second live connection of
//    the same node, before the node sees them.
//  - A Refusal that answers a Hello closes the connection once it is sent (gRPC; in process the refused node decides).
class Transport {
 public:
  virtual ~Transport() = default;

  // Opens a connection to `to` at `address` ("host:port"; ignored in process), retrying with back-off. Returns at
  // once; the result comes as PeerUp(to) or, when it is given up, PeerDown(to, why). An error means that it was not
  // even tried: INVALID_ARGUMENT for a malformed address or a peer that this node does not dial, ALREADY_EXISTS if
  // there is a connection to `to`. Called on the node's own thread only.
  virtual absl::Status Connect(const NodeId& to, const std::string& address) = 0;

  // Queues `message` for `to`. Never blocks on the peer and never computes. Returns UNAVAILABLE if there is no
  // connection to `to`: the message is dropped then. INVALID_ARGUMENT if MaySend() (protocol.h) forbids it,
  // RESOURCE_EXHAUSTED if it is larger than kMaxMessageBytes. Messages from one node to another arrive in order,
  // whole, once, or not at all. Called on the node's own thread only.
  virtual absl::Status Send(const NodeId& to, v1::Message message) = 0;

  // Cumulative traffic by peer and kind, and the kernel's figures per connection (empty in process).
  virtual std::vector<v1::Traffic> TrafficSnapshot() const = 0;
  virtual std::vector<v1::Wire> WireSnapshot() const = 0;
};

// A coordinator, transmitter or receiver. All calls come from one thread.
class Node {
 public:
  virtual ~Node() = default;

  // Handles one message. A non-OK status is fatal to the node: it could not go on (out of memory, a broken
  // invariant). A bad message from a peer is not fatal: the node refuses and counts it and returns OK.
  virtual absl::Status Handle(const NodeId& from, const v1::Message& message) = 0;

  // A peer's connection was opened or lost. `why` is never OK: ClosedByPeer() (protocol.h) if the peer ended in good
  // order, UNAVAILABLE if the connection broke, PERMISSION_DENIED if the peer refused our Hello, DEADLINE_EXCEEDED if
  // it could not be reached in time, INVALID_ARGUMENT if it sent what it may not.
  virtual absl::Status PeerUp(const NodeId& peer) { return absl::OkStatus(); }
  virtual absl::Status PeerDown(const NodeId& peer, const absl::Status& why) { return absl::OkStatus(); }

  // Called about once a second by daemons (never in process): deadlines and heartbeats.
  virtual absl::Status Tick() { return absl::OkStatus(); }

  // True once the node has nothing more to do; its loop then ends.
  virtual bool done() const = 0;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_
