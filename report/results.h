// The tables of results, ours beside the published ones.
#ifndef SEMLINK_REPORT_RESULTS_H_
#define SEMLINK_REPORT_RESULTS_H_

#include <string>
#include <vector>

#include "report/groups.h"
#include "report/published.h"
#include "report/table.h"

namespace semlink::report {

// A figure of summary.json over the finished runs of a group.
Cell SummaryCell(const Group& group, const std::string& pointer, int digits, double scale = 1);

// A published figure with as many digits as are printed, whatever its interval is.
Cell PublishedCell(const Printed& printed, int digits, const char* citation);

// The published row of the method, data and setting of the group, or nullptr: the limits of the
// scenario say whether the group is the main comparison, or one of the experiments without limits.
const PublishedRow* PublishedFor(const Group& group);

// Table I: sum-rate, N-CE, quality per task, limits. One table per list of tasks.
std::vector<ReportTable> QualityTables(const std::vector<Group>& groups);
// Table II: time per window, links, cost of an inference.
ReportTable CostTable(const std::vector<Group>& groups);
// Table III: effect of the learning rate ratio; no rows if all groups have the same.
ReportTable RatioTable(const std::vector<Group>& groups);
// What was run: one row per run.
ReportTable RunsTable(const std::vector<Group>& groups);
// The keys that most reports are about, one row per group. Others in which the groups differ are in
// their labels, as far as those need them.
ReportTable SettingsTable(const std::vector<Group>& groups);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_RESULTS_H_
