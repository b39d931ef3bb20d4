// All nodes of a run in one process, on one thread, in an order that depends on nothing but what
// the nodes send.
#ifndef SEMLINK_COMMON_TRANSPORT_INPROC_NETWORK_H_
#define SEMLINK_COMMON_TRANSPORT_INPROC_NETWORK_H_

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "common/transport/traffic_counter.h"
#include "common/transport/transport.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Use: TransportFor() for each node, construct the nodes with it, Add() them, Run(). Not
// thread-safe.
//
// One FIFO carries everything: connections, messages, disconnections. At the start each node is
// connected to the coordinator, in the order of NodeId (transmitters, then receivers); receivers
// connect to transmitters by Transport::Connect. A node that is done is disconnected from its peers
// (PeerDown, ClosedByPeer), as a daemon that ends. Messages are counted by ByteSizeLong(), as over
// gRPC, but moved and never serialised.
class InprocNetwork {
 public:
  InprocNetwork();
  ~InprocNetwork();
  InprocNetwork(const InprocNetwork&) = delete;
  InprocNetwork& operator=(const InprocNetwork&) = delete;

  // The transport through which node `id` sends. Owned by the network; may be asked for before
  // Add().
  Transport* TransportFor(const NodeId& id);

  // `node` must outlive Run(). ALREADY_EXISTS if `id` was added before.
  absl::Status Add(const NodeId& id, Node* node);

  // Set by a signal handler or another thread: Run() returns CANCELLED before the next message.
  void set_interrupt(const std::atomic<bool>* flag) { interrupt_ = flag; }

  // Delivers until every node is done (OK), or a node's call fails (its status, with the node's
  // name in front), or nothing is left to deliver while a node is not done (INTERNAL, naming the
  // nodes that wait). Call once.
  absl::Status Run();

 private:
  class Port;
  struct Event {
    enum class Kind { kPeerUp, kPeerDown, kMessage } kind;
    NodeId from;
    NodeId to;
    v1::Message message;
  };

  absl::Status Send(const NodeId& from, const NodeId& to, v1::Message message);
  absl::Status Connect(const NodeId& from, const NodeId& to);
  // Queues PeerUp for both ends and the Hello of `dialler`.
  void Open(const NodeId& dialler, const NodeId& to);
  absl::Status Deliver(Event event);
  // Queues PeerDown for the peers of a node that has just become done.
  void CloseIfDone(const NodeId& id);
  absl::Status Stalled() const;

  std::map<NodeId, Node*> nodes_;
  std::map<NodeId, std::unique_ptr<Port>> ports_;
  std::set<std::pair<NodeId, NodeId>> connections_;  // both directions of each
  std::set<NodeId> closed_;
  std::deque<Event> queue_;
  const std::atomic<bool>* interrupt_ = nullptr;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_INPROC_NETWORK_H_
