// Whether the contents of a report can be true. A report goes into the ledger, so it is checked
// like any other input.
#ifndef SEMLINK_COORDINATOR_REPORT_CHECK_H_
#define SEMLINK_COORDINATOR_REPORT_CHECK_H_

#include <string>

#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "coordinator/window_record.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// What is wrong with the report of `from` on the window `record`, or "". Numbers must be finite and
// in range, a transmitter may report its own links only and no more rounds than were granted, and a
// node failures of its own pairs only.
std::string CheckReport(const Scenario& scenario, const WindowRecord& record, const NodeId& from,
                        const v1::Report& report);

// Takes out what can't be true of Report.traffic and Report.wire: peers that `from` exchanges nothing
// with or that the scenario does not have, kinds that there are not, the same twice, counts of 2^53
// and more (9 petabytes; summary.json could not hold them exactly), round trips that are no time. Costs
// decide nothing, so the rest of the report stands. Returns how many entries that were.
int DropUntrueCosts(const Scenario& scenario, const NodeId& from, v1::Report* report);

std::string CheckInferReport(const v1::InferReport& report);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_REPORT_CHECK_H_
