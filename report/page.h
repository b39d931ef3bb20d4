// The HTML page of a report.
#ifndef SEMLINK_REPORT_PAGE_H_
#define SEMLINK_REPORT_PAGE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "report/report.h"

namespace semlink::report {

// The whole page. Groups and problems as in Report.
std::string RenderPage(const std::vector<Group>& groups, const std::vector<Problem>& problems,
                       const ReportOptions& options, absl::Time now);

// Its style sheet: light and dark by prefers-color-scheme, print, the palette of Okabe and Ito.
extern const char kStyleSheet[];

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_PAGE_H_
