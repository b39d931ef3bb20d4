// `semlink status`: how a run is going.
#include <iostream>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/operator_client.h"
#include "cli/status_report.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

struct StatusOptions {
  OperatorTarget target;
  std::string format = "text";
};

int Status(const StatusOptions& options) {
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (!coordinator.ok()) {
    return Complain(coordinator.status(), TargetExitCode(coordinator.status()));
  }
  OperatorClient client(*coordinator, absl::Seconds(2));
  const absl::StatusOr<v1::StatusReply> reply = client.GetStatus();
  if (!reply.ok()) return Complain(reply.status(), OperatorExitCode(reply.status()));
  if (options.format == "json") {
    std::cout << StatusJson(*reply).dump(2) << "\n";
  } else {
    std::cout << StatusText(*reply);
  }
  return kExitSuccess;
}

}  // namespace

void AddStatusCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command =
      AddCommand(app, "status", "Ask the coordinator of a run how it is going",
                 "  semlink status                        the newest run in runs/\n"
                 "  semlink status runs/first\n"
                 "  semlink status --coordinator 10.0.0.5:7433 --tls certs --format=json\n");
  CLI::Option* run =
      command->add_option("run", options->target.run, "Run folder [the newest in runs/]");
  AddTargetOptions(command, run, &options->target);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Status(*options); }; });
}

}  // namespace semlink::cli
