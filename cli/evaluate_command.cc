// `semlink evaluate`: scores the parameters of a finished run on the test set.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/launcher.h"
#include "common/base/clock.h"

namespace semlink::cli {
namespace {

struct EvaluateOptions {
  std::string run;
  std::string out;
  std::string transport = "grpc";
  std::string tls;
  std::string format = "text";
  std::vector<std::string> overrides;
  int draws = 0;
};

int Evaluate(EvaluateOptions options) {
  RealClock clock;
  if (options.draws > 0) {
    options.overrides.push_back(absl::StrCat("evaluation.cr_draws=", options.draws));
  }
  absl::StatusOr<Scenario> scenario = ReadTrainedRun(options.run, options.overrides);
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  LaunchOptions launch;
  launch.scenario = *scenario;
  launch.out = options.out;
  if (launch.out.empty()) {
    launch.out = absl::StrCat(options.run, "/evaluations/", TimeStamp(clock.WallTime()));
  }
  launch.job = "evaluate";
  launch.arguments = {"--parameters", options.run + "/parameters"};
  launch.inproc = options.transport == "inproc";
  launch.tls = options.tls;
  const int code = Launcher(launch, &clock).Run();
  return code == kExitSuccess ? PrintSummary(*scenario, launch.out, options.format) : code;
}

}  // namespace

void AddEvaluateCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      AddCommand(app, "evaluate", "Score a finished run on its test set, over many draws of u",
                 "  semlink evaluate runs/first\n"
                 "  semlink evaluate runs/first --draws 64 --format=json\n"
                 "  semlink evaluate runs/first --set evaluation.mean_feature=false\n");
  command->add_option("run", options->run, "Run folder")->required();
  command
      ->add_option("--draws", options->draws,
                   "Draws of the common randomness [evaluation.cr_draws of the run]")
      ->check(CLI::Range(1, 10000));
  command->add_option("--out", options->out,
                      "Folder of the evaluation; must be empty or missing "
                      "[RUN/evaluations/DATE-TIME]");
  AddTransportOption(command, &options->transport);
  AddLaunchTlsOption(command, &options->tls);
  AddSetOption(command, &options->overrides);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Evaluate(*options); }; });
}

}  // namespace semlink::cli
