// How a run is going, as its coordinator says: text for people, and JSON.
#ifndef SEMLINK_CLI_STATUS_REPORT_H_
#define SEMLINK_CLI_STATUS_REPORT_H_

#include <string>

#include "common/base/json.h"
#include "semlink/v1/services.pb.h"

namespace semlink::cli {

using ActiveFaults = google::protobuf::RepeatedPtrField<v1::ActiveFault>;

// The active faults: a table, and a list.
std::string FaultsText(const ActiveFaults& faults);
Json FaultsJson(const ActiveFaults& faults);

// Nodes are numbered from 1 in both.
std::string StatusText(const v1::StatusReply& reply);
Json StatusJson(const v1::StatusReply& reply);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_STATUS_REPORT_H_
