#include "common/base/ids.h"

#include "absl/strings/str_cat.h"

namespace semlink {

std::string NodeId::ToString() const {
  switch (role) {
    case Role::kCoordinator:
      return "coordinator";
    case Role::kTransmitter:
      return absl::StrCat("transmitter", index + 1);
    case Role::kReceiver:
      return absl::StrCat("receiver", index + 1);
    case Role::kOperator:
      return "operator";
  }
  return "unknown";
}

std::string Link::ToString() const { return absl::StrCat(k + 1, ".", m + 1, "->", t + 1); }

}  // namespace semlink
