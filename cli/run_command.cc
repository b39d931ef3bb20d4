// `semlink run`: trains and evaluates a scenario on this machine.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/launcher.h"
#include "cli/operator_client.h"
#include "common/base/clock.h"
#include "common/base/file_system.h"

namespace semlink::cli {
namespace {

struct RunOptions {
  std::string scenario;
  std::string out;
  std::string transport = "grpc";
  std::string tls;
  std::string format = "text";
  std::string resume;
  std::vector<std::string> overrides;
  int port = 0;
  int max_restarts = SupervisorOptions().max_restarts;
};

// An unfinished run whose coordinator is not running.
absl::Status CheckCanResume(const std::string& run) {
  if (!FileExists(run + "/scenario.yaml") || !FileExists(run + "/ledger.sqlite")) {
    return absl::InvalidArgumentError(absl::StrCat(
        run, " holds no run that was started: it has no scenario.yaml or no ledger.sqlite"));
  }
  if (FileExists(run + "/summary.json")) {
    return absl::InvalidArgumentError(absl::StrCat(run, " is finished: see its summary.json"));
  }
  OperatorTarget target;
  target.run = run;
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(target);
  if (coordinator.ok() && OperatorClient(*coordinator, absl::Seconds(1)).GetStatus().ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(run, " is running: its coordinator answers at ", coordinator->address));
  }
  return absl::OkStatus();
}

int Resume(const RunOptions& options) {
  RealClock clock;
  if (const absl::Status status = CheckCanResume(options.resume); !status.ok()) {
    return Complain(status, kExitUsage);
  }
  const absl::StatusOr<Scenario> scenario =
      ReadScenarioForJob(options.resume + "/scenario.yaml", {});
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  LaunchOptions launch;
  launch.scenario = *scenario;
  launch.out = options.resume;
  launch.resume = true;
  launch.port = options.port;
  launch.supervision.max_restarts = options.max_restarts;
  if (UsesTls(options.resume)) launch.tls = CertificateFolder(options.resume);
  const int code = Launcher(launch, &clock).Run();
  return code == kExitSuccess ? PrintSummary(*scenario, launch.out, options.format) : code;
}

int Run(const RunOptions& options) {
  if (!options.resume.empty()) return Resume(options);
  if (options.scenario.empty()) {
    return Complain(absl::InvalidArgumentError("name a scenario file, or --resume RUN"),
                    kExitUsage);
  }
  RealClock clock;
  absl::StatusOr<Scenario> scenario = ReadScenarioForJob(options.scenario, options.overrides);
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  LaunchOptions launch;
  launch.scenario = *scenario;
  launch.out = options.out;
  if (launch.out.empty()) {
    launch.out = absl::StrCat("runs/", scenario->name, "-", TimeStamp(clock.WallTime()));
  }
  launch.inproc = options.transport == "inproc";
  if (launch.inproc && !scenario->faults.empty()) {
    return Complain(absl::InvalidArgumentError(absl::StrCat(
                        options.scenario, ": faults: found ", scenario->faults.size(),
                        " of them and --transport=inproc; expected none (--set faults=[]), or "
                        "--transport=grpc: in one process there is nothing to break")),
                    kExitUsage);
  }
  launch.tls = options.tls;
  launch.port = options.port;
  launch.supervision.max_restarts = options.max_restarts;
  const int code = Launcher(launch, &clock).Run();
  return code == kExitSuccess ? PrintSummary(*scenario, launch.out, options.format) : code;
}

}  // namespace

void AddRunCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = AddCommand(
      app, "run", "Train and evaluate a scenario: starts all nodes on this machine",
      "  semlink run configs/quickstart.yaml\n"
      "  semlink run configs/quickstart.yaml --out runs/first --set training.windows=50\n"
      "  semlink run configs/av_mnist_pom2dib.yaml --set data.root=/data/av_mnist\n"
      "  semlink run configs/quickstart.yaml --transport=inproc --format=json > summary.json\n"
      "  semlink run --resume runs/first          goes on where it was interrupted\n");
  CLI::Option* scenario = command->add_option("scenario", options->scenario, "Scenario file");
  CLI::Option* out = command->add_option(
      "--out", options->out, "Run folder; must be empty or missing [runs/NAME-DATE-TIME]");
  CLI::Option* resume =
      command
          ->add_option("--resume", options->resume,
                       "Go on with the unfinished run in this folder, as it was started")
          ->excludes(scenario)
          ->excludes(out);
  AddTransportOption(command, &options->transport);
  AddLaunchTlsOption(command, &options->tls);
  AddSetOption(command, &options->overrides);
  for (const char* name : {"--transport", "--tls", "--set"}) {
    resume->excludes(command->get_option(name));  // the run keeps what it was started with
  }
  AddFormatOption(command, &options->format);
  command->add_option("--port", options->port, "Port of the coordinator; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command
      ->add_option("--max-restarts", options->max_restarts,
                   "How often a process that died is started again, each; 0: never")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->callback([options, chosen] { *chosen = [options] { return Run(*options); }; });
}

}  // namespace semlink::cli
