// What the links carried in the last committed windows, for operators.
#ifndef SEMLINK_COORDINATOR_LINK_HISTORY_H_
#define SEMLINK_COORDINATOR_LINK_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/traffic.h"
#include "coordinator/window_record.h"
#include "semlink/v1/services.pb.h"

namespace semlink::coordinator {

// Thread-safe. Knows the windows that this coordinator committed, and of these the last kKept.
class LinkHistory {
 public:
  static constexpr std::size_t kKept = 256;

  void Add(const WindowRecord& record, const PairCosts& costs);

  // The figures over the last `windows` ones (0: over the last one; fewer if there are not so
  // many). Links and pairs that carried nothing in them are left out, and so is the state of pairs.
  v1::LinksReply Read(uint32_t windows) const;

 private:
  struct Entry {
    uint64_t window = 0;
    uint32_t rounds = 0;
    double seconds = 0;
    std::vector<v1::LinkReport> links;  // those that were active
    PairCosts costs;
  };

  mutable absl::Mutex mutex_;
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // ascending
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_LINK_HISTORY_H_
