#include "cli/fault_history.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/file_system.h"
#include "common/base/json.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"
#include "common/scenario/faults.h"
#include "common/scenario/reader.h"

namespace semlink::cli {
namespace {

struct Injected {
  TimedFault timed;
  absl::Time began = absl::InfinitePast();  // of those that have begun
  uint64_t window = 0;                      // committed by then
};

// By id.
using History = std::map<uint64_t, Injected>;

absl::Time TimeOf(const Json& event) {
  absl::Time time;
  std::string error;
  const std::string text = event.value("time", "");
  return absl::ParseTime(absl::RFC3339_full, text, &time, &error) ? time : absl::InfinitePast();
}

// Gives the fault the time that it lasted until `end`.
void EndAt(absl::Time end, Injected* injected) {
  absl::StatusOr<v1::Fault> fault = ParseFaultText(injected->timed.fault);
  const double lasted = absl::ToDoubleSeconds(end - injected->began);
  if (!fault.ok() || !(lasted >= 0 && lasted <= 1e6)) return;
  fault->set_duration_seconds(std::max(lasted, 1e-3));
  injected->timed.fault = FaultText(*fault);
}

// Events that are not as they should be are passed over: an older program may have written them.
void Take(const Json& event, History* history) {
  const std::string name = event.value("event", "");
  const uint64_t id = event.value("id", uint64_t{0});
  const uint64_t window = event.value("window", uint64_t{0});
  if (name == "fault_began") {
    Injected injected;
    injected.timed.at_window = static_cast<int>(std::min<uint64_t>(window, INT32_MAX));
    injected.timed.fault = event.value("fault", "");
    injected.began = TimeOf(event);
    injected.window = window;
    if (ParseFaultText(injected.timed.fault).ok()) (*history)[id] = injected;
    return;
  }
  const auto found = history->find(id);
  if (found == history->end()) return;
  if (name == "fault_failed" && window <= found->second.window) {
    history->erase(found);  // some node could not carry it out: no window had it
  } else if (name == "fault_failed" ||
             (name == "fault_ended" && event.value("reason", "") == "cleared")) {
    EndAt(TimeOf(event), &found->second);
  }
}

}  // namespace

absl::StatusOr<std::string> FaultsAsScenario(const std::string& run) {
  ASSIGN_OR_RETURN(const Scenario scenario, ReadScenarioFile(run + "/scenario.yaml"));
  History history;
  for (size_t i = 0; i < scenario.faults.size(); ++i) history[i + 1].timed = scenario.faults[i];
  ASSIGN_OR_RETURN(const std::string events, ReadFile(run + "/events.jsonl"));
  for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
    const Json event = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!event.is_object()) continue;
    try {
      Take(event, &history);
    } catch (const Json::exception&) {
      continue;  // a field of another type
    }
  }
  std::vector<TimedFault> faults;
  for (auto& [id, injected] : history) faults.push_back(std::move(injected.timed));
  return EmitFaults(faults);
}

}  // namespace semlink::cli
