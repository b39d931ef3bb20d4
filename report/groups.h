// Runs of the same scenario but for the seed, put together.
#ifndef SEMLINK_REPORT_GROUPS_H_
#define SEMLINK_REPORT_GROUPS_H_

#include <string>
#include <vector>

#include "report/run_data.h"

namespace semlink::report {

struct Group {
  std::string label;                 // what tells it from the other groups: "pom2dib, beta = 0.01"
  std::vector<const RunData*> runs;  // ordered by seed; no seed twice
  std::vector<const RunData*> finished;  // those of them with a summary

  const RunData& first() const { return *runs.front(); }
  std::string method() const { return first().Value("method.name"); }
};

// A scenario as text, without the keys in which runs of a group may differ, and without `but`:
// equal for runs that are alike in everything else.
std::string SettingKey(const RunData& run, const std::string& but = "");

// Groups ordered by method (in the order in which methods first came), then as the runs came.
// Seed, name, data.root and devices may differ inside a group. Of two runs of a group with one seed
// the finished one or else the first is kept; the other is a problem, as it would feign certainty.
std::vector<Group> GroupRuns(const std::vector<RunData>& runs, std::vector<Problem>* problems);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_GROUPS_H_
