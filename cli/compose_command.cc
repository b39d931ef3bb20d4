// `semlink compose`: a compose file for a scenario.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/compose_file.h"
#include "cli/jobs.h"
#include "common/node/exit_code.h"
#include "common/scenario/reader.h"

namespace semlink::cli {
namespace {

struct ComposeCommand {
  std::string overlay;
  ComposeOptions compose;
};

int Compose(const ComposeCommand& options) {
  const absl::StatusOr<Scenario> scenario = ReadScenarioFile(options.compose.scenario_path);
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  ComposeOptions compose = options.compose;
  compose.command = absl::StrCat("semlink compose ", compose.scenario_path);
  if (!compose.image.empty()) absl::StrAppend(&compose.command, " --image ", compose.image);
  if (options.overlay.empty()) {
    std::cout << ComposeFile(*scenario, compose);
    return kExitSuccess;
  }
  absl::StrAppend(&compose.command, " --overlay ", options.overlay);
  const auto overlay = ComposeOverlay(options.overlay, *scenario, compose);
  if (!overlay.ok()) return Complain(overlay.status(), kExitUsage);
  std::cout << *overlay;
  return kExitSuccess;
}

}  // namespace

void AddComposeCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<ComposeCommand>();
  CLI::App* command =
      AddCommand(app, "compose", "Print a compose file that runs a scenario, a container per node",
                 "  semlink compose configs/uneven.yaml > docker-compose.yml\n"
                 "  semlink compose configs/uneven.yaml --overlay faults > compose.faults.yaml\n"
                 "  docker compose -f docker-compose.yml -f compose.faults.yaml up\n");
  command
      ->add_option("scenario", options->compose.scenario_path,
                   "Scenario file; a relative path is relative to the compose file's folder too")
      ->required();
  command->add_option("--overlay", options->overlay,
                      absl::StrCat("Print what changes the file's services, for a second -f: ",
                                   absl::StrJoin(OverlayNames(), ", ")));
  command->add_option("--image", options->compose.image,
                      "An image that is there [semlink, built from deploy/Dockerfile]");
  command->callback([options, chosen] { *chosen = [options] { return Compose(*options); }; });
}

}  // namespace semlink::cli
