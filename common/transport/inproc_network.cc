#include "common/transport/inproc_network.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/transport/protocol.h"

namespace semlink {

class InprocNetwork::Port : public Transport {
 public:
  Port(InprocNetwork* network, const NodeId& self) : network_(network), self_(self) {}

  absl::Status Connect(const NodeId& to, const std::string& address) override {
    return network_->Connect(self_, to);
  }
  absl::Status Send(const NodeId& to, v1::Message message) override {
    return network_->Send(self_, to, std::move(message));
  }
  std::vector<v1::Traffic> TrafficSnapshot() const override { return counter_.Snapshot(); }
  std::vector<v1::Wire> WireSnapshot() const override { return {}; }

  TrafficCounter& counter() { return counter_; }

 private:
  InprocNetwork* network_;
  NodeId self_;
  TrafficCounter counter_;
};

InprocNetwork::InprocNetwork() = default;
InprocNetwork::~InprocNetwork() = default;

Transport* InprocNetwork::TransportFor(const NodeId& id) {
  std::unique_ptr<Port>& port = ports_[id];
  if (port == nullptr) port = std::make_unique<Port>(this, id);
  return port.get();
}

absl::Status InprocNetwork::Add(const NodeId& id, Node* node) {
  if (!nodes_.emplace(id, node).second) {
    return absl::AlreadyExistsError(absl::StrCat("two nodes are called ", id.ToString()));
  }
  TransportFor(id);
  return absl::OkStatus();
}

absl::Status InprocNetwork::Connect(const NodeId& from, const NodeId& to) {
  if (from.role != Role::kReceiver || to.role != Role::kTransmitter) {
    return absl::InvalidArgumentError(
        absl::StrCat(from.ToString(), " does not dial ", to.ToString()));
  }
  if (connections_.count({from, to}) > 0) return absl::OkStatus();
  if (nodes_.count(to) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("there is no ", to.ToString()));
  }
  Open(from, to);
  return absl::OkStatus();
}

void InprocNetwork::Open(const NodeId& dialler, const NodeId& to) {
  connections_.insert({dialler, to});
  connections_.insert({to, dialler});
  v1::Message message;
  v1::Hello& hello = *message.mutable_hello();
  *hello.mutable_node() = ToProto(dialler);
  hello.set_protocol(kProtocolVersion);
  hello.set_software(kSoftware);
  if (dialler.role == Role::kTransmitter) hello.set_data_address("in process");
  hello.set_pid(static_cast<uint32_t>(getpid()));
  ports_[dialler]->counter().CountSent(to, message, message.ByteSizeLong());
  queue_.push_back({Event::Kind::kPeerUp, dialler, to, {}});
  queue_.push_back({Event::Kind::kMessage, dialler, to, std::move(message)});
  queue_.push_back({Event::Kind::kPeerUp, to, dialler, {}});
}

absl::Status InprocNetwork::Send(const NodeId& from, const NodeId& to, v1::Message message) {
  RETURN_IF_ERROR(CheckMaySend(from, to, message));
  if (connections_.count({from, to}) == 0) {
    return absl::UnavailableError(
        absl::StrCat("no connection from ", from.ToString(), " to ", to.ToString()));
  }
  const std::size_t bytes = message.ByteSizeLong();
  RETURN_IF_ERROR(CheckSize(to, message, bytes));
  ports_[from]->counter().CountSent(to, message, bytes);
  queue_.push_back({Event::Kind::kMessage, from, to, std::move(message)});
  return absl::OkStatus();
}

absl::Status InprocNetwork::Deliver(Event event) {
  Node& node = *nodes_.at(event.to);
  if (node.done()) return absl::OkStatus();
  absl::Status status;
  switch (event.kind) {
    case Event::Kind::kPeerUp:
      status = node.PeerUp(event.from);
      break;
    case Event::Kind::kPeerDown:
      status = node.PeerDown(event.from, ClosedByPeer());
      break;
    case Event::Kind::kMessage:
      ports_[event.to]->counter().CountReceived(event.from, event.message,
                                                event.message.ByteSizeLong());
      status = node.Handle(event.from, event.message);
      break;
  }
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(event.to.ToString(), ": ", status.message()));
}

void InprocNetwork::CloseIfDone(const NodeId& id) {
  if (!nodes_.at(id)->done() || !closed_.insert(id).second) return;
  for (const auto& [peer, node] : nodes_) {
    if (connections_.erase({peer, id}) == 0) continue;
    connections_.erase({id, peer});
    queue_.push_back({Event::Kind::kPeerDown, id, peer, {}});
  }
}

absl::Status InprocNetwork::Stalled() const {
  std::vector<std::string> waiting;
  for (const auto& [id, node] : nodes_) {
    if (!node->done()) waiting.push_back(id.ToString());
  }
  if (waiting.empty()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("stalled: nothing is left to deliver, but these wait: ",
                                          absl::StrJoin(waiting, ", ")));
}

absl::Status InprocNetwork::Run() {
  for (const auto& [id, node] : nodes_) CloseIfDone(id);
  if (nodes_.count(NodeId::Coordinator()) > 0) {
    for (const auto& [id, node] : nodes_) {
      if (id != NodeId::Coordinator()) Open(id, NodeId::Coordinator());
    }
  }
  while (!queue_.empty()) {
    if (interrupt_ != nullptr && interrupt_->load(std::memory_order_relaxed)) {
      return absl::CancelledError("interrupted");
    }
    Event event = std::move(queue_.front());
    queue_.pop_front();
    const NodeId to = event.to;
    RETURN_IF_ERROR(Deliver(std::move(event)));
    CloseIfDone(to);
  }
  return Stalled();
}

}  // namespace semlink
