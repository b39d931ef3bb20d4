// What `semlink score` prints.
#ifndef SEMLINK_CLI_SCORE_REPORT_H_
#define SEMLINK_CLI_SCORE_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "cli/set_scores.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

// A method that finds its links itself, trained once per seed.
struct MethodRuns {
  std::string method;
  std::vector<ScoredRun> runs;
};

struct ScoreReport {
  std::string scenario;             // its name
  std::string search;               // "links", "exhaustive" or "greedy"
  std::vector<TaskKind> tasks;      // by receiver
  std::string estimator;            // rate.estimator
  std::vector<SetScore> sets;       // the best first
  std::vector<MethodRuns> methods;  // to compare with
};

// Where the set that a run used most stands among the scored ones.
struct Standing {
  size_t rank = 0;         // from 1
  report::Estimate above;  // its score less that of the best set, over the seeds
  // Rank 1, or the interval of `above` reaches down to 0.
  bool best_or_within_spread = false;
};
// nullopt if the set was not scored.
std::optional<Standing> StandingOf(const LinkSet& links, const std::vector<SetScore>& sets);

// `most`: sets in the table.
std::string ScoreText(const ScoreReport& report, size_t most);
std::string ScoreJson(const ScoreReport& report);
// One line per set; then, after an empty line, one per run of a method.
std::string ScoreCsv(const ScoreReport& report);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SCORE_REPORT_H_
