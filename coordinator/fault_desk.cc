#include "coordinator/fault_desk.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"

namespace semlink::coordinator {

void FaultDesk::Open(FaultSchedule schedule, Clock* clock) {
  absl::MutexLock lock(&mutex_);
  schedule_ = std::move(schedule);
  clock_ = clock;
}

void FaultDesk::Close() {
  std::map<uint64_t, Done> awaited;
  {
    absl::MutexLock lock(&mutex_);
    schedule_.reset();
    closed_ = true;
    awaited.swap(awaited_);
  }
  for (const auto& [id, done] : awaited) {
    done(absl::FailedPreconditionError("the run has ended"));
  }
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

absl::StatusOr<uint64_t> FaultDesk::Add(const v1::Fault& fault) { return Enter(fault, nullptr); }

void FaultDesk::AddAndWait(const v1::Fault& fault, Done done) {
  const bool wait = IsKernelFault(fault);
  const absl::StatusOr<uint64_t> id = Enter(fault, wait ? done : nullptr);
  if (!wait || !id.ok()) done(id);
}

absl::StatusOr<uint64_t> FaultDesk::Enter(const v1::Fault& fault, Done done) {
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    ASSIGN_OR_RETURN(id, schedule_->Add(fault, clock_->Now()));
    if (done) awaited_[id] = std::move(done);
  }
  Wake();
  return id;
}

void FaultDesk::Settle(uint64_t id, const absl::Status& status) {
  Done done;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = awaited_.find(id);
    if (found == awaited_.end()) return;
    done = std::move(found->second);
    awaited_.erase(found);
  }
  if (status.ok()) {
    done(id);
  } else {
    done(status);
  }
}

bool FaultDesk::IsAwaited(uint64_t id) const {
  absl::MutexLock lock(&mutex_);
  return awaited_.count(id) > 0;
}

bool FaultDesk::Withdraw(uint64_t id, const std::string& why) {
  absl::MutexLock lock(&mutex_);
  return schedule_.has_value() && schedule_->Withdraw(id, why);
}

std::optional<v1::Fault> FaultDesk::Find(uint64_t id) const {
  for (const FaultView& view : List()) {
    if (view.fault.id() == id) return view.fault;
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<uint64_t>> FaultDesk::Clear(const std::vector<uint64_t>& ids) {
  std::vector<uint64_t> cleared;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckOpen());
    ASSIGN_OR_RETURN(cleared, schedule_->Clear(ids));
  }
  for (const uint64_t id : cleared) {
    Settle(id, absl::FailedPreconditionError(
                   absl::StrCat("fault ", id, " was cleared before it had begun everywhere")));
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
