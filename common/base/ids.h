// Names of nodes and links. Everything is numbered from 0 in the code and from 1 where a person reads it.
#ifndef SEMLINK_COMMON_BASE_IDS_H_
#define SEMLINK_COMMON_BASE_IDS_H_

#include <string>
#include <tuple>
#include <vector>

namespace semlink {

enum class Role { kCoordinator, kTransmitter, kReceiver, kOperator };

struct NodeId {
  Role role = Role::kCoordinator;
  int index = 0;

  static NodeId Coordinator() { return {Role::kCoordinator, 0}; }
  static NodeId Transmitter(int k) { return {Role::kTransmitter, k}; }
  static NodeId Receiver(int t) { return {Role::kReceiver, t}; }

  // "coordinator", "transmitter1", "receiver2": numbered from 1.
  std::string ToString() const;

  friend bool operator==(const NodeId& a, const NodeId& b) { return a.role == b.role && a.index == b.index; }
  friend bool operator!=(const NodeId& a, const NodeId& b) { return !(a == b); }
  friend bool operator<(const NodeId& a, const NodeId& b) {
    return std::tie(a.role, a.index) < std::tie(b.role, b.index);
  }
};

// transmitter1.., receiver1..: all nodes of a run but its coordinator, in the order of operator<.
std::vector<NodeId> MembersOf(int transmitters, int receivers);

// Modality m of transmitter k, encoded for task t.
struct Link {
  int k = 0;
  int m = 0;
  int t = 0;

  // "1.3->2": transmitter 1, modality 3, task 2, numbered from 1.
  std::string ToString() const;

  friend bool operator==(const Link& a, const Link& b) { return a.k == b.k && a.m == b.m && a.t == b.t; }
  friend bool operator<(const Link& a, const Link& b) {
    return std::tie(a.k, a.m, a.t) < std::tie(b.k, b.m, b.t);
  }
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_IDS_H_
