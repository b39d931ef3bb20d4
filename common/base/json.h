#ifndef SEMLINK_COMMON_BASE_JSON_H_
#define SEMLINK_COMMON_BASE_JSON_H_

#include "nlohmann/json.hpp"

namespace semlink {

// Keys in the order in which they are written or read.
using Json = nlohmann::ordered_json;

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_JSON_H_
