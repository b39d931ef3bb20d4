#ifndef SEMLINK_COORDINATOR_JSON_H_
#define SEMLINK_COORDINATOR_JSON_H_

#include "nlohmann/json.hpp"

namespace semlink::coordinator {

// Keys in the order in which they are written.
using Json = nlohmann::ordered_json;

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_JSON_H_
