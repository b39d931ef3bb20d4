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

std::string Link::ToString() const {
  return absl::StrCat(FromOne(k), ".", FromOne(m), "->", FromOne(t));
}

}  // namespace semlink
