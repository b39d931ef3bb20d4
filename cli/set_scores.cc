#include "cli/set_scores.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "cli/run_report.h"
#include "common/base/json.h"
#include "common/base/status_macros.h"

namespace semlink::cli {
namespace {

absl::StatusOr<double> NumberOf(const Json& summary, const std::string& file, const char* key) {
  const auto found = summary.find(key);
  if (found == summary.end() || !found->is_number()) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, ": ", key,
                     ": found nothing; expected a number, as runs with "
                     "evaluation.score: true have it"));
  }
  return found->get<double>();
}

std::vector<double> NumbersOf(const Json& summary, const char* key) {
  const auto found = summary.find(key);
  std::vector<double> numbers;
  if (found == summary.end() || !found->is_array()) return numbers;
  for (const Json& number : *found) {
    numbers.push_back(number.is_number() ? number.get<double>() : report::kNone);
  }
  return numbers;
}

absl::StatusOr<std::vector<std::pair<LinkSet, double>>> UsedSets(const Json& summary) {
  std::vector<std::pair<LinkSet, double>> used;
  const auto found = summary.find("link_sets_evaluation");
  if (found == summary.end() || !found->is_object()) return used;
  for (const auto& [text, share] : found->items()) {
    ASSIGN_OR_RETURN(LinkSet links, ParseLinks(text));
    used.emplace_back(std::move(links), share.is_number() ? share.get<double>() : 0);
  }
  std::stable_sort(used.begin(), used.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return used;
}

bool EveryReceiverServed(const SelectionSpace& space, const LinkSet& links) {
  std::set<int> served;
  for (const Link& link : links) served.insert(link.t);
  return !space.linked.empty() && served.size() == space.linked.front().size();
}

}  // namespace

absl::StatusOr<ScoredRun> ReadScoredRun(const std::string& folder, uint64_t seed) {
  const std::string file = folder + "/summary.json";
  ASSIGN_OR_RETURN(const Json summary, ReadJsonFile(file));
  ScoredRun run;
  run.seed = seed;
  run.folder = folder;
  ASSIGN_OR_RETURN(run.score, NumberOf(summary, file, "score"));
  ASSIGN_OR_RETURN(run.interval95, NumberOf(summary, file, "score_interval95"));
  ASSIGN_OR_RETURN(run.rate_nats, NumberOf(summary, file, "rate_nats"));
  run.per_task = NumbersOf(summary, "score_per_task");
  run.accuracy = NumbersOf(summary, "accuracy");
  ASSIGN_OR_RETURN(run.used, UsedSets(summary));
  return run;
}

report::Estimate SetScore::score() const {
  std::vector<double> scores;
  for (const ScoredRun& run : runs) scores.push_back(run.score);
  return report::MeanWithInterval(scores);
}

report::Estimate Difference(const SetScore& a, const SetScore& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(a.runs.size(), b.runs.size()); ++i) {
    differences.push_back(a.runs[i].score - b.runs[i].score);
  }
  return report::MeanWithInterval(differences);
}

void SortByScore(std::vector<SetScore>* sets) {
  std::sort(sets->begin(), sets->end(), [](const SetScore& a, const SetScore& b) {
    const double x = a.score().mean, y = b.score().mean;
    return x != y ? x < y : a.links < b.links;
  });
}

absl::StatusOr<std::vector<SetScore>> GreedySearch(const SelectionSpace& space,
                                                   const ScoreSets& score) {
  std::vector<SetScore> all;
  LinkSet path;
  double reached = 0;
  for (;;) {
    const std::vector<LinkSet> larger = WithOneMore(space, path);
    if (larger.empty()) return all;
    ASSIGN_OR_RETURN(std::vector<SetScore> scored, score(larger));
    SortByScore(&scored);
    const double best = scored.front().score().mean;
    const bool done = EveryReceiverServed(space, path) && best >= reached;
    path = scored.front().links;
    reached = best;
    for (SetScore& one : scored) all.push_back(std::move(one));
    if (done) return all;
  }
}

}  // namespace semlink::cli
