// Log lines of a daemon: on standard error, with the node's name.
#ifndef SEMLINK_COMMON_NODE_LOGGING_H_
#define SEMLINK_COMMON_NODE_LOGGING_H_

#include <string>

#include "absl/status/status.h"

namespace semlink {

// The levels that InitLogging takes, for a command line parser.
inline constexpr const char* kLogLevels[] = {"trace", "debug", "info", "warning", "error", "off"};

// Makes spdlog's default logger write to standard error as
// "2026-01-31 23:59:59.123 warning receiver2: text". INVALID_ARGUMENT for another level than above.
absl::Status InitLogging(const std::string& node, const std::string& level);

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_LOGGING_H_
