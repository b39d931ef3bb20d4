// Where a coordinator listens, as it wrote it into its run folder.
#ifndef SEMLINK_CLI_PORT_FILE_H_
#define SEMLINK_CLI_PORT_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace semlink::cli {

// RUN/coordinator.port
std::string PortFile(const std::string& run);

// "HOST:PORT" out of RUN/coordinator.port, which holds that or a port of this machine. NOT_FOUND if
// it is missing or holds neither.
absl::StatusOr<std::string> ReadCoordinatorAddress(const std::string& run);

// The folder below `parent` whose port file is the newest. NOT_FOUND if none has one.
absl::StatusOr<std::string> FindNewestRun(const std::string& parent);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_PORT_FILE_H_
