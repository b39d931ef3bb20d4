// Asks a coordinator how its run is going.
#ifndef SEMLINK_CLI_STATUS_CLIENT_H_
#define SEMLINK_CLI_STATUS_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "semlink/v1/services.pb.h"

namespace semlink::cli {

// UNAVAILABLE if nobody answers at "host:port", DEADLINE_EXCEEDED if not in time, UNAUTHENTICATED
// or PERMISSION_DENIED if refused.
absl::StatusOr<v1::StatusReply> FetchStatus(const std::string& address, absl::Duration timeout);

// Nodes are numbered from 1 in both.
std::string StatusText(const v1::StatusReply& reply);
nlohmann::ordered_json StatusJson(const v1::StatusReply& reply);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_STATUS_CLIENT_H_
