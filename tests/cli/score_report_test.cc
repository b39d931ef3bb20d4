#include "cli/score_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/json.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

ScoredRun RunOf(uint64_t seed, double score) {
  ScoredRun run;
  run.seed = seed;
  run.folder = "runs/x";
  run.score = score;
  run.interval95 = 0.01;
  run.per_task = {score / 2, score / 2};
  run.accuracy = {0.9, 0.8};
  run.rate_nats = 20;
  return run;
}

// Scores 1 +- ..., 1.1 and 2; the second is above the first by 0.3, -0.1: within its spread. The
// third by 1.0, 1.0.
ScoreReport Example() {
  ScoreReport report;
  report.scenario = "small";
  report.search = "exhaustive";
  report.tasks = {TaskKind::kParity, TaskKind::kDigit};
  report.estimator = "marginal";
  report.sets = {{{{0, 0, 0}, {1, 0, 1}}, {RunOf(1, 0.9), RunOf(2, 1.1)}},
                 {{{0, 0, 0}, {0, 0, 1}}, {RunOf(1, 1.2), RunOf(2, 1.0)}},
                 {{{0, 1, 0}, {1, 1, 1}}, {RunOf(1, 1.9), RunOf(2, 2.1)}}};
  MethodRuns method{"pom2dib", {RunOf(1, 1.05), RunOf(2, 1.5)}};
  method.runs[0].used = {{{{0, 0, 0}, {0, 0, 1}}, 0.75}, {{{0, 0, 1}}, 0.25}};
  method.runs[1].used = {{{{0, 1, 0}, {1, 1, 1}}, 1.0}};
  report.methods = {method};
  return report;
}

TEST(ScoreReportTest, StandingIsAgainstTheBest) {
  const ScoreReport report = Example();
  const auto best = StandingOf(report.sets[0].links, report.sets);
  EXPECT_EQ(best->rank, 1u);
  EXPECT_TRUE(best->best_or_within_spread);
  const auto second = StandingOf(report.sets[1].links, report.sets);
  EXPECT_EQ(second->rank, 2u);
  EXPECT_NEAR(second->above.mean, 0.1, 1e-12);
  EXPECT_TRUE(second->best_or_within_spread);
  const auto third = StandingOf(report.sets[2].links, report.sets);
  EXPECT_EQ(third->rank, 3u);
  EXPECT_FALSE(third->best_or_within_spread);
  EXPECT_FALSE(StandingOf({{0, 0, 1}}, report.sets).has_value());
}

// One seed has no spread: nothing but the best is called within it.
TEST(ScoreReportTest, OneSeedHasNoSpread) {
  ScoreReport report = Example();
  for (SetScore& set : report.sets) set.runs.resize(1);
  EXPECT_FALSE(StandingOf(report.sets[1].links, report.sets)->best_or_within_spread);
  EXPECT_THAT(ScoreText(report, 10), HasSubstr("0.9000 nats (one seed)"));
}

TEST(ScoreReportTest, TextSaysTheBestAndWhatTheMethodFound) {
  const std::string text = ScoreText(Example(), 2);
  EXPECT_THAT(text,
              HasSubstr("lowest score: 1.1->1,2.1->2  1.0000 nats ± 1.2706 (95 % over 2 seeds)"));
  EXPECT_THAT(text, HasSubstr("3 sets, exhaustive:"));
  EXPECT_THAT(text, HasSubstr("and 1 more: --format csv or json has all of them"));
  EXPECT_THAT(text, HasSubstr("within the spread of the best"));
  EXPECT_THAT(text, HasSubstr("worse than the best"));
  EXPECT_THAT(text, HasSubstr("not among the scored sets"));
  ScoreReport one = Example();
  one.search = "links";
  one.sets.resize(1);
  one.methods.clear();
  EXPECT_THAT(ScoreText(one, 10), HasSubstr("score of 1.1->1,2.1->2  1.0000 nats"));
  EXPECT_THAT(ScoreText(one, 10), Not(HasSubstr("sets,")));
}

TEST(ScoreReportTest, JsonHasEveryRun) {
  const Json json = Json::parse(ScoreJson(Example()));
  EXPECT_EQ(json["sets"].size(), 3u);
  EXPECT_EQ(json["sets"][1]["links"], "1.1->1,1.1->2");
  EXPECT_NEAR(json["sets"][1]["above_best"], 0.1, 1e-12);
  EXPECT_EQ(json["sets"][1]["runs"][0]["score"], 1.2);
  EXPECT_EQ(json["methods"][0]["runs"][1]["used"][0]["rank"], 3);
  EXPECT_FALSE(json["methods"][0]["runs"][0]["used"][1].contains("rank"));
  ScoreReport one = Example();
  for (SetScore& set : one.sets) set.runs.resize(1);
  EXPECT_TRUE(Json::parse(ScoreJson(one))["sets"][0]["interval95_over_seeds"].is_null());
}

TEST(ScoreReportTest, CsvHasALinePerSetAndPerSetOfAMethod) {
  const std::string csv = ScoreCsv(Example());
  EXPECT_THAT(csv, HasSubstr("\n2,\"1.1->1,1.1->2\",1.1,"));
  EXPECT_THAT(csv, HasSubstr("\npom2dib,1,\"1.1->2\",0.25,,,not among the scored sets,1.05\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 + 1 + 1 + 3);
}

}  // namespace
}  // namespace semlink::cli
