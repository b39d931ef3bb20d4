// `semlink status`: how a run is going.
#include <iostream>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/jobs.h"
#include "cli/port_file.h"
#include "cli/status_client.h"

namespace semlink::cli {
namespace {

struct StatusOptions {
  std::string run;
  std::string coordinator;
  std::string format = "text";
};

int Status(const StatusOptions& options) {
  std::string address = options.coordinator;
  if (address.empty()) {
    absl::StatusOr<std::string> found =
        options.run.empty() ? FindNewestCoordinator("runs") : ReadCoordinatorAddress(options.run);
    if (!found.ok()) return Complain(found.status(), kConnection);
    address = *found;
  }
  const absl::StatusOr<v1::StatusReply> reply = FetchStatus(address, absl::Seconds(2));
  if (!reply.ok()) return Complain(reply.status(), kConnection);
  if (options.format == "json") {
    std::cout << StatusJson(*reply).dump(2) << "\n";
  } else {
    std::cout << StatusText(*reply);
  }
  return kSuccess;
}

}  // namespace

void AddStatusCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = AddCommand(app, "status", "Ask the coordinator of a run how it is going",
                                 "  semlink status                        the newest run in runs/\n"
                                 "  semlink status runs/first\n"
                                 "  semlink status --coordinator 10.0.0.5:50051 --format=json\n");
  CLI::Option* run = command->add_option("run", options->run, "Run folder [the newest in runs/]");
  command->add_option("--coordinator", options->coordinator, "Its address, HOST:PORT")
      ->excludes(run);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Status(*options); }; });
}

}  // namespace semlink::cli
