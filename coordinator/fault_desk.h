// Where operators' threads and the coordinator's own meet over faults.
#ifndef SEMLINK_COORDINATOR_FAULT_DESK_H_
#define SEMLINK_COORDINATOR_FAULT_DESK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "coordinator/fault_schedule.h"

namespace semlink::coordinator {

// A FaultSchedule behind a mutex. Thread-safe. Opened by the node that is to carry the faults out,
// and closed by it when its run has ended; before and after, operators' calls are
// FAILED_PRECONDITION.
class FaultDesk {
 public:
  // `clock` must outlive the desk.
  void Open(FaultSchedule schedule, Clock* clock);
  void Close();
  // Called after every Add and Clear, so that the node does not sleep on it; by any thread.
  void SetWake(std::function<void()> wake);

  // For operators; see FaultSchedule.
  absl::StatusOr<uint64_t> Add(const v1::Fault& fault);
  // The same. `done` is called once, on any thread: at once, or, for a fault of the kernel's level,
  // when the nodes have carried it out, or one has said why it can't: FAILED_PRECONDITION.
  using Done = std::function<void(absl::StatusOr<uint64_t> id)>;
  void AddAndWait(const v1::Fault& fault, Done done);
  absl::StatusOr<std::vector<uint64_t>> Clear(const std::vector<uint64_t>& ids);
  std::vector<FaultView> List() const;

  // For the node. Nothing while the desk is not open.
  void Start(absl::Duration first_window);
  std::vector<FaultChange> Advance(uint64_t committed);
  std::vector<v1::Fault> ActiveOn(const NodeId& node) const;
  bool HeldDown(const NodeId& node) const;
  // What became of a fault that is waited for; else nothing happens.
  void Settle(uint64_t id, const absl::Status& status);
  bool IsAwaited(uint64_t id) const;
  // See FaultSchedule.
  bool Withdraw(uint64_t id, const std::string& why);
  std::optional<v1::Fault> Find(uint64_t id) const;

 private:
  absl::StatusOr<uint64_t> Enter(const v1::Fault& fault, Done done);
  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake();

  mutable absl::Mutex mutex_;
  Clock* clock_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::optional<FaultSchedule> schedule_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> wake_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Done> awaited_ ABSL_GUARDED_BY(mutex_);  // by id of the fault
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_FAULT_DESK_H_
