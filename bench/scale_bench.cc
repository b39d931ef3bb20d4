// Does time grow with the active links? CPU per active link of 16 transmitters with 4 modalities
// each and 16 receivers against the 3 x 3 AV-MNIST scenario, under the same limits E_t = 2,
// E_k = 4, in one process and run, in turn. Limit: 1.3 times.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/training_probe.h"
#include "common/base/status_macros.h"
#include "common/nn/process_setup.h"
#include "common/scenario/reader.h"

namespace semlink::bench {
namespace {

constexpr double kLimit = 1.3;

struct Flags {
  int transmitters = 16;
  int receivers = 16;
  int windows = 5;
  int warmup = 2;
  int repetitions = 2;
};

// Few samples: what is measured does not depend on how many there are, loading them does.
constexpr char kCommon[] = R"(
data: {source: synthetic, train_samples: 500, test_samples: 100, audio_variants: 1}
limits: {e_t: 2, e_k: 4}
)";

std::string SmallYaml() {
  return std::string("name: scale_bench_small") + kCommon +
         "transmitters:\n"
         "  - {modalities: [noise, noise, image_fft]}\n"
         "  - {modalities: [noise, image_fft, mel]}\n"
         "  - {modalities: [image_fft, mel, noise]}\n"
         "receivers: [{task: parity}, {task: ring}, {task: digit}]\n";
}

std::string LargeYaml(const Flags& flags) {
  std::string yaml = std::string("name: scale_bench_large") + kCommon + "transmitters:\n";
  for (int k = 0; k < flags.transmitters; ++k) {
    yaml += "  - {modalities: [noise, image_fft, mel, noise]}\n";
  }
  yaml += "receivers:\n";
  const char* const tasks[] = {"parity", "ring", "digit"};
  for (int t = 0; t < flags.receivers; ++t) {
    yaml += std::string("  - {task: ") + tasks[t % 3] + "}\n";
  }
  return yaml;
}

void PrintRow(const char* name, const std::vector<WindowCost>& windows) {
  const auto milliseconds_per_link = [&](auto part) {
    return 1e3 * MedianOf(windows, [&](const WindowCost& w) { return part(w) / w.links; });
  };
  std::printf("%-12s %8.2f %9.3f %12.2f %14.2f %11.2f %13.2f %11.3f\n", name,
              MedianOf(windows, [](const WindowCost& w) { return w.links; }),
              MedianOf(windows, [](const WindowCost& w) { return w.cpu; }),
              milliseconds_per_link([](const WindowCost& w) { return w.cpu; }),
              milliseconds_per_link([](const WindowCost& w) { return w.transmitters; }),
              milliseconds_per_link([](const WindowCost& w) { return w.receivers; }),
              milliseconds_per_link([](const WindowCost& w) { return w.coordinator; }),
              MedianOf(windows, [](const WindowCost& w) { return w.gflop / w.links; }));
}

absl::Status Append(const Scenario& scenario, const Flags& flags, std::vector<WindowCost>* all) {
  ASSIGN_OR_RETURN(const std::vector<WindowCost> windows,
                   MeasureWindows(scenario, flags.warmup, flags.windows));
  all->insert(all->end(), windows.begin(), windows.end());
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  ASSIGN_OR_RETURN(const Scenario small, ParseScenario(SmallYaml(), "small"));
  ASSIGN_OR_RETURN(const Scenario large, ParseScenario(LargeYaml(flags), "large"));
  std::vector<WindowCost> small_windows, large_windows;
  for (int i = 0; i < flags.repetitions; ++i) {
    RETURN_IF_ERROR(Append(small, flags, &small_windows));
    RETURN_IF_ERROR(Append(large, flags, &large_windows));
  }
  std::printf("medians of %zu windows; ms of CPU and GFLOP are per active link\n\n",
              small_windows.size());
  std::printf("%-12s %8s %9s %12s %14s %11s %13s %11s\n", "", "links", "CPU s", "ms/link",
              "transmitters", "receivers", "coordinator", "GFLOP/link");
  PrintRow("3 x 3", small_windows);
  PrintRow((std::to_string(flags.transmitters) + " x " + std::to_string(flags.receivers)).c_str(),
           large_windows);
  const auto per_link = [](const WindowCost& w) { return w.cpu / w.links; };
  const double ratio = MedianOf(large_windows, per_link) / MedianOf(small_windows, per_link);
  std::printf("\nCPU per active link: %.2f times the 3 x 3 scenario's; limit %.1f: %s\n", ratio,
              kLimit, ratio <= kLimit ? "kept" : "NOT kept");
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app(
      "CPU per active link of a large scenario against the 3 x 3 one, same limits, same process, "
      "in turn.",
      "scale_bench");
  Flags flags;
  const auto add = [&](const char* name, int* value, const char* help) {
    app.add_option(name, *value, help)->check(CLI::Range(1, 1000))->capture_default_str();
  };
  add("--transmitters", &flags.transmitters,
      "Transmitters of the large scenario, 4 modalities each");
  add("--receivers", &flags.receivers, "Receivers of the large scenario");
  add("--windows", &flags.windows, "Windows to measure in each run");
  add("--warmup", &flags.warmup, "Windows before them");
  add("--repetitions", &flags.repetitions, "Runs of each scenario");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  nn::TuneAllocator();
  nn::UseOneThread();
  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "scale_bench: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace semlink::bench

int main(int argc, char** argv) { return semlink::bench::Main(argc, argv); }
