// Faults at the kernel's level as rules for nftables and tc; pure text, nothing is run here.
//
// What is done where, for one direction of a link:
//   cut       the node where it starts drops the packets it sends; on links of the coordinator the
//             coordinator drops them, in both directions (a node that is cut off from it could not
//             be told of the end)
//   drop      the node where it ends drops packets that have arrived: what a rule drops on its way
//             out is no loss to TCP, the kernel knows of it and sends it again at once
//   others    the node where it starts puts its packets into a queue of their own: a token bucket
//             (throttle), netem (delay, duplicate, reorder, corrupt)
#ifndef SEMLINK_COMMON_FAULTS_KERNEL_PLAN_H_
#define SEMLINK_COMMON_FAULTS_KERNEL_PLAN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/ids.h"
#include "common/faults/command_runner.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// The handle of the queues that semlink makes: one root per device.
inline constexpr char kRootHandle[] = "5e1:";
// All tables of semlink's begin so.
inline constexpr char kTablePrefix[] = "semlink_";

// A port that a plan which is only shown does not know.
inline constexpr int kUnknownPort = -1;

// The two ends of the connections with a peer, as their packets show them. A port is 0 where any
// will do: the address and the other port tell the pair from all others.
struct LinkEnds {
  // Numeric, without brackets; in a plan that is only shown any text. Empty: the packets can't be
  // told from others, and no rule can be made for them.
  std::string peer_host;
  int peer_port = 0;
  int own_port = 0;

  bool operator==(const LinkEnds& other) const {
    return peer_host == other.peer_host && peer_port == other.peer_port &&
           own_port == other.own_port;
  }
};

// By which device packets to a peer leave.
struct KernelRoute {
  std::string device;
  int mtu = 1500;
};

struct KernelPeer {
  LinkEnds ends;
  KernelRoute route;  // used only if NeedsQueue
};

// What one node changes in its network.
struct KernelPlan {
  std::string table;  // "semlink_transmitter1_4711", of family inet
  std::string rules;  // of this table, in the language of nft
  std::map<std::string, std::vector<Command>> queues;  // by device

  bool operator==(const KernelPlan& other) const {
    return table == other.table && rules == other.rules && queues == other.queues;
  }
};

// Whose network is changed for this direction of a link.
NodeId ActingNode(v1::Fault::Kind kind, const NodeId& from, const NodeId& to);
// Whether `self` carries the fault out on packets from `from` to `to`.
bool CarriesOut(const v1::Fault& fault, const NodeId& self, const NodeId& from, const NodeId& to);

// Whether packets need a queue of their own for it, and whether that takes netem.
bool NeedsQueue(v1::Fault::Kind kind);
bool NeedsNetem(v1::Fault::Kind kind);

// `faults` have complete lists `from` and `to` and are checked (CheckFault). What is not for `self`
// and what is about a peer that is not in `peers` is left out.
KernelPlan MakeKernelPlan(const NodeId& self, absl::string_view table,
                          const std::vector<v1::Fault>& faults,
                          const std::map<NodeId, KernelPeer>& peers);

// The commands that carry a plan out, and those that undo it. Rules may be removed that are not
// there.
Command InstallRules(const KernelPlan& plan);
Command RemoveRules(absl::string_view table);
Command RemoveQueues(const std::string& device);
std::vector<Command> CommandsOf(const KernelPlan& plan);
std::vector<Command> CommandsToUndo(const KernelPlan& plan);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_KERNEL_PLAN_H_
