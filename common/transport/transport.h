// The seam between a node and the network. A node is an object that handles one message at a time and sends through a
// Transport; it can't tell whether its peers live in the same process (InprocNetwork) or behind gRPC (GrpcTransport).
#ifndef SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_
#define SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Who opens which connection, over gRPC and in process alike:
//  - A node's connection to the coordinator is opened by the transport at the start. A receiver's connections to the
//    transmitters are opened by its Connect().
//  - The side that dials keeps at it. When a connection breaks, the node gets PeerDown, once, and the transport dials
//    again with back-off (at most 1 s between tries once it had been connected) until it is open (PeerUp) or Shutdown.
//    A limit on the wait holds for a node's first connection to the coordinator only. A Refusal of our Hello ends the
//    dialling (PeerDown, PERMISSION_DENIED), except DUPLICATE_NODE: our old connection is not yet known to be dead.
//  - The transport of the side that dials sends `Hello` by itself, as the first message. Nodes never send a Hello.
//    The dialled side gets PeerUp, then Handle(Hello), and answers with Welcome or Refusal through Send(). So it is
//    after each reconnect.
//  - The transport refuses a Hello of another protocol version or of a wrong role, and a second live connection of
//    the same node, before the node sees them. A Hello of the same incarnation as the live connection's, or one that
//    comes when nothing was heard on the live one for 2 s, replaces it: PeerDown, PeerUp, Handle(Hello).
//  - A Refusal that answers a Hello closes the connection once it is sent (gRPC; in process the refused node decides).
//
// What the transport does by itself over gRPC, and nodes never see: Message.sequence and Message.checksum, Heartbeat,
// and in nodes SetFaults and Suffer. A message that was lost or damaged on its way, or a peer of which nothing is
// heard, breaks the connection.
class Transport {
 public:
  virtual ~Transport() = default;

  // Dials `to` at `address` ("host:port"; ignored in process) from now on, see above. Returns at once; the result
  // comes as PeerUp(to). Called again with the same address it does nothing; with another one it drops the connection
  // to the old address (PeerDown, if there is one) and dials the new. INVALID_ARGUMENT for a malformed address or a
  // peer that this node does not dial. Called on the node's own thread only.
  virtual absl::Status Connect(const NodeId& to, const std::string& address) = 0;

  // Queues `message` for `to`. Never blocks on the peer and never computes. Returns UNAVAILABLE if there is no
  // connection to `to`, or the node has not yet been told of it (PeerUp): the message is dropped then. INVALID_ARGUMENT if MaySend() (protocol.h) forbids it,
  // RESOURCE_EXHAUSTED if it is larger than kMaxMessageBytes. Messages from one node to another arrive in order,
  // whole, once, or not at all. Called on the node's own thread only.
  virtual absl::Status Send(const NodeId& to, v1::Message message) = 0;

  // Cumulative traffic by peer and kind, and the kernel's figures per connection (empty in process).
  virtual std::vector<v1::Traffic> TrafficSnapshot() const = 0;
  virtual std::vector<v1::Wire> WireSnapshot() const = 0;

  // The faults on messages that leave this node, and those on both directions of the coordinator's own connections
  // (the coordinator applies these at its end, since a node that is cut off could not be told of the end of the cut).
  // Faults that concern others are ignored. Replaces what was said before; an empty list ends all faults. Does nothing
  // in process. Nodes don't call it: their transport obeys the coordinator's SetFaults by itself.
  virtual void SetFaults(const std::vector<v1::Fault>& faults) {}

  // How long nothing may be heard from a peer, and no byte move, before its connection is taken for dead: the
  // scenario's timeouts.silence_seconds, 5 s until it is called. Does nothing in process.
  virtual void SetSilence(absl::Duration silence) {}
};

// A coordinator, transmitter or receiver. All calls come from one thread.
class Node {
 public:
  virtual ~Node() = default;

  // Handles one message. A non-OK status is fatal to the node: it could not go on (out of memory, a broken
  // invariant). A bad message from a peer is not fatal: the node refuses and counts it and returns OK.
  virtual absl::Status Handle(const NodeId& from, const v1::Message& message) = 0;

  // A peer's connection was opened or lost; never twice the same in a row, but PeerDown without PeerUp if a peer was
  // never reached. `why` is never OK: ClosedByPeer() (protocol.h) if the peer ended in good
  // order, UNAVAILABLE if the connection broke or was silent, PERMISSION_DENIED if the peer refused our Hello, DEADLINE_EXCEEDED if
  // it could not be reached in time, INVALID_ARGUMENT if it sent what it may not, RESOURCE_EXHAUSTED if it sent more
  // than may wait (kMaxWaitingBytes).
  virtual absl::Status PeerUp(const NodeId& peer) { return absl::OkStatus(); }
  virtual absl::Status PeerDown(const NodeId& peer, const absl::Status& why) { return absl::OkStatus(); }

  // Called about once a second by daemons (never in process): deadlines and heartbeats.
  virtual absl::Status Tick() { return absl::OkStatus(); }

  // True once the node has nothing more to do; its loop then ends.
  virtual bool done() const = 0;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_TRANSPORT_H_
