// Text into HTML and SVG. Nothing from a run folder gets into a page but through Escape.
#ifndef SEMLINK_REPORT_MARKUP_H_
#define SEMLINK_REPORT_MARKUP_H_

#include <string>

#include "absl/strings/string_view.h"

namespace semlink::report {

// For element content and for attribute values in double quotes. Control characters that XML does
// not allow, and bytes that are no UTF-8, become U+FFFD.
std::string Escape(absl::string_view text);

// ` name="value"`, escaped; "" if the value is empty.
std::string Attribute(absl::string_view name, absl::string_view value);

// A coordinate of a picture: one decimal, none if it is whole.
std::string Coordinate(double value);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_MARKUP_H_
