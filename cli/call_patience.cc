#include "cli/call_patience.h"

namespace semlink::cli {

bool CallPatience::GoesOn(const absl::Status& status) {
  const absl::Duration now = clock_->Now();
  if (status.ok()) {
    answered_ = now;
    return true;
  }
  return MayPass(status) && answered_.has_value() && now - *answered_ < limit_;
}

}  // namespace semlink::cli
