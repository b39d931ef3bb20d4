// Asks a coordinator how its run is going.
#ifndef SEMLINK_CLI_STATUS_CLIENT_H_
#define SEMLINK_CLI_STATUS_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/operator_channel.h"
#include "nlohmann/json.hpp"
#include "semlink/v1/services.pb.h"

namespace semlink::cli {

// UNAVAILABLE if nobody answers, DEADLINE_EXCEEDED if not in time, UNAUTHENTICATED or
// PERMISSION_DENIED if refused.
absl::StatusOr<v1::StatusReply> FetchStatus(const OperatorChannel& coordinator,
                                            absl::Duration timeout);

using ActiveFaults = google::protobuf::RepeatedPtrField<v1::ActiveFault>;

// The active faults: a table, and a list.
std::string FaultsText(const ActiveFaults& faults);
nlohmann::ordered_json FaultsJson(const ActiveFaults& faults);

// Nodes are numbered from 1 in both.
std::string StatusText(const v1::StatusReply& reply);
nlohmann::ordered_json StatusJson(const v1::StatusReply& reply);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_STATUS_CLIENT_H_
