#include "coordinator/fault_desk.h"

#include <utility>

#include "common/base/status_macros.h"

namespace semlink::coordinator {

void FaultDesk::Open(FaultSchedule schedule, Clock* clock) {
  absl::MutexLock lock(&mutex_);
  schedule_ = std::move(schedule);
  clock_ = clock;
}

void FaultDesk::Close() {
  absl::MutexLock lock(&mutex_);
  schedule_.reset();
  closed_ = true;
}

void FaultDesk::SetWake(std::function<void()> wake) {
  absl::MutexLock lock(&mutex_);
  wake_ = std::move(wake);
}

absl::Status FaultDesk::CheckOpen() const {
  if (schedule_.has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(closed_ ? "the run has ended"
                                               : "the coordinator is still starting: try again");
}

void FaultDesk::Wake() {
  std::function<void()> wake;
  {
    absl::MutexLock lock(&mutex_);
    wake = wake_;
  }
  if (wake) wake();
}

absl::StatusOr<uint64_t> FaultDesk::Add(const v1::Fault& fault) {
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    ASSIGN_OR_RETURN(id, schedule_->Add(fault, clock_->Now()));
  }
  Wake();
  return id;
}

absl::StatusOr<std::vector<uint64_t>> FaultDesk::Clear(const std::vector<uint64_t>& ids) {
  std::vector<uint64_t> cleared;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    ASSIGN_OR_RETURN(cleared, schedule_->Clear(ids));
  }
  Wake();
  return cleared;
}

std::vector<FaultView> FaultDesk::List() const {
  absl::MutexLock lock(&mutex_);
  return schedule_.has_value() ? schedule_->Active(clock_->Now()) : std::vector<FaultView>();
}

void FaultDesk::Start(absl::Duration first_window) {
  absl::MutexLock lock(&mutex_);
  if (schedule_.has_value() && !schedule_->started()) schedule_->Start(first_window);
}

std::vector<FaultChange> FaultDesk::Advance(uint64_t committed) {
  absl::MutexLock lock(&mutex_);
  if (!schedule_.has_value()) return {};
  return schedule_->Advance(clock_->Now(), committed);
}

std::vector<v1::Fault> FaultDesk::ActiveOn(const NodeId& node) const {
  absl::MutexLock lock(&mutex_);
  return schedule_.has_value() ? schedule_->ActiveOn(node) : std::vector<v1::Fault>();
}

bool FaultDesk::HeldDown(const NodeId& node) const {
  absl::MutexLock lock(&mutex_);
  return schedule_.has_value() && schedule_->HeldDown(node);
}

}  // namespace semlink::coordinator
