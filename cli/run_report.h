// What a run came to, as text for people: summary.json and infer.json as tables.
#ifndef SEMLINK_CLI_RUN_REPORT_H_
#define SEMLINK_CLI_RUN_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/base/json.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

// NOT_FOUND if the file is missing, DATA_LOSS if it is no JSON object.
absl::StatusOr<Json> ReadJsonFile(const std::string& path);

// Accuracy and N-CE per task, sum-rate, links against their limits, bytes per link. Keys that are
// missing are shown as "-".
std::string SummaryText(const Scenario& scenario, const Json& summary);

// Samples per second, latency and accuracy per receiver.
std::string InferenceText(const Json& infer);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_RUN_REPORT_H_
