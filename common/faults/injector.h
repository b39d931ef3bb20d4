// Which faults hit which message, decided from seeds alone.
#ifndef SEMLINK_COMMON_FAULTS_INJECTOR_H_
#define SEMLINK_COMMON_FAULTS_INJECTOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/base/rng.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// What happens to one message. Several faults on a link add up: the longest delay, the lowest rate.
struct FaultVerdict {
  bool drop = false;
  bool duplicate = false;
  bool reorder = false;                 // swap it with its successor
  std::optional<RandomStream> corrupt;  // draw from it what to change
  absl::Duration delay = absl::ZeroDuration();
  double bytes_per_second = 0;  // 0: no limit
};

// The message faults of one node. Thread-safe.
//
// Every decision is a function of (Fault.seed, Fault.id, link, number of the message on that link
// since the fault began), so that the same messages meet the same faults when a run is repeated. A
// fault that stays in the list over several Set() goes on counting. KILL, PAUSE and RESTART are not
// message faults and are ignored, and so are those of the kernel's level.
//
// A node applies the faults on what it sends. The coordinator applies those of both directions of
// its own links, and nodes leave these to it.
class FaultInjector {
 public:
  explicit FaultInjector(const NodeId& self) : self_(self) {}

  // Replaces the list.
  void Set(const std::vector<v1::Fault>& faults);
  // Rises with each Set().
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Whether any fault of this node is on the link. `from` or `to` is this node.
  bool Concerns(const NodeId& from, const NodeId& to) const;
  // Whether nothing passes, heartbeats included.
  bool IsCut(const NodeId& from, const NodeId& to) const;
  // Decides about the next message on the link.
  FaultVerdict Decide(const NodeId& from, const NodeId& to);

 private:
  using LinkKey = std::tuple<uint64_t, NodeId, NodeId>;  // fault id, from, to

  // Whether this node applies faults on the link.
  bool Applies(const NodeId& from, const NodeId& to) const;

  const NodeId self_;
  std::atomic<uint64_t> version_{0};
  // Mostly no fault is active: then no lock is taken.
  std::atomic<bool> any_{false};
  mutable absl::Mutex mutex_;
  std::vector<v1::Fault> faults_ ABSL_GUARDED_BY(mutex_);
  std::map<LinkKey, uint32_t> messages_ ABSL_GUARDED_BY(mutex_);  // decided so far
};

// Changes a byte of the serialised message, so that it still parses but no longer has the checksum
// that it carries.
void CorruptMessage(RandomStream stream, v1::Message* message);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_INJECTOR_H_
