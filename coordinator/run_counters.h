// Totals over the windows that this coordinator committed, for other threads than its own.
#ifndef SEMLINK_COORDINATOR_RUN_COUNTERS_H_
#define SEMLINK_COORDINATOR_RUN_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "common/metrics/histogram.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

struct RunTotals {
  std::map<std::string, HistogramCounts> seconds;  // by kind of window
  uint64_t aborted = 0;                            // attempts
  std::map<std::string, uint64_t> refusals;        // links and messages, by reason
  // Windows in which a pair failed: transmitter, receiver, stage.
  std::map<std::tuple<int, int, std::string>, uint64_t> failures;
  std::map<int, uint64_t> rounds_without_link;  // by receiver
  // Of the last window that was reported on: TRAIN or EVALUATE.
  uint32_t rounds = 0;
  double cpu_seconds = 0;
  std::map<NodeId, v1::Report> reports;  // without their traffic
};

// Thread-safe.
class RunCounters {
 public:
  void Committed(const WindowRecord& record);
  void Aborted();
  RunTotals Read() const;

 private:
  mutable absl::Mutex mutex_;
  RunTotals totals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_COUNTERS_H_
