#include "coordinator/status_board.h"

#include <utility>

namespace semlink::coordinator {

void StatusBoard::Publish(RunStatus status) {
  absl::MutexLock lock(&mutex_);
  status.since.assign(status.members.size(), status.published_at);
  for (size_t i = 0; i < status.members.size() && i < status_.members.size(); ++i) {
    const bool as_before =
        Connected(status.members[i].state) == Connected(status_.members[i].state);
    if (as_before) status.since[i] = status_.since[i];
  }
  status.pairs = PairViews(status.members, status.cut);
  for (size_t i = 0; i < status.pairs.size(); ++i) {
    const bool as_before = i < status_.pairs.size() && status.pairs[i].up == status_.pairs[i].up;
    status.pairs[i].since = as_before ? status_.pairs[i].since : status.published_at;
  }
  status_ = std::move(status);
}

RunStatus StatusBoard::Read() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

void StatusBoard::RequestStop(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  if (!stop_.has_value()) stop_ = reason;
}

std::optional<std::string> StatusBoard::stop_requested() const {
  absl::MutexLock lock(&mutex_);
  return stop_;
}

}  // namespace semlink::coordinator
