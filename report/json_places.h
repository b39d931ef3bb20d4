// Where the values of a JSON text are written, so that a figure can be traced to its line.
#ifndef SEMLINK_REPORT_JSON_PLACES_H_
#define SEMLINK_REPORT_JSON_PLACES_H_

#include <map>
#include <string>

namespace semlink::report {

// RFC 6901 pointer ("/accuracy/0", "" for the whole) -> line, from 1. `text` must be valid JSON.
// Values that are nested more than 64 deep are left out.
std::map<std::string, int> JsonPlaces(const std::string& text);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_JSON_PLACES_H_
