// `semlink infer`: measures inference with the parameters of a finished run.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/launcher.h"
#include "common/base/clock.h"
#include "common/base/limits.h"

namespace semlink::cli {
namespace {

struct InferOptions {
  std::string run;
  std::string out;
  std::string transport = "grpc";
  std::string tls;
  std::string format = "text";
  std::vector<std::string> overrides;
  int64_t samples = 0;
  int batch = 1;
  int in_flight = 1;
};

int Infer(const InferOptions& options) {
  RealClock clock;
  absl::StatusOr<Scenario> scenario = ReadTrainedRun(options.run, options.overrides);
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  LaunchOptions launch;
  launch.scenario = *scenario;
  launch.out = options.out;
  if (launch.out.empty()) {
    launch.out = absl::StrCat(options.run, "/inferences/", TimeStamp(clock.WallTime()));
  }
  launch.job = "infer";
  launch.arguments = {"--parameters", options.run + "/parameters",
                      "--batch",      absl::StrCat(options.batch),
                      "--in-flight",  absl::StrCat(options.in_flight)};
  if (options.samples > 0) {
    launch.arguments.push_back("--samples");
    launch.arguments.push_back(absl::StrCat(options.samples));
  }
  launch.inproc = options.transport == "inproc";
  launch.tls = options.tls;
  const int code = Launcher(launch, &clock).Run();
  return code == kExitSuccess ? PrintInference(launch.out, options.format) : code;
}

}  // namespace

void AddInferCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<InferOptions>();
  CLI::App* command =
      AddCommand(app, "infer", "Measure inference of a finished run: samples per second, latency",
                 "  semlink infer runs/first\n"
                 "  semlink infer runs/first --samples 10000 --batch 32 --in-flight 4\n");
  command->add_option("run", options->run, "Run folder")->required();
  command->add_option("--samples", options->samples, "Samples per receiver [the whole test set]")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}));
  command->add_option("--batch", options->batch, "Samples per request")
      ->check(CLI::Range(1, kMaxInferenceBatch))
      ->capture_default_str();
  command->add_option("--in-flight", options->in_flight, "Requests under way at once")
      ->check(CLI::Range(1, kMaxInFlight))
      ->capture_default_str();
  command->add_option("--out", options->out,
                      "Folder of the measurement; must be empty or missing "
                      "[RUN/inferences/DATE-TIME]");
  AddTransportOption(command, &options->transport);
  AddLaunchTlsOption(command, &options->tls);
  AddSetOption(command, &options->overrides);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Infer(*options); }; });
}

}  // namespace semlink::cli
