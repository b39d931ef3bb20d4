// What the links of a run cost, in the four figures that are never mixed up: nats, bits, bytes of
// messages, bytes on the wire.
#ifndef SEMLINK_REPORT_LINK_COSTS_H_
#define SEMLINK_REPORT_LINK_COSTS_H_

#include <string>
#include <vector>

#include "report/run_data.h"
#include "report/table.h"

namespace semlink::report {

// One row per link that was granted in the last 100 recorded training windows: share of the rounds,
// and rate and coded size over the rounds in which it was active.
ReportTable LinkTable(const RunData& run, const std::string& id);

// One row per pair of nodes, over the whole run: all four figures for a transmitter and a receiver
// (one message carries all links between them), bytes for a node and the coordinator.
ReportTable PairTable(const RunData& run, const std::string& id);

// The four figures of each transmitter and receiver as bars, one <svg> each; those that the run
// does not have are left out.
std::vector<std::string> RenderPairBars(const ReportTable& pairs, const std::string& id);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_LINK_COSTS_H_
