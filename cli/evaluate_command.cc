// `semlink evaluate`: scores the parameters of a finished run on the test set.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/launcher.h"
#include "common/base/clock.h"

namespace semlink::cli {
namespace {

struct EvaluateOptions {
  std::vector<std::string> runs;
  std::string out;
  std::string name;
  std::string transport = "grpc";
  std::string tls;
  std::string format = "text";
  std::vector<std::string> overrides;
  int draws = 0;
};

int EvaluateRun(const EvaluateOptions& options, const std::string& run, const Scenario& scenario) {
  RealClock clock;
  LaunchOptions launch;
  launch.scenario = scenario;
  launch.out = options.out;
  if (launch.out.empty()) {
    const std::string name = options.name.empty() ? TimeStamp(clock.WallTime()) : options.name;
    launch.out = absl::StrCat(run, "/evaluations/", name);
  }
  launch.job = "evaluate";
  launch.arguments = {"--parameters", run + "/parameters"};
  launch.inproc = options.transport == "inproc";
  launch.tls = options.tls;
  const int code = Launcher(launch, &clock).Run();
  return code == kExitSuccess ? PrintSummary(scenario, launch.out, options.format) : code;
}

// One run after the other. The first mistake in any of them is said before the first starts; the
// first that fails ends it.
int Evaluate(EvaluateOptions options) {
  if (options.draws > 0) {
    options.overrides.push_back(absl::StrCat("evaluation.cr_draws=", options.draws));
  }
  if (options.runs.size() > 1 && !options.out.empty()) {
    return Complain(absl::InvalidArgumentError(absl::StrCat(
                        "--out ", options.out, ": one folder for ", options.runs.size(),
                        " runs; expected --name NAME, for RUN/evaluations/NAME in each")),
                    kExitUsage);
  }
  std::vector<Scenario> scenarios;
  for (const std::string& run : options.runs) {
    absl::StatusOr<Scenario> scenario = ReadTrainedRun(run, options.overrides);
    if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
    scenarios.push_back(*std::move(scenario));
  }
  for (size_t i = 0; i < scenarios.size(); ++i) {
    const int code = EvaluateRun(options, options.runs[i], scenarios[i]);
    if (code != kExitSuccess) return code;
  }
  return kExitSuccess;
}

}  // namespace

void AddEvaluateCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = AddCommand(
      app, "evaluate", "Score finished runs on their test set, over many draws of u",
      "  semlink evaluate runs/first\n"
      "  semlink evaluate runs/first --draws 64 --format=json\n"
      "  semlink evaluate runs/first --set evaluation.mean_feature=false\n"
      "  semlink evaluate runs/table1/* --set data.pairing=reference --name reference\n");
  command->add_option("run", options->runs, "Run folders")->required();
  command
      ->add_option("--draws", options->draws,
                   "Draws of the common randomness [evaluation.cr_draws of the run]")
      ->check(CLI::Range(1, 10000));
  CLI::Option* out = command->add_option("--out", options->out,
                                         "Folder of the evaluation; must be empty or missing "
                                         "[RUN/evaluations/DATE-TIME]");
  command
      ->add_option("--name", options->name,
                   "Name of the folder in RUN/evaluations, instead of date and time")
      ->check([](const std::string& name) -> std::string {
        const bool plain = !name.empty() && name.front() != '.' && name.find('/') == name.npos;
        return plain ? "" : "expected a name without '/' that does not start with '.'";
      })
      ->excludes(out);
  AddTransportOption(command, &options->transport);
  AddLaunchTlsOption(command, &options->tls);
  AddSetOption(command, &options->overrides);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Evaluate(*options); }; });
}

}  // namespace semlink::cli
