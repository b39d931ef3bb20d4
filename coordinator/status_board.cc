#include "coordinator/status_board.h"

#include <utility>

namespace semlink::coordinator {

void StatusBoard::Publish(RunStatus status) {
  absl::MutexLock lock(&mutex_);
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
