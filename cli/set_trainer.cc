#include "cli/set_trainer.h"

#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/jobs.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

constexpr size_t kMaxSetName = 120;

// The summand of the score is measured on samples of z, as in training: its rate and its
// cross-entropies belong to the same z.
Overrides Measured(Overrides overrides) {
  overrides.push_back("evaluation.score=true");
  overrides.push_back("evaluation.mean_feature=false");
  return overrides;
}

}  // namespace

std::string SetRunName(const LinkSet& links, uint64_t seed) {
  std::string set = absl::StrJoin(links, "_", [](std::string* out, const Link& link) {
    absl::StrAppend(out, link.k + 1, ".", link.m + 1, "-", link.t + 1);
  });
  if (set.size() > kMaxSetName) {
    set = absl::StrCat(set.substr(0, kMaxSetName - 17), "-", Sha256Hex(set).substr(0, 16));
  }
  return absl::StrCat("links=", set, ",seed=", seed);
}

std::string SetTrainer::Folder(const std::string& name) const {
  return absl::StrCat(options_.runs.out, "/", name);
}

absl::StatusOr<std::vector<PlannedRun>> SetTrainer::Plan(
    const Overrides& more, const std::function<std::string(uint64_t)>& name) const {
  std::vector<PlannedRun> planned;
  for (const uint64_t seed : options_.seeds) {
    PlannedRun run;
    run.run.name = name(seed);
    run.run.overrides = Measured(options_.overrides);
    run.run.overrides.insert(run.run.overrides.end(), more.begin(), more.end());
    run.run.overrides.push_back(absl::StrCat("seed=", seed));
    ASSIGN_OR_RETURN(run.scenario, ReadScenarioForJob(options_.runs.scenario, run.run.overrides));
    if (!run.scenario.faults.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.runs.scenario, ": faults: found ", run.scenario.faults.size(),
                       " of them; expected none (--set faults=[]): a score is of links that work"));
    }
    planned.push_back(std::move(run));
  }
  return planned;
}

absl::Status SetTrainer::Run(std::vector<PlannedRun> planned) const {
  std::cerr << "semlink: " << planned.size() << " runs in " << options_.runs.out << std::endl;
  SweepRunner runner(options_.runs, std::move(planned), clock_);
  const int code = runner.Run();
  if (code == kExitInterrupted) return absl::CancelledError("interrupted");
  for (const SweepResult& result : runner.results()) {
    const bool there =
        result.outcome == SweepOutcome::kFinished || result.outcome == SweepOutcome::kSkipped;
    if (!there) return absl::InternalError(absl::StrCat(result.name, ": ", result.detail));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SetScore>> SetTrainer::Score(const std::vector<LinkSet>& sets) const {
  std::vector<PlannedRun> planned;
  for (const LinkSet& links : sets) {
    // All draws of u have these links; further ones would only draw other noise.
    const Overrides more = {"method.name=fixed", "evaluation.cr_draws=1",
                            absl::StrCat("method.links=\"", FormatLinks(links), "\"")};
    ASSIGN_OR_RETURN(std::vector<PlannedRun> of_set,
                     Plan(more, [&](uint64_t seed) { return SetRunName(links, seed); }));
    for (PlannedRun& run : of_set) planned.push_back(std::move(run));
  }
  RETURN_IF_ERROR(Run(std::move(planned)));
  std::vector<SetScore> scores;
  for (const LinkSet& links : sets) {
    SetScore& score = scores.emplace_back();
    score.links = links;
    for (const uint64_t seed : options_.seeds) {
      ASSIGN_OR_RETURN(ScoredRun run, ReadScoredRun(Folder(SetRunName(links, seed)), seed));
      score.runs.push_back(std::move(run));
    }
  }
  return scores;
}

absl::StatusOr<MethodRuns> SetTrainer::Train(const std::string& method) const {
  const auto name = [&](uint64_t seed) { return absl::StrCat("method=", method, ",seed=", seed); };
  ASSIGN_OR_RETURN(std::vector<PlannedRun> planned,
                   Plan({absl::StrCat("method.name=", method)}, name));
  RETURN_IF_ERROR(Run(std::move(planned)));
  MethodRuns runs{method, {}};
  for (const uint64_t seed : options_.seeds) {
    ASSIGN_OR_RETURN(ScoredRun run, ReadScoredRun(Folder(name(seed)), seed));
    runs.runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace semlink::cli
