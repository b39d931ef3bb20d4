#include "common/base/ids.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace semlink {
namespace {

// For people. An index from the wire may be the greatest int.
int64_t FromOne(int index) { return int64_t{index} + 1; }

}  // namespace

std::string NodeId::ToString() const {
  switch (role) {
    case Role::kCoordinator:
      return "coordinator";
    case Role::kTransmitter:
      return absl::StrCat("transmitter", FromOne(index));
    case Role::kReceiver:
      return absl::StrCat("receiver", FromOne(index));
    case Role::kOperator:
      return "operator";
  }
  return "unknown";
}

std::vector<NodeId> MembersOf(int transmitters, int receivers) {
  std::vector<NodeId> nodes;
  for (int k = 0; k < transmitters; ++k) nodes.push_back(NodeId::Transmitter(k));
  for (int t = 0; t < receivers; ++t) nodes.push_back(NodeId::Receiver(t));
  return nodes;
}

std::string Link::ToString() const {
  return absl::StrCat(FromOne(k), ".", FromOne(m), "->", FromOne(t));
}

}  // namespace semlink
