// Where the runs ran, and how to run them again.
#ifndef SEMLINK_REPORT_REPRODUCE_H_
#define SEMLINK_REPORT_REPRODUCE_H_

#include <string>
#include <vector>

#include "report/groups.h"

namespace semlink::report {

// HTML: the environments (those that are alike once), the commands, the scenario of each group.
std::string Reproduction(const std::vector<Group>& groups);

// "semlink run RUN/scenario.yaml --out RUN-again", with --transport=inproc if it ran so.
std::string CommandFor(const RunData& run);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_REPRODUCE_H_
