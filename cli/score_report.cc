#include "cli/score_report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/table.h"
#include "common/base/json.h"

namespace semlink::cli {
namespace {

// "-" for what is not there: an interval of one seed, an accuracy that the summary lacks.
std::string NatsText(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.4f", value) : "-";
}

std::string HalfText(double half) { return std::isfinite(half) ? "± " + NatsText(half) : "-"; }

std::string AccuracyText(const std::vector<double>& accuracy) {
  return absl::StrJoin(accuracy, " ", [](std::string* out, double share) {
    absl::StrAppend(out, std::isfinite(share) ? absl::StrFormat("%.2f", 100 * share) : "-");
  });
}

// By task, over the seeds.
std::vector<double> MeanAccuracy(const SetScore& set) {
  std::vector<double> means;
  for (size_t t = 0; !set.runs.empty() && t < set.runs.front().accuracy.size(); ++t) {
    std::vector<double> of_task;
    for (const ScoredRun& run : set.runs) {
      if (t < run.accuracy.size()) of_task.push_back(run.accuracy[t]);
    }
    means.push_back(report::MeanOf(of_task));
  }
  return means;
}

double MeanRate(const SetScore& set) {
  std::vector<double> rates;
  for (const ScoredRun& run : set.runs) rates.push_back(run.rate_nats);
  return report::MeanOf(rates);
}

std::string TaskNames(const ScoreReport& report) {
  return absl::StrJoin(report.tasks, " ",
                       [](std::string* out, TaskKind task) { absl::StrAppend(out, Name(task)); });
}

std::string RunsText(const ScoreReport& report, const SetScore& set) {
  Table table({{"seed", Align::kRight},
               {"score, nats", Align::kRight},
               {"over batches", Align::kRight},
               {absl::StrCat("accuracy, % (", TaskNames(report), ")")},
               {"sum-rate, nats", Align::kRight},
               {"run folder"}});
  for (const ScoredRun& run : set.runs) {
    table.AddRow({absl::StrCat(run.seed), NatsText(run.score), HalfText(run.interval95),
                  AccuracyText(run.accuracy), absl::StrFormat("%.2f", run.rate_nats), run.folder});
  }
  return table.ToString();
}

std::string SetsText(const ScoreReport& report, size_t most) {
  Table table({{"rank", Align::kRight},
               {"links"},
               {"score, nats", Align::kRight},
               {"over seeds", Align::kRight},
               {"above the best", Align::kRight},
               {"over seeds", Align::kRight},
               {absl::StrCat("accuracy, % (", TaskNames(report), ")")},
               {"sum-rate, nats", Align::kRight}});
  for (size_t i = 0; i < std::min(most, report.sets.size()); ++i) {
    const SetScore& set = report.sets[i];
    const report::Estimate score = set.score(), above = Difference(set, report.sets.front());
    table.AddRow({absl::StrCat(i + 1), FormatLinks(set.links), NatsText(score.mean),
                  HalfText(score.half), NatsText(above.mean), HalfText(above.half),
                  AccuracyText(MeanAccuracy(set)), absl::StrFormat("%.2f", MeanRate(set))});
  }
  std::string text = table.ToString();
  if (report.sets.size() > most) {
    absl::StrAppend(&text, "and ", report.sets.size() - most,
                    " more: --format csv or json has all of them\n");
  }
  return text;
}

const char* Verdict(const std::optional<Standing>& standing) {
  if (!standing.has_value()) return "not among the scored sets";
  if (standing->rank == 1) return "the best";
  return standing->best_or_within_spread ? "within the spread of the best" : "worse than the best";
}

std::string MethodText(const ScoreReport& report, const MethodRuns& method) {
  Table table({{"seed", Align::kRight},
               {absl::StrCat("links of ", method.method)},
               {"share of draws", Align::kRight},
               {"rank", Align::kRight},
               {"above the best", Align::kRight},
               {"over seeds", Align::kRight},
               {"verdict"},
               {"its own score", Align::kRight}});
  for (const ScoredRun& run : method.runs) {
    for (const auto& [links, share] : run.used) {
      const std::optional<Standing> at = StandingOf(links, report.sets);
      table.AddRow({absl::StrCat(run.seed), FormatLinks(links), FormatPercent(share),
                    at ? absl::StrCat(at->rank) : "-", at ? NatsText(at->above.mean) : "-",
                    at ? HalfText(at->above.half) : "-", Verdict(at), NatsText(run.score)});
    }
  }
  return table.ToString();
}

Json NumberOrNull(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json RunJson(const ScoredRun& run) {
  return {{"seed", run.seed},
          {"run_folder", run.folder},
          {"score", run.score},
          {"interval95_over_batches", run.interval95},
          {"score_per_task", run.per_task},
          {"accuracy", run.accuracy},
          {"rate_nats", run.rate_nats}};
}

Json SetJson(const SetScore& set, const SetScore& best) {
  const report::Estimate score = set.score(), above = Difference(set, best);
  Json runs = Json::array();
  for (const ScoredRun& run : set.runs) runs.push_back(RunJson(run));
  return {{"links", FormatLinks(set.links)},
          {"score", score.mean},
          {"interval95_over_seeds", NumberOrNull(score.half)},
          {"above_best", above.mean},
          {"above_best_interval95", NumberOrNull(above.half)},
          {"runs", std::move(runs)}};
}

Json MethodJson(const ScoreReport& report, const MethodRuns& method) {
  Json runs = Json::array();
  for (const ScoredRun& run : method.runs) {
    Json json = RunJson(run), used = Json::array();
    for (const auto& [links, share] : run.used) {
      const std::optional<Standing> at = StandingOf(links, report.sets);
      Json set = {{"links", FormatLinks(links)}, {"share", share}, {"verdict", Verdict(at)}};
      if (at.has_value()) {
        set["rank"] = at->rank;
        set["above_best"] = at->above.mean;
        set["above_best_interval95"] = NumberOrNull(at->above.half);
      }
      used.push_back(std::move(set));
    }
    json["used"] = std::move(used);
    runs.push_back(std::move(json));
  }
  return {{"method", method.method}, {"runs", std::move(runs)}};
}

std::string CsvNumber(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.9g", value) : "";
}

}  // namespace

std::optional<Standing> StandingOf(const LinkSet& links, const std::vector<SetScore>& sets) {
  for (size_t i = 0; i < sets.size(); ++i) {
    if (sets[i].links != links) continue;
    Standing standing{i + 1, Difference(sets[i], sets.front()), false};
    standing.best_or_within_spread = i == 0 || standing.above.mean - standing.above.half <= 0;
    return standing;
  }
  return std::nullopt;
}

std::string ScoreText(const ScoreReport& report, size_t most) {
  const SetScore& best = report.sets.front();
  const report::Estimate score = best.score();
  std::string text = absl::StrCat(
      report.search == "links" ? "score of " : "lowest score: ", FormatLinks(best.links), "  ",
      NatsText(score.mean), " nats ", std::isfinite(score.half) ? HalfText(score.half) : "",
      std::isfinite(score.half) ? absl::StrCat(" (95 % over ", score.n, " seeds)") : "(one seed)",
      "\n\n", RunsText(report, best), "\nLower is better. Rates are ", report.estimator,
      " estimates in batches; \"over batches\" is the 95 % interval over the test batches of one "
      "run.\n");
  if (report.search != "links") {
    absl::StrAppend(&text, "\n", report.sets.size(), " sets, ", report.search, ":\n",
                    SetsText(report, most));
  }
  for (const MethodRuns& method : report.methods) {
    absl::StrAppend(&text, "\n", MethodText(report, method));
  }
  return text;
}

std::string ScoreJson(const ScoreReport& report) {
  Json tasks = Json::array(), sets = Json::array(), methods = Json::array();
  for (const TaskKind task : report.tasks) tasks.push_back(Name(task));
  for (const SetScore& set : report.sets) sets.push_back(SetJson(set, report.sets.front()));
  for (const MethodRuns& method : report.methods) methods.push_back(MethodJson(report, method));
  const Json json = {{"scenario", report.scenario}, {"search", report.search},
                     {"tasks", std::move(tasks)},   {"rate_estimator", report.estimator},
                     {"sets", std::move(sets)},     {"methods", std::move(methods)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ScoreCsv(const ScoreReport& report) {
  std::string text =
      "rank,links,score,interval95_over_seeds,above_best,above_best_interval95,seeds,rate_nats\n";
  for (size_t i = 0; i < report.sets.size(); ++i) {
    const SetScore& set = report.sets[i];
    const report::Estimate score = set.score(), above = Difference(set, report.sets.front());
    absl::StrAppend(&text, i + 1, ",\"", FormatLinks(set.links), "\",", CsvNumber(score.mean), ",",
                    CsvNumber(score.half), ",", CsvNumber(above.mean), ",", CsvNumber(above.half),
                    ",", score.n, ",", CsvNumber(MeanRate(set)), "\n");
  }
  if (report.methods.empty()) return text;
  absl::StrAppend(&text, "\nmethod,seed,links,share,rank,above_best,verdict,own_score\n");
  for (const MethodRuns& method : report.methods) {
    for (const ScoredRun& run : method.runs) {
      for (const auto& [links, share] : run.used) {
        const std::optional<Standing> at = StandingOf(links, report.sets);
        absl::StrAppend(&text, method.method, ",", run.seed, ",\"", FormatLinks(links), "\",",
                        CsvNumber(share), ",", at ? absl::StrCat(at->rank) : "", ",",
                        at ? CsvNumber(at->above.mean) : "", ",", Verdict(at), ",",
                        CsvNumber(run.score), "\n");
      }
    }
  }
  return text;
}

}  // namespace semlink::cli
