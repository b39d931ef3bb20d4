// A report over runs: what `semlink report` shows.
#ifndef SEMLINK_REPORT_REPORT_H_
#define SEMLINK_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "report/groups.h"
#include "report/run_data.h"
#include "report/table.h"

namespace semlink::report {

struct ReportOptions {
  int heat_map_rows = 100;  // most rows of a heat map; 0: one per recorded window
};

// The runs that could be read, grouped, and everything that is missing. Not copyable: groups point
// into the runs.
class Report {
 public:
  // NOT_FOUND or INVALID_ARGUMENT if not one of the folders holds a run, with the reason for each.
  // A folder that can't be read beside others that can becomes a problem.
  static absl::StatusOr<Report> Read(const std::vector<std::string>& folders);
  Report(Report&&) = default;
  Report& operator=(Report&&) = default;

  const std::vector<RunData>& runs() const { return runs_; }
  const std::vector<Group>& groups() const { return groups_; }
  // In the order of the runs; the same list is in the page.
  const std::vector<Problem>& problems() const { return problems_; }

  // Results and costs, for the formats of TableOutput. Links and pairs of every run come last.
  std::vector<ReportTable> Tables() const;

  // One HTML page that needs nothing else: no script, no font, no network. `now`: its date.
  std::string Page(const ReportOptions& options, absl::Time now) const;

 private:
  Report() = default;

  std::vector<RunData> runs_;  // never changed once groups_ points into it
  std::vector<Group> groups_;
  std::vector<Problem> problems_;
};

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_REPORT_H_
