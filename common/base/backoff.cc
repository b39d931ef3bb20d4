#include "common/base/backoff.h"

#include <algorithm>

namespace semlink {

Backoff::Backoff(RandomStream stream, BackoffOptions options)
    : stream_(stream), options_(options), nominal_(std::min(options.first, options.longest)) {}

absl::Duration Backoff::Next() {
  // Downwards only: a jitter around the value would be cut off at `longest`, where nodes wait most.
  const absl::Duration delay = nominal_ * (1 - options_.jitter * stream_.Uniform());
  nominal_ = std::min(nominal_ * options_.factor, options_.longest);
  return delay;
}

void Backoff::Reset() { nominal_ = std::min(options_.first, options_.longest); }

}  // namespace semlink
