// Which injected faults are active, and when they begin and end. Reads no clock, sends nothing.
#ifndef SEMLINK_COORDINATOR_FAULT_SCHEDULE_H_
#define SEMLINK_COORDINATOR_FAULT_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "coordinator/run_state.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// A fault begins or ends.
struct FaultChange {
  bool began = false;
  v1::Fault fault;
  std::string why;  // ended: "its time is up", "cleared", "done", "the coordinator is back"
};

struct FaultView {
  v1::Fault fault;
  absl::Duration left;  // InfiniteDuration: until it is cleared
};

// The faults of a scenario have the ids 1, 2, ... in the order of its list, whenever they begin;
// those of operators go on from there. Seeds come from the run's seed and the id, so the same list
// makes the same decisions again. Not thread-safe; `now` is Clock::Now() and never goes back.
class FaultSchedule {
 public:
  // `scenario` has been validated.
  explicit FaultSchedule(const Scenario& scenario);

  // A run that is resumed: `past` are all its faults so far. Those of the scenario that began do
  // not begin again. Those that have not ended go on, except the ones that hit the coordinator's
  // own process: these are over. `date` is Clock::WallTime().
  void TakeUp(const std::vector<FaultState>& past, absl::Duration now, absl::Time date);

  // The first window was opened at this moment: `at` counts from here.
  void Start(absl::Duration first_window) { first_window_ = first_window; }
  bool started() const { return first_window_.has_value(); }

  // An operator's fault; it begins at the next Advance. Gives its id. INVALID_ARGUMENT if it makes
  // no sense in this scenario, RESOURCE_EXHAUSTED if too many are active.
  absl::StatusOr<uint64_t> Add(const v1::Fault& fault, absl::Duration now);
  // Ends these, or all if `ids` is empty, at the next Advance. NOT_FOUND, and nothing is cleared,
  // if one of them is not active.
  absl::StatusOr<std::vector<uint64_t>> Clear(const std::vector<uint64_t>& ids);

  // What has begun and ended since the last call: first the ends, then the beginnings, by id.
  // `committed`: windows committed so far.
  std::vector<FaultChange> Advance(absl::Duration now, uint64_t committed);

  // Ends a fault that some node can't carry out, at the next Advance. False if it is not active.
  bool Withdraw(uint64_t id, const std::string& why);

  // By id; those that are about to begin too.
  std::vector<FaultView> Active(absl::Duration now) const;
  // The link faults that `node` has to be told: those on links that start at it, and cuts of
  // those that end at it. The coordinator's are of both directions of all its links, and nodes
  // have none of these. Those of the kernel's level are told whoever carries them out (ActingNode).
  // `from` and `to` are complete lists, both_directions is not set.
  std::vector<v1::Fault> ActiveOn(const NodeId& node) const;
  // A KILL holds it down.
  bool HeldDown(const NodeId& node) const;

 private:
  struct Entry {
    v1::Fault fault;
    // When it is to begin: `at` after the first window, or so many windows committed, or
    // `not_before`.
    std::optional<uint64_t> at_window;
    std::optional<absl::Duration> at;
    absl::Duration not_before = -absl::InfiniteDuration();
    bool began = false;
    absl::Duration until = absl::InfiniteDuration();
    bool ending = false;
    std::string why;
  };

  void Finish(v1::Fault* fault, uint64_t id) const;
  bool Due(const Entry& entry, absl::Duration now, uint64_t committed) const;
  static bool Announced(const Entry& entry);

  int transmitters_;
  int receivers_;
  uint64_t seed_;
  uint64_t next_id_ = 1;
  std::optional<absl::Duration> first_window_;
  std::vector<Entry> entries_;  // by id; those that have ended are gone
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_FAULT_SCHEDULE_H_
