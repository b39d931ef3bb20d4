#include "cli/set_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SetScore Scored(const LinkSet& links, const std::vector<double>& scores) {
  SetScore set;
  set.links = links;
  for (size_t i = 0; i < scores.size(); ++i) {
    ScoredRun run;
    run.seed = i + 1;
    run.score = scores[i];
    set.runs.push_back(run);
  }
  return set;
}

// Two transmitters with two modalities each, two receivers; E_t = 2, E_k = 2.
SelectionSpace TwoByTwo() { return {2, 2, {2, 2}, {{true, true}, {true, true}}}; }

// A score that is a sum over the links, but for a bonus if a pair comes together.
double Value(const LinkSet& links) {
  double value = 10;
  for (const Link& link : links) {
    value += link.m == 1 ? 0.5 : link.k == 0 ? -2 : -1;  // the second modalities only cost
  }
  return value;
}

TEST(SetScoresTest, EstimatesOverTheSeeds) {
  const SetScore a = Scored({{0, 0, 0}}, {1, 2, 3}), b = Scored({{0, 1, 0}}, {0.5, 1, 3});
  EXPECT_DOUBLE_EQ(a.score().mean, 2);
  EXPECT_NEAR(a.score().half, 4.30265 * 1 / std::sqrt(3), 1e-4);  // t with 2 degrees of freedom
  // Differences 0.5, 1, 0: mean 0.5, standard deviation 0.5.
  EXPECT_DOUBLE_EQ(Difference(a, b).mean, 0.5);
  EXPECT_NEAR(Difference(a, b).half, 4.30265 * 0.5 / std::sqrt(3), 1e-4);
  EXPECT_TRUE(std::isnan(Scored({}, {1}).score().half));
  std::vector<SetScore> sets = {a, b, Scored({{0, 0, 1}}, {0, 0, 0})};
  SortByScore(&sets);
  EXPECT_EQ(sets[0].links, (LinkSet{{0, 0, 1}}));
  EXPECT_EQ(sets[1].links, b.links);
  EXPECT_EQ(sets[2].links, a.links);
}

TEST(SetScoresTest, GreedyTakesTheBestLinkUntilNoneHelps) {
  std::vector<size_t> asked;
  std::set<LinkSet> seen;
  const auto score =
      [&](const std::vector<LinkSet>& sets) -> absl::StatusOr<std::vector<SetScore>> {
    asked.push_back(sets.size());
    std::vector<SetScore> scores;
    for (const LinkSet& links : sets) {
      EXPECT_TRUE(seen.insert(links).second) << FormatLinks(links);
      scores.push_back(Scored(links, {Value(links) - 0.25, Value(links) + 0.25}));
    }
    return scores;
  };
  absl::StatusOr<std::vector<SetScore>> all = GreedySearch(TwoByTwo(), score);
  ASSERT_TRUE(all.ok());
  SortByScore(&*all);
  EXPECT_EQ(all->front().links, (LinkSet{{0, 0, 0}, {0, 0, 1}, {1, 0, 0}, {1, 0, 1}}));
  EXPECT_DOUBLE_EQ(all->front().score().mean, 4);
  // 8 links; then the 7 others; then transmitter 1 is full: 4; then 3; then nothing is left.
  EXPECT_THAT(asked, ElementsAre(8, 7, 4, 3));
}

TEST(SetScoresTest, GreedyServesEveryReceiverAndThenStops) {
  std::vector<LinkSet> best;
  const auto score =
      [&](const std::vector<LinkSet>& sets) -> absl::StatusOr<std::vector<SetScore>> {
    std::vector<SetScore> scores;
    for (const LinkSet& links : sets) {
      // Every link costs, those to receiver 2 most.
      double value = 0;
      for (const Link& link : links) value += 1 + link.t + 0.1 * link.m;
      scores.push_back(Scored(links, {value}));
    }
    SortByScore(&scores);
    best.push_back(scores.front().links);
    return scores;
  };
  ASSERT_TRUE(GreedySearch({1, 4, {2}, {{true, true}}}, score).ok());
  EXPECT_THAT(best, ElementsAre(LinkSet{{0, 0, 0}}, LinkSet{{0, 0, 0}, {0, 1, 0}},
                                LinkSet{{0, 0, 0}, {0, 0, 1}, {0, 1, 0}},
                                LinkSet{{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {0, 1, 1}}));
}

TEST(SetScoresTest, GreedyEndsWithAnError) {
  const auto score = [](const std::vector<LinkSet>&) -> absl::StatusOr<std::vector<SetScore>> {
    return absl::CancelledError("interrupted");
  };
  EXPECT_TRUE(absl::IsCancelled(GreedySearch(TwoByTwo(), score).status()));
}

TEST(SetScoresTest, ReadsARun) {
  TempDir folder;
  EXPECT_TRUE(absl::IsNotFound(ReadScoredRun(folder.path(), 3).status()));
  WriteText(folder / "summary.json", R"({"accuracy": [0.5, 0.75]})");
  const absl::Status without = ReadScoredRun(folder.path(), 3).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(without));
  EXPECT_THAT(std::string(without.message()), HasSubstr("summary.json: score: found nothing"));
  WriteText(folder / "summary.json", R"({
    "score": 1.5, "score_interval95": 0.25, "score_per_task": [0.5, 1.0], "rate_nats": 12.5,
    "accuracy": [0.5, 0.75], "link_sets_evaluation": {"1.1->1": 0.25, "1.1->1,2.1->2": 0.75}})");
  const auto run = ReadScoredRun(folder.path(), 3);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->seed, 3u);
  EXPECT_EQ(run->score, 1.5);
  EXPECT_EQ(run->interval95, 0.25);
  EXPECT_THAT(run->per_task, ElementsAre(0.5, 1.0));
  EXPECT_THAT(run->accuracy, ElementsAre(0.5, 0.75));
  EXPECT_EQ(run->rate_nats, 12.5);
  ASSERT_EQ(run->used.size(), 2u);
  EXPECT_EQ(run->used[0].first, (LinkSet{{0, 0, 0}, {1, 0, 1}}));
  EXPECT_EQ(run->used[0].second, 0.75);
}

}  // namespace
}  // namespace semlink::cli
