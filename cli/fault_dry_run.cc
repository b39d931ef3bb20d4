#include "cli/fault_dry_run.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"
#include "common/faults/kernel_plan.h"
#include "common/transport/address.h"
#include "common/transport/protocol.h"

namespace semlink::cli {
namespace {

struct Nodes {
  int transmitters = 0;
  int receivers = 0;
  std::map<NodeId, std::string> address;  // "host:port"
};

void Count(const NodeId& id, Nodes* nodes) {
  if (id.role == Role::kTransmitter) {
    nodes->transmitters = std::max(nodes->transmitters, id.index + 1);
  } else if (id.role == Role::kReceiver) {
    nodes->receivers = std::max(nodes->receivers, id.index + 1);
  }
}

absl::StatusOr<Nodes> NodesOf(const v1::Fault& fault,
                              const std::optional<v1::StatusReply>& status) {
  Nodes nodes;
  if (status.has_value()) {
    for (const v1::NodeStatus& node : status->node()) {
      const NodeId id = FromProto(node.node());
      Count(id, &nodes);
      if (!node.address().empty()) nodes.address[id] = node.address();
    }
    return nodes;
  }
  if (fault.from().empty() || fault.to().empty()) {
    return absl::InvalidArgumentError(
        "no run is known here, and so not which nodes that target means: name both ends, such as "
        "transmitter1:receiver2, or a run with --run or --coordinator");
  }
  for (const auto* names : {&fault.from(), &fault.to()}) {
    for (const v1::NodeName& name : *names) Count(FromProto(name), &nodes);
  }
  return nodes;
}

// The address at which a node listens: what is not known is a placeholder.
LinkEnds Listener(const NodeId& id, const Nodes& nodes) {
  LinkEnds ends = {absl::StrCat("<address of ", id.ToString(), ">"), kUnknownPort, 0};
  const auto found = nodes.address.find(id);
  if (found == nodes.address.end()) return ends;
  const absl::StatusOr<Address> address = ParseAddress(found->second);
  if (!address.ok()) return ends;
  return {address->host, address->port, 0};
}

LinkEnds EndsBetween(const NodeId& self, const NodeId& peer, const Nodes& nodes) {
  const bool dials = peer.role == Role::kCoordinator || self.role == Role::kReceiver;
  if (dials) return Listener(peer, nodes);
  return {absl::StrCat("<address of ", peer.ToString(), ">"), 0, Listener(self, nodes).peer_port};
}

v1::Fault OneDirection(const v1::Fault& fault, const NodeId& from, const NodeId& to) {
  v1::Fault part = fault;
  part.clear_from();
  part.clear_to();
  part.set_both_directions(false);
  *part.add_from() = ToProto(from);
  *part.add_to() = ToProto(to);
  return part;
}

}  // namespace

absl::StatusOr<std::vector<NodeCommands>> DryRun(const v1::Fault& fault,
                                                 const std::optional<v1::StatusReply>& status) {
  ASSIGN_OR_RETURN(const Nodes nodes, NodesOf(fault, status));
  RETURN_IF_ERROR(CheckFault(fault, nodes.transmitters, nodes.receivers).status());
  std::map<NodeId, std::vector<v1::Fault>> parts;
  std::map<NodeId, std::map<NodeId, KernelPeer>> peers;
  for (const auto& [from, to] : FaultLinks(fault, nodes.transmitters, nodes.receivers)) {
    const NodeId self = ActingNode(fault.kind(), from, to);
    const NodeId peer = self == from ? to : from;
    parts[self].push_back(OneDirection(fault, from, to));
    peers[self][peer] = {EndsBetween(self, peer, nodes), {"<device>"}};
  }
  std::vector<NodeCommands> all;
  for (const auto& [self, faults] : parts) {
    const std::string table = absl::StrCat(kTablePrefix, self.ToString(), "_<pid>");
    const KernelPlan plan = MakeKernelPlan(self, table, faults, peers[self]);
    all.push_back({self, CommandsOf(plan), CommandsToUndo(plan)});
  }
  return all;
}

std::string DryRunText(const std::vector<NodeCommands>& nodes) {
  std::string text;
  for (const NodeCommands& node : nodes) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", "# ", node.node.ToString(), ", to begin\n");
    for (const Command& command : node.begin) absl::StrAppend(&text, CommandText(command), "\n");
    absl::StrAppend(&text, "# ", node.node.ToString(), ", to end\n");
    for (const Command& command : node.end) absl::StrAppend(&text, CommandText(command), "\n");
  }
  return text;
}

}  // namespace semlink::cli
