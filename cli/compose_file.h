// Compose files for the nodes of a scenario, one container each.
#ifndef SEMLINK_CLI_COMPOSE_FILE_H_
#define SEMLINK_CLI_COMPOSE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

struct ComposeOptions {
  std::string scenario_path;  // as the user named it; relative to the folder of the compose file
  std::string image;          // empty: "semlink", built from deploy/Dockerfile
  std::string command;        // with which the file was made, for its first lines
};

// The whole testbed: certificates, coordinator, K transmitters and T receivers, a control and a
// data network, a volume for each node. For docker-compose 1.29 and docker compose 2.
std::string ComposeFile(const Scenario& scenario, const ComposeOptions& options);

// Names of the overlays: data, faults, gpu, monitoring.
std::vector<std::string> OverlayNames();

// What `docker compose -f docker-compose.yml -f OVERLAY` changes. INVALID_ARGUMENT if there is no
// overlay of that name.
absl::StatusOr<std::string> ComposeOverlay(const std::string& name, const Scenario& scenario,
                                           const ComposeOptions& options);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_COMPOSE_FILE_H_
