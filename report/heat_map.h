// Selection probabilities as the papers draw them (TADIB, Fig. 7-14): time runs down, one chunk per
// receiver, one column per modality of each transmitter.
#ifndef SEMLINK_REPORT_HEAT_MAP_H_
#define SEMLINK_REPORT_HEAT_MAP_H_

#include <string>

#include "report/run_data.h"

namespace semlink::report {

// An <svg> with at most `rows` rows (0: one per recorded window); each shows the mean over the
// windows of its row, and says in a title which lines of metrics.jsonl those are. "" if the run
// recorded nothing to draw. The colour is one hue whose strength is the probability.
std::string RenderHeatMap(const RunData& run, const std::string& id, int rows);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_HEAT_MAP_H_
