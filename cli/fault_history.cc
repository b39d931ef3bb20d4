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

// By id.
using History = std::map<uint64_t, TimedFault>;

absl::Time TimeOf(const Json& event) {
  absl::Time time;
  std::string error;
  const std::string text = event.value("time", "");
  return absl::ParseTime(absl::RFC3339_full, text, &time, &error) ? time : absl::InfinitePast();
}

// Events that are not as they should be are passed over: an older program may have written them.
void Take(const Json& event, std::map<uint64_t, absl::Time>* began, History* history) {
  const std::string name = event.value("event", "");
  const uint64_t id = event.value("id", uint64_t{0});
  if (name == "fault_began") {
    TimedFault timed;
    timed.at_window =
        static_cast<int>(std::min<uint64_t>(event.value("window", uint64_t{0}), INT32_MAX));
    timed.fault = event.value("fault", "");
    if (!ParseFaultText(timed.fault).ok()) return;
    (*history)[id] = timed;
    (*began)[id] = TimeOf(event);
  } else if (name == "fault_failed") {
    history->erase(id);  // some node could not carry it out: it never was
  } else if (name == "fault_ended" && event.value("reason", "") == "cleared") {
    const auto found = history->find(id);
    if (found == history->end()) return;
    absl::StatusOr<v1::Fault> fault = ParseFaultText(found->second.fault);
    const double lasted = absl::ToDoubleSeconds(TimeOf(event) - (*began)[id]);
    if (!fault.ok() || !(lasted >= 0 && lasted <= 1e6)) return;
    fault->set_duration_seconds(std::max(lasted, 1e-3));
    found->second.fault = FaultText(*fault);
  }
}

}  // namespace

absl::StatusOr<std::string> FaultsAsScenario(const std::string& run) {
  ASSIGN_OR_RETURN(const Scenario scenario, ReadScenarioFile(run + "/scenario.yaml"));
  History history;
  for (size_t i = 0; i < scenario.faults.size(); ++i) history[i + 1] = scenario.faults[i];
  ASSIGN_OR_RETURN(const std::string events, ReadFile(run + "/events.jsonl"));
  std::map<uint64_t, absl::Time> began;
  for (const absl::string_view line : absl::StrSplit(events, '\n', absl::SkipEmpty())) {
    const Json event = Json::parse(line.begin(), line.end(), nullptr, false);
    if (!event.is_object()) continue;
    try {
      Take(event, &began, &history);
    } catch (const Json::exception&) {
      continue;  // a field of another type
    }
  }
  std::vector<TimedFault> faults;
  for (auto& [id, timed] : history) faults.push_back(std::move(timed));
  return EmitFaults(faults);
}

}  // namespace semlink::cli
