// What the nodes would do for a fault of the kernel's level.
#ifndef SEMLINK_CLI_FAULT_DRY_RUN_H_
#define SEMLINK_CLI_FAULT_DRY_RUN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/faults/command_runner.h"
#include "semlink/v1/message.pb.h"
#include "semlink/v1/services.pb.h"

namespace semlink::cli {

// One node's commands. What is not known here is in angle brackets.
struct NodeCommands {
  NodeId node;
  std::vector<Command> begin;
  std::vector<Command> end;
};

// `status` of the run, if there is one: it knows all nodes and where transmitters listen.
// INVALID_ARGUMENT for nodes that the run does not have, and, without a run, for a target with
// "all" or with one side only: which nodes that means is not known then.
absl::StatusOr<std::vector<NodeCommands>> DryRun(const v1::Fault& fault,
                                                 const std::optional<v1::StatusReply>& status);

std::string DryRunText(const std::vector<NodeCommands>& nodes);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_FAULT_DRY_RUN_H_
