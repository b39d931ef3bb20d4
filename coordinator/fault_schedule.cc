#include "coordinator/fault_schedule.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/rng.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"
#include "common/faults/kernel_plan.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

constexpr size_t kMaxActive = 1000;
// The operator's call is answered before the coordinator dies of what it asks for.
constexpr absl::Duration kLastWords = absl::Milliseconds(200);

bool Hits(const v1::Fault& fault, const NodeId& id) {
  return std::any_of(fault.node().begin(), fault.node().end(),
                     [&](const v1::NodeName& node) { return FromProto(node) == id; });
}

bool HitsOnlyCoordinator(const v1::Fault& fault) {
  return fault.node_size() == 1 && Hits(fault, NodeId::Coordinator());
}

// The fault on the links from `from` to `to`, both complete.
v1::Fault OnLinks(const v1::Fault& fault, const std::set<NodeId>& from,
                  const std::set<NodeId>& to) {
  v1::Fault part = fault;
  part.clear_from();
  part.clear_to();
  part.set_both_directions(false);
  for (const NodeId& node : from) *part.add_from() = ToProto(node);
  for (const NodeId& node : to) *part.add_to() = ToProto(node);
  return part;
}

}  // namespace

FaultSchedule::FaultSchedule(const Scenario& scenario)
    : transmitters_(scenario.K()), receivers_(scenario.T()), seed_(scenario.seed) {
  for (const TimedFault& timed : scenario.faults) {
    const uint64_t id = next_id_++;
    absl::StatusOr<v1::Fault> fault = ParseFaultText(timed.fault);
    if (!fault.ok()) continue;
    Entry entry;
    entry.fault = *std::move(fault);
    Finish(&entry.fault, id);
    if (timed.at_window >= 0) {
      entry.at_window = static_cast<uint64_t>(timed.at_window);
    } else {
      entry.at = absl::Seconds(timed.at_seconds);
    }
    entries_.push_back(std::move(entry));
  }
}

void FaultSchedule::Finish(v1::Fault* fault, uint64_t id) const {
  fault->set_id(id);
  if (fault->seed() != 0 || IsProcessFault(fault->kind()) || IsKernelFault(*fault)) return;
  RandomStream stream(seed_, Purpose::kFault, 0, 0, id);
  const uint64_t high = stream.NextU32();
  fault->set_seed(std::max<uint64_t>(1, (high << 32) | stream.NextU32()));
}

void FaultSchedule::TakeUp(const std::vector<FaultState>& past, absl::Duration now,
                           absl::Time date) {
  for (const FaultState& state : past) {
    const uint64_t id = state.fault.id();
    next_id_ = std::max(next_id_, id + 1);
    const auto begun = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.fault.id() == id; });
    if (begun != entries_.end()) entries_.erase(begun);
    if (state.end_window.has_value() || state.ended_at.has_value()) continue;
    Entry entry;
    entry.fault = state.fault;
    entry.began = true;
    const double seconds = state.fault.duration_seconds();
    if (seconds > 0) entry.until = now + (state.began_at + absl::Seconds(seconds) - date);
    if (HitsOnlyCoordinator(state.fault)) {
      entry.ending = true;
      entry.why = "the coordinator is back";
    } else if (state.fault.kind() == v1::Fault::RESTART) {
      entry.ending = true;
      entry.why = "done";
    }
    entries_.push_back(std::move(entry));
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.fault.id() < b.fault.id(); });
}

absl::StatusOr<uint64_t> FaultSchedule::Add(const v1::Fault& fault, absl::Duration now) {
  Entry entry;
  ASSIGN_OR_RETURN(entry.fault, CheckFault(fault, transmitters_, receivers_));
  const auto active = std::count_if(entries_.begin(), entries_.end(), Announced);
  if (static_cast<size_t>(active) >= kMaxActive) {
    return absl::ResourceExhaustedError(
        absl::StrCat(active, " faults are active: clear some before you add more"));
  }
  const uint64_t id = next_id_++;
  Finish(&entry.fault, id);
  entry.not_before = now;
  if (Hits(entry.fault, NodeId::Coordinator())) entry.not_before += kLastWords;
  entries_.push_back(std::move(entry));
  return id;
}

bool FaultSchedule::Announced(const Entry& entry) {
  return entry.began || (!entry.at.has_value() && !entry.at_window.has_value());
}

absl::StatusOr<std::vector<uint64_t>> FaultSchedule::Clear(const std::vector<uint64_t>& ids) {
  std::vector<Entry*> meant;
  for (Entry& entry : entries_) {
    if (!Announced(entry) || entry.ending) continue;
    const bool named = std::find(ids.begin(), ids.end(), entry.fault.id()) != ids.end();
    if (ids.empty() || named) meant.push_back(&entry);
  }
  std::set<uint64_t> cleared;
  for (const Entry* entry : meant) cleared.insert(entry->fault.id());
  for (const uint64_t id : ids) {
    if (cleared.count(id) > 0) continue;
    return absl::NotFoundError(
        absl::StrCat("no fault ", id, " is active; `semlink fault list` shows those that are"));
  }
  for (Entry* entry : meant) {
    entry->ending = true;
    entry->why = "cleared";
  }
  return std::vector<uint64_t>(cleared.begin(), cleared.end());
}

bool FaultSchedule::Withdraw(uint64_t id, const std::string& why) {
  for (Entry& entry : entries_) {
    if (entry.fault.id() != id || !entry.began || entry.ending) continue;
    entry.ending = true;
    entry.why = why;
    return true;
  }
  return false;
}

bool FaultSchedule::Due(const Entry& entry, absl::Duration now, uint64_t committed) const {
  if (entry.at_window.has_value()) return started() && committed >= *entry.at_window;
  if (entry.at.has_value()) return started() && now >= *first_window_ + *entry.at;
  return now >= entry.not_before;
}

std::vector<FaultChange> FaultSchedule::Advance(absl::Duration now, uint64_t committed) {
  std::vector<FaultChange> changes;
  std::vector<Entry> still;
  for (Entry& entry : entries_) {
    if (entry.began && !entry.ending && now >= entry.until) {
      entry.ending = true;
      entry.why = "its time is up";
    }
    if (!entry.ending) {
      still.push_back(std::move(entry));
    } else if (entry.began) {  // else it was cleared before it began
      changes.push_back({false, std::move(entry.fault), std::move(entry.why)});
    }
  }
  entries_.clear();
  for (Entry& entry : still) {
    if (!entry.began && Due(entry, now, committed)) {
      entry.began = true;
      const double seconds = entry.fault.duration_seconds();
      if (seconds > 0) entry.until = now + absl::Seconds(seconds);
      changes.push_back({true, entry.fault, ""});
      if (entry.fault.kind() == v1::Fault::RESTART) {
        changes.push_back({false, std::move(entry.fault), "done"});
        continue;
      }
    }
    entries_.push_back(std::move(entry));
  }
  return changes;
}

std::vector<FaultView> FaultSchedule::Active(absl::Duration now) const {
  std::vector<FaultView> active;
  for (const Entry& entry : entries_) {
    if (!Announced(entry) || entry.ending) continue;
    const double seconds = entry.fault.duration_seconds();
    absl::Duration left = std::max(entry.until - now, absl::ZeroDuration());
    if (!entry.began && seconds > 0) left = absl::Seconds(seconds);
    active.push_back({entry.fault, left});
  }
  return active;
}

std::vector<v1::Fault> FaultSchedule::ActiveOn(const NodeId& node) const {
  const NodeId coordinator = NodeId::Coordinator();
  std::vector<v1::Fault> faults;
  for (const Entry& entry : entries_) {
    if (!entry.began || entry.ending) continue;
    std::set<NodeId> out, in;
    for (const auto& [from, to] : FaultLinks(entry.fault, transmitters_, receivers_)) {
      if (IsKernelFault(entry.fault)) {
        if (ActingNode(entry.fault.kind(), from, to) != node) continue;
        (from == node ? out : in).insert(from == node ? to : from);
        continue;
      }
      const bool control = from == coordinator || to == coordinator;
      if (control != (node == coordinator)) continue;
      if (from == node) out.insert(to);
      // The coordinator acts for the other ends of its links; others cut short what they wait for.
      const bool other_end = node == coordinator || entry.fault.kind() == v1::Fault::CUT;
      if (to == node && other_end) in.insert(from);
    }
    if (!out.empty()) faults.push_back(OnLinks(entry.fault, {node}, out));
    if (!in.empty()) faults.push_back(OnLinks(entry.fault, in, {node}));
  }
  return faults;
}

bool FaultSchedule::HeldDown(const NodeId& node) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.began && !entry.ending && entry.fault.kind() == v1::Fault::KILL &&
           Hits(entry.fault, node);
  });
}

}  // namespace semlink::coordinator
