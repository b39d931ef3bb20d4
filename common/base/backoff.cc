#include "common/base/backoff.h"

#include <algorithm>

namespace semlink {

Backoff::Backoff(RandomStream stream, BackoffOptions options)
    : stream_(stream), options_(options), nominal_(options.first) {}

absl::Duration Backoff::Next() {
  const double scale = 1 + options_.jitter * (2.0 * stream_.Uniform() - 1);
  const absl::Duration delay = std::min(nominal_ * scale, options_.longest);
  nominal_ = std::min(nominal_ * options_.factor, options_.longest);
  return delay;
}

void Backoff::Reset() { nominal_ = options_.first; }

}  // namespace semlink
