// What a run looks like at this moment, for threads other than the coordinator's own.
#ifndef SEMLINK_COORDINATOR_STATUS_BOARD_H_
#define SEMLINK_COORDINATOR_STATUS_BOARD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "coordinator/fault_desk.h"
#include "coordinator/link_history.h"
#include "coordinator/membership.h"
#include "coordinator/pair_view.h"
#include "coordinator/run_counters.h"

namespace semlink::coordinator {

struct RunStatus {
  std::string run_id;
  std::string scenario;
  std::string phase;     // waiting, training, evaluating, inferring, finished, failed
  uint64_t window = 0;   // committed
  uint64_t windows = 0;  // of the whole run
  double seconds_per_window = 0;
  std::vector<double> accuracy;  // per task, over the last windows
  uint64_t refusals = 0;         // links and messages
  std::vector<Member> members;
  std::vector<v1::Pair> cut;           // live pairs without a data stream
  std::optional<uint64_t> checkpoint;  // window of the last complete one
  std::vector<std::string> tasks;      // by receiver
  std::vector<int> modalities;         // by transmitter, how many
  absl::Time published_at;
  // Filled in by Publish():
  std::vector<absl::Time> since;  // by member: when it was first seen to be there, or to be gone
  std::vector<PairView> pairs;
};

// Thread-safe. The node publishes; handlers of remote calls read, and ask it to stop.
class StatusBoard {
 public:
  // Fills in `since` and `pairs` by what was published before.
  void Publish(RunStatus status);
  RunStatus Read() const;

  // The node stops the run at its next message or tick. The first reason counts.
  void RequestStop(const std::string& reason);
  std::optional<std::string> stop_requested() const;

  FaultDesk& faults() { return faults_; }
  LinkHistory& links() { return links_; }
  RunCounters& counters() { return counters_; }

 private:
  FaultDesk faults_;
  LinkHistory links_;
  RunCounters counters_;
  mutable absl::Mutex mutex_;
  RunStatus status_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::string> stop_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_STATUS_BOARD_H_
