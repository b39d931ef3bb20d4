// The task-modality score of sets of links (TADIB section V, Definition 2), as trained runs gave
// it:
//
//   S(A) = min over the codecs of  sum over the tasks t of
//            H(Y_t | Z_t) + beta * sum over the links of A to t of ( H(Y_t | Z) + I(X; Z) )
//
// and the estimate of Proposition 1 (eq. 4): the same sum of empirical cross-entropies and rates,
// after training codecs for A alone. Lower is better.
#ifndef SEMLINK_CLI_SET_SCORES_H_
#define SEMLINK_CLI_SET_SCORES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/links/link_sets.h"
#include "report/statistics.h"

namespace semlink::cli {

// What the summary.json of one run says.
struct ScoredRun {
  uint64_t seed = 0;
  std::string folder;
  double score = 0;              // nats, all tasks
  double interval95 = 0;         // half width over the test batches
  std::vector<double> per_task;  // nats
  std::vector<double> accuracy;  // 0..1, by task
  double rate_nats = 0;
  // The sets that it used in its evaluation, with their shares of the rounds, the largest first.
  std::vector<std::pair<LinkSet, double>> used;
};

// NOT_FOUND, or FAILED_PRECONDITION if the run has no score: it was not run with evaluation.score.
absl::StatusOr<ScoredRun> ReadScoredRun(const std::string& folder, uint64_t seed);

struct SetScore {
  LinkSet links;
  std::vector<ScoredRun> runs;  // in the order of the seeds, the same for all sets

  report::Estimate score() const;  // over the seeds
};

// a - b over the seeds: runs of one seed share their data, their samples and their noise, so this
// varies less than either score.
report::Estimate Difference(const SetScore& a, const SetScore& b);

// Trains codecs for each set, once per seed, and reads what they reach. CANCELLED: interrupted.
using ScoreSets =
    std::function<absl::StatusOr<std::vector<SetScore>>(const std::vector<LinkSet>& sets)>;

// Adds to the empty set, one at a time, the link that gives the lowest score, until every receiver
// has a link and no further link lowers it, or none keeps the limits. Returns all sets that were
// scored, those of the path among them. Scores about (number of links) x (length of the path) sets.
absl::StatusOr<std::vector<SetScore>> GreedySearch(const SelectionSpace& space,
                                                   const ScoreSets& score);

// By mean score, the best first; equal ones in the order of their links.
void SortByScore(std::vector<SetScore>* sets);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SET_SCORES_H_
