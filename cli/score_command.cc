// `semlink score`: the task-modality score of a set of links, and the set with the lowest one.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/score_report.h"
#include "cli/set_trainer.h"
#include "common/base/status_macros.h"
#include "common/scenario/method_table.h"

namespace semlink::cli {
namespace {

constexpr size_t kSetsInText = 10;

struct ScoreCommandOptions {
  std::string scenario;
  std::string links;
  std::string search;
  std::string against;
  std::string out;
  std::string format = "text";
  std::vector<std::string> overrides;
  int seeds = 3;
  int jobs = 0;
  int max_sets = 300;
};

// The scenario with its own method, for its nodes, limits and first seed.
absl::StatusOr<Scenario> BaseScenario(const ScoreCommandOptions& options) {
  if (options.links.empty() == options.search.empty()) {
    return absl::InvalidArgumentError("expected --links, or --search");
  }
  if (!options.against.empty()) {
    const MethodRow* method = FindMethod(options.against);
    if (method == nullptr || method->selection == SelectionRule::kListed ||
        method->rate == RateRule::kCodeEntropy) {
      return absl::InvalidArgumentError(
          absl::StrCat("--against: found '", options.against,
                       "'; expected a method that finds its links itself and has a rate: pom2dib, "
                       "pom2dib_nocr, rsdib, rsdib_once, midib, midib_published or vddib"));
    }
  }
  return ReadScenarioForJob(options.scenario, options.overrides);
}

SetTrainerOptions TrainerOptions(const ScoreCommandOptions& options, const Scenario& scenario) {
  SetTrainerOptions trainer;
  trainer.runs.scenario = options.scenario;
  trainer.runs.out = options.out;
  if (trainer.runs.out.empty()) {
    const std::string stem = std::filesystem::path(options.scenario).stem().string();
    trainer.runs.out = absl::StrCat("runs/score-", stem);
  }
  while (trainer.runs.out.size() > 1 && trainer.runs.out.back() == '/') trainer.runs.out.pop_back();
  trainer.runs.jobs = options.jobs > 0
                          ? options.jobs
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  trainer.overrides = options.overrides;
  for (int i = 0; i < options.seeds; ++i) trainer.seeds.push_back(scenario.seed + i);
  return trainer;
}

// All sets to score, or why they are too many.
absl::StatusOr<std::vector<LinkSet>> AllSets(const SelectionSpace& space, int max_sets) {
  const int receivers = static_cast<int>(space.linked.front().size());
  const double cost = CountingCost(space.e_t, static_cast<int>(space.modalities.size()), receivers);
  absl::StatusOr<std::vector<LinkSet>> sets =
      FeasibleLinkSets(space, static_cast<size_t>(max_sets));
  if (sets.ok()) return sets;
  return absl::InvalidArgumentError(absl::StrCat(
      "--search exhaustive: found ",
      cost <= kMostCountingCost ? absl::StrCat(CountLinkSets(space)) : "too many to count",
      " feasible sets of links; expected at most ", max_sets,
      ": --max-sets allows more, --search greedy needs fewer"));
}

absl::StatusOr<std::vector<SetScore>> ScoreChosen(const ScoreCommandOptions& options,
                                                  const SelectionSpace& space,
                                                  const SetTrainer& trainer) {
  if (options.search == "greedy") {
    return GreedySearch(space,
                        [&](const std::vector<LinkSet>& sets) { return trainer.Score(sets); });
  }
  if (options.search == "exhaustive") {
    ASSIGN_OR_RETURN(const std::vector<LinkSet> sets, AllSets(space, options.max_sets));
    return trainer.Score(sets);
  }
  const absl::StatusOr<LinkSet> links = ParseLinks(options.links);
  if (!links.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--links: ", links.status().message()));
  }
  const std::string why = links->empty() ? "one link or more" : WhyInfeasible(space, *links);
  if (!why.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--links: found '", FormatLinks(*links), "'; expected ", why));
  }
  return trainer.Score({*links});
}

absl::StatusOr<ScoreReport> MakeReport(const ScoreCommandOptions& options, Clock* clock) {
  ASSIGN_OR_RETURN(const Scenario scenario, BaseScenario(options));
  Scenario fixed = scenario;
  fixed.method.name = "fixed";
  const SelectionSpace space = SpaceInForce(fixed);
  const SetTrainer trainer(TrainerOptions(options, scenario), clock);
  ScoreReport report;
  report.scenario = scenario.name;
  report.search = options.search.empty() ? "links" : options.search;
  report.estimator = Name(scenario.rate.estimator);
  for (const ReceiverOptions& receiver : scenario.receivers) report.tasks.push_back(receiver.task);
  ASSIGN_OR_RETURN(report.sets, ScoreChosen(options, space, trainer));
  SortByScore(&report.sets);
  if (!options.against.empty()) {
    ASSIGN_OR_RETURN(MethodRuns runs, trainer.Train(options.against));
    report.methods.push_back(std::move(runs));
  }
  return report;
}

int Score(const ScoreCommandOptions& options) {
  RealClock clock;
  const absl::StatusOr<ScoreReport> report = MakeReport(options, &clock);
  if (absl::IsCancelled(report.status())) return kExitInterrupted;  // the runner has said so
  if (absl::IsInvalidArgument(report.status()) || absl::IsNotFound(report.status())) {
    return Complain(report.status(), kExitUsage);
  }
  if (!report.ok()) return Complain(report.status(), kExitFailed);
  std::cout << (options.format == "json"  ? ScoreJson(*report)
                : options.format == "csv" ? ScoreCsv(*report)
                                          : ScoreText(*report, kSetsInText));
  return kExitSuccess;
}

}  // namespace

void AddScoreCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<ScoreCommandOptions>();
  CLI::App* command = AddCommand(
      app, "score", "Task-modality score of a set of links: trains codecs for it, and measures",
      "  semlink score configs/score_small.yaml --links \"1.1->1,2.1->2\"\n"
      "  semlink score configs/score_small.yaml --search exhaustive --format csv > scores.csv\n"
      "  semlink score configs/score_small.yaml --search exhaustive --against pom2dib\n"
      "  semlink score configs/quickstart.yaml --search greedy --seeds 1 --jobs 2\n"
      "The same command goes on where it was interrupted.\n");
  command->add_option("scenario", options->scenario, "Scenario file; its method does not matter")
      ->required();
  CLI::Option* links = command->add_option(
      "--links", options->links,
      "The set: TRANSMITTER.MODALITY->RECEIVER, numbered from 1, commas between");
  command
      ->add_option("--search", options->search,
                   "exhaustive: all feasible sets. greedy: adds the best link, one at a time")
      ->check(CLI::IsMember({"exhaustive", "greedy"}))
      ->excludes(links);
  command->add_option("--against", options->against,
                      "Also train this method (pom2dib, midib, ...), and say where the sets stand "
                      "that it finds");
  command->add_option("--seeds", options->seeds, "Runs per set, from the scenario's seed upwards")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--max-sets", options->max_sets, "exhaustive: refuse to score more sets")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--out", options->out, "Folder for the run folders [runs/score-FILE]");
  command->add_option("--jobs,-j", options->jobs, "Runs at a time [one per core]")
      ->check(CLI::Range(1, 1024));
  AddSetOption(command, &options->overrides);
  command
      ->add_option("--format", options->format,
                   "What to print on standard output: text, json or csv")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
  command->callback([options, chosen] { *chosen = [options] { return Score(*options); }; });
}

}  // namespace semlink::cli
