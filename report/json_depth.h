// How deep a JSON text is nested, before anything is built of it.
#ifndef SEMLINK_REPORT_JSON_DEPTH_H_
#define SEMLINK_REPORT_JSON_DEPTH_H_

#include "absl/strings/string_view.h"

namespace semlink::report {

// No file of a run comes near it. Copying and printing a value take stack for each level.
inline constexpr int kMaxJsonDepth = 100;

// Whether objects and lists lie in one another more than kMaxJsonDepth deep. Brackets in strings
// don't count. The text may be no JSON at all.
bool TooDeep(absl::string_view text);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_JSON_DEPTH_H_
