#include "report/report.h"

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "report/link_costs.h"
#include "report/page.h"
#include "report/results.h"

namespace semlink::report {
namespace {

// The same folder named twice is one run.
std::vector<std::string> Distinct(const std::vector<std::string>& folders) {
  std::set<std::string> seen;
  std::vector<std::string> distinct;
  for (const std::string& folder : folders) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::weakly_canonical(folder, error);
    if (seen.insert(error ? folder : whole.string()).second) distinct.push_back(folder);
  }
  return distinct;
}

}  // namespace

absl::StatusOr<Report> Report::Read(const std::vector<std::string>& folders) {
  Report report;
  const std::vector<std::string> distinct = Distinct(folders);
  const std::vector<std::string> names = RunNames(distinct);
  absl::Status first;
  for (size_t i = 0; i < distinct.size(); ++i) {
    absl::StatusOr<RunData> run = ReadRun(distinct[i], names[i]);
    if (run.ok()) {
      for (const Problem& problem : run->problems) report.problems_.push_back(problem);
      report.runs_.push_back(*std::move(run));
      continue;
    }
    report.problems_.push_back({names[i], absl::StrCat(run.status().message(), ": left out")});
    const std::string before = first.ok() ? "" : absl::StrCat(first.message(), "\n");
    first = absl::Status(first.ok() ? run.status().code() : first.code(),
                         absl::StrCat(before, run.status().message()));
  }
  if (report.runs_.empty()) {
    return first.ok() ? absl::InvalidArgumentError("name a run folder") : first;
  }
  report.groups_ = GroupRuns(report.runs_, &report.problems_);
  return report;
}

std::vector<ReportTable> Report::Tables() const {
  std::vector<ReportTable> tables = {RunsTable(groups_), SettingsTable(groups_)};
  for (ReportTable& table : QualityTables(groups_)) tables.push_back(std::move(table));
  for (ReportTable table : {CostTable(groups_), RatioTable(groups_)}) {
    if (!table.rows.empty()) tables.push_back(std::move(table));
  }
  for (const Group& group : groups_) {
    for (const RunData* run : group.runs) {
      tables.push_back(LinkTable(*run, absl::StrCat("links ", run->name)));
      tables.push_back(PairTable(*run, absl::StrCat("pairs ", run->name)));
    }
  }
  return tables;
}

std::string Report::Page(const ReportOptions& options, absl::Time now) const {
  return RenderPage(groups_, problems_, options, now);
}

}  // namespace semlink::report
