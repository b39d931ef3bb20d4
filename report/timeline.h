// Faults and what they did, on the run's time line (docs/formats/run_folder.md, events.jsonl).
#ifndef SEMLINK_REPORT_TIMELINE_H_
#define SEMLINK_REPORT_TIMELINE_H_

#include <string>
#include <vector>

#include "report/run_data.h"
#include "report/table.h"

namespace semlink::report {

// Something that lasted, or a moment.
struct Occasion {
  std::string row;     // "transmitter1", "transmitter1:receiver2", "aborted windows", ...
  std::string label;   // for people
  double begin = 0;    // seconds since the training started
  double end = 0;      // == begin: a moment
  bool fault = false;  // injected
  bool open = false;   // it had not ended when the events ended
  std::string source;  // "RUN/events.jsonl:20" or ":20-22"
};

// Injected faults, nodes and pairs that were lost until they were back, aborted attempts, replays,
// new starts of the coordinator. Empty if nothing happened.
std::vector<Occasion> OccasionsOf(const RunData& run);

// One row per kind of thing, seconds to the right. "" if there are no occasions.
std::string RenderTimeline(const RunData& run, const std::vector<Occasion>& occasions,
                           const std::string& id);

// The same as a table.
ReportTable OccasionTable(const RunData& run, const std::vector<Occasion>& occasions,
                          const std::string& id);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_TIMELINE_H_
