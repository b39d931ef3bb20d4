// `semlink sweep`: every combination of some keys of a scenario, as runs of their own.
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/run_report.h"
#include "cli/sweep_grid.h"
#include "cli/sweep_runner.h"
#include "cli/table.h"
#include "common/base/clock.h"
#include "common/base/shell.h"
#include "common/base/status_macros.h"

namespace semlink::cli {
namespace {

struct SweepCommandOptions {
  std::string file;  // a grid, or a scenario beside --grid
  std::vector<std::string> grid;
  std::vector<std::string> overrides;
  std::string out;
  std::string transport;
  int jobs = 0;
  int task = -1;
  bool print_commands = false;
  bool count = false;
  std::string format = "text";
};

// From the command line, from the grid file, or what is usual, in this order.
absl::StatusOr<SweepGrid> GridOf(const SweepCommandOptions& options) {
  SweepGrid grid;
  if (options.grid.empty()) {
    ASSIGN_OR_RETURN(grid, ReadGridFile(options.file));
  } else {
    grid.scenario = options.file;
    grid.blocks.emplace_back();
    for (const std::string& flag : options.grid) {
      ASSIGN_OR_RETURN(SweepAxis axis, ParseGridFlag(flag));
      for (const SweepAxis& other : grid.blocks.back()) {
        if (other.key != axis.key) continue;
        return absl::InvalidArgumentError(absl::StrCat(axis.origin,
                                                       ": found a second axis of the key of ",
                                                       other.origin, "; expected each key once"));
      }
      grid.blocks.back().push_back(std::move(axis));
    }
  }
  for (const std::string& set : options.overrides) grid.set.push_back(set);
  if (!options.out.empty()) grid.out = options.out;
  if (!options.transport.empty()) grid.transport = options.transport;
  if (options.jobs > 0) grid.jobs = options.jobs;
  if (grid.transport.empty()) grid.transport = "inproc";
  if (grid.jobs == 0) grid.jobs = std::max(1u, std::thread::hardware_concurrency());
  if (grid.out.empty()) {
    const std::string stem = std::filesystem::path(options.file).stem().string();
    grid.out = absl::StrCat("runs/sweep-", stem);
  }
  while (grid.out.size() > 1 && grid.out.back() == '/') grid.out.pop_back();
  return grid;
}

// Resolves every run's scenario, so that a mistake is said before the first one starts.
absl::StatusOr<std::vector<PlannedRun>> Plan(const SweepGrid& grid, std::vector<SweepRun> runs) {
  std::vector<PlannedRun> planned;
  std::set<std::string> said;
  std::string mistakes;
  for (SweepRun& run : runs) {
    absl::StatusOr<Scenario> scenario = ReadScenarioForJob(grid.scenario, run.overrides);
    if (scenario.ok()) {
      planned.push_back({std::move(run), *std::move(scenario)});
      continue;
    }
    const std::string message = WithGridPlaces(grid, std::string(scenario.status().message()));
    for (const auto line : absl::StrSplit(message, '\n')) {
      if (!said.insert(std::string(line)).second) continue;
      absl::StrAppend(&mistakes, mistakes.empty() ? "" : "\n", line);
    }
  }
  if (!mistakes.empty()) return absl::InvalidArgumentError(mistakes);
  return planned;
}

SweepOptions RunnerOptions(const SweepGrid& grid) {
  SweepOptions options;
  options.scenario = grid.scenario;
  options.out = grid.out;
  options.transport = grid.transport;
  options.jobs = grid.jobs;
  return options;
}

int PrintCommands(const SweepOptions& options, const std::vector<SweepRun>& runs) {
  for (const SweepRun& run : runs) {
    std::cout << "semlink";
    for (const std::string& word : RunArguments(options, run, false)) {
      std::cout << " " << ShellQuoted(word);
    }
    std::cout << "\n";
  }
  return kExitSuccess;
}

const char* OutcomeName(SweepOutcome outcome) {
  switch (outcome) {
    case SweepOutcome::kFinished:
    case SweepOutcome::kSkipped:
      return "finished";
    case SweepOutcome::kFailed:
      return "failed";
    case SweepOutcome::kElsewhere:
      return "elsewhere";
    case SweepOutcome::kRunning:
    case SweepOutcome::kWaiting:
      break;
  }
  return "interrupted";
}

void PrintResults(const std::string& out, const std::vector<SweepResult>& results,
                  const std::string& format) {
  if (format == "json") {
    Json list = Json::array();
    for (const SweepResult& result : results) {
      list.push_back({{"run_folder", absl::StrCat(out, "/", result.name)},
                      {"state", OutcomeName(result.outcome)},
                      {"detail", result.detail}});
    }
    std::cout << list.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return;
  }
  Table table({{"run"}, {"state"}, {"result"}});
  for (const SweepResult& result : results) {
    table.AddRow({result.name, OutcomeName(result.outcome), result.detail});
  }
  std::cout << table.ToString() << "\nrun folders: " << out << "; semlink report " << out
            << "/* -o report.html\n";
}

int Sweep(const SweepCommandOptions& options) {
  absl::StatusOr<SweepGrid> grid = GridOf(options);
  if (!grid.ok()) return Complain(grid.status(), kExitUsage);
  absl::StatusOr<std::vector<SweepRun>> runs = ExpandGrid(*grid);
  if (!runs.ok()) return Complain(runs.status(), kExitUsage);
  if (options.count) {
    std::cout << runs->size() << "\n";
    return kExitSuccess;
  }
  if (options.task >= static_cast<int>(runs->size())) {
    return Complain(absl::InvalidArgumentError(
                        absl::StrCat("--task ", options.task, ": the grid has ", runs->size(),
                                     " runs; expected 0 to ", runs->size() - 1)),
                    kExitUsage);
  }
  if (options.task >= 0) runs = std::vector<SweepRun>{(*runs)[options.task]};
  const SweepOptions runner_options = RunnerOptions(*grid);
  if (options.print_commands) return PrintCommands(runner_options, *runs);
  absl::StatusOr<std::vector<PlannedRun>> planned = Plan(*grid, *std::move(runs));
  if (!planned.ok()) return Complain(planned.status(), kExitUsage);
  RealClock clock;
  SweepRunner runner(runner_options, *std::move(planned), &clock);
  const int code = runner.Run();
  PrintResults(grid->out, runner.results(), options.format);
  return code;
}

}  // namespace

void AddSweepCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<SweepCommandOptions>();
  CLI::App* command =
      AddCommand(app, "sweep", "Run a scenario with every combination of some values",
                 "  semlink sweep configs/quickstart.yaml --grid beta=0,1e-4,1e-3 --grid seed=1..3 "
                 "--out runs/beta\n"
                 "  semlink sweep grid.yaml --jobs 4           a grid from a file; the same "
                 "command goes on with it\n"
                 "  semlink sweep grid.yaml --print-commands   what it would run\n"
                 "  semlink sweep grid.yaml --count            how many runs that are\n"
                 "  semlink sweep grid.yaml --task 7           one of them, from 0: for a "
                 "cluster's job array\n");
  command->add_option("file", options->file, "Grid file; with --grid a scenario file")->required();
  command
      ->add_option("--grid", options->grid,
                   "KEY=VALUE,VALUE,... or KEY=1..5; may be repeated: every combination is run")
      ->allow_extra_args(false);
  AddSetOption(command, &options->overrides);
  command->add_option("--out", options->out,
                      "Folder for the run folders [the grid's, or runs/sweep-FILE]");
  command
      ->add_option("--transport", options->transport,
                   "inproc: one process per run [default]. grpc: one per node; can be resumed")
      ->check(CLI::IsMember({"grpc", "inproc"}));
  command->add_option("--jobs,-j", options->jobs, "Runs at a time [one per core]")
      ->check(CLI::Range(1, 1024));
  CLI::Option* task =
      command->add_option("--task", options->task, "Only the run with this number, from 0")
          ->check(CLI::Range(0, static_cast<int>(kMaxSweepRuns)));
  command->add_flag("--print-commands", options->print_commands,
                    "Print the command of each run, and run nothing");
  command->add_flag("--count", options->count, "Print the number of runs, and run nothing")
      ->excludes(task);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Sweep(*options); }; });
}

}  // namespace semlink::cli
