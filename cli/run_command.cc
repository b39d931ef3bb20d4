// `semlink run`: trains and evaluates a scenario on this machine.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/launcher.h"
#include "common/base/clock.h"

namespace semlink::cli {
namespace {

struct RunOptions {
  std::string scenario;
  std::string out;
  std::string transport = "grpc";
  std::string format = "text";
  std::vector<std::string> overrides;
  int port = 0;
};

int Run(const RunOptions& options) {
  RealClock clock;
  absl::StatusOr<Scenario> scenario = ReadScenarioForJob(options.scenario, options.overrides);
  if (!scenario.ok()) return Complain(scenario.status(), kUsage);
  LaunchOptions launch;
  launch.scenario = *scenario;
  launch.out = options.out;
  if (launch.out.empty()) {
    launch.out = absl::StrCat("runs/", scenario->name, "-", TimeStamp(clock.WallTime()));
  }
  launch.inproc = options.transport == "inproc";
  launch.port = options.port;
  const ExitCode code = Launcher(launch, &clock).Run();
  return code == kSuccess ? PrintSummary(*scenario, launch.out, options.format) : code;
}

}  // namespace

void AddRunCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = AddCommand(
      app, "run", "Train and evaluate a scenario: starts all nodes on this machine",
      "  semlink run configs/quickstart.yaml\n"
      "  semlink run configs/quickstart.yaml --out runs/first --set training.windows=50\n"
      "  semlink run configs/av_mnist_pom2dib.yaml --set data.root=/data/av_mnist\n"
      "  semlink run configs/quickstart.yaml --transport=inproc --format=json > summary.json\n");
  command->add_option("scenario", options->scenario, "Scenario file")->required();
  command->add_option("--out", options->out,
                      "Run folder; must be empty or missing [runs/NAME-DATE-TIME]");
  AddTransportOption(command, &options->transport);
  AddSetOption(command, &options->overrides);
  AddFormatOption(command, &options->format);
  command->add_option("--port", options->port, "Port of the coordinator; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->callback([options, chosen] { *chosen = [options] { return Run(*options); }; });
}

}  // namespace semlink::cli
