#include "cli/run_report.h"

#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/table.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/scenario/method_table.h"

namespace semlink::cli {
namespace {

constexpr std::array<const char*, 4> kKinds = {"request", "feature", "gradient", "control"};

// The number at a path of keys and indexes, if it is there.
std::optional<double> Number(const Json& json) {
  return json.is_number() ? std::optional<double>(json.get<double>()) : std::nullopt;
}

std::optional<double> Number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? std::nullopt : Number(*found);
}

std::optional<double> Number(const Json& json, const char* key, int index) {
  const auto list = json.find(key);
  if (list == json.end() || !list->is_array() || index >= static_cast<int>(list->size())) {
    return std::nullopt;
  }
  return Number((*list)[index]);
}

std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "-";
}

std::string Fixed(std::optional<double> value, int digits) {
  return value.has_value() ? absl::StrFormat("%.*f", digits, *value) : "-";
}

std::string Percent(std::optional<double> value) {
  return value.has_value() ? FormatPercent(*value) : "-";
}

std::string QualityText(const Scenario& scenario, const Json& summary) {
  Table table({{"receiver"},
               {"task"},
               {"accuracy", Align::kRight},
               {"95 %", Align::kRight},
               {"N-CE, nats", Align::kRight}});
  for (int t = 0; t < scenario.T(); ++t) {
    const std::optional<double> interval = Number(summary, "accuracy_interval95", t);
    table.AddRow({absl::StrCat(t + 1), Name(scenario.receivers[t].task),
                  Percent(Number(summary, "accuracy", t)),
                  interval ? absl::StrCat("± ", Fixed(100 * *interval, 2)) : "-",
                  Fixed(Number(summary, "nce_per_task", t), 4)});
  }
  return absl::StrCat(table.ToString(), "Mean over ", Fixed(Number(summary, "cr_draws"), 0),
                      " draws of u, each over ", Fixed(Number(summary, "test_samples"), 0),
                      " test samples; ± is the 95 % interval of that mean over the draws.\n");
}

// The estimators cannot show more than log B per dimension (marginal) or per joint vector.
std::string RateText(const Scenario& scenario, const Json& summary) {
  if (scenario.rate.estimator == RateEstimator::kKnnEntropy) {
    return absl::StrCat("sum-rate  ", Fixed(Number(summary, "rate_nats"), 2),
                        " nats per sample: differential entropy of the codes by nearest "
                        "neighbours, which depends on their scale\n");
  }
  const int batch = scenario.training.batch_size;
  const bool marginal = scenario.rate.estimator == RateEstimator::kMarginal;
  const double bound = std::log(batch) * (marginal ? scenario.model.embedding : 1);
  return absl::StrFormat(
      "sum-rate  %s nats per sample (%s estimator; in batches of %d it can't show more than %s, "
      "%.2f nats per link)\n",
      Fixed(Number(summary, "rate_nats"), 2), Text(summary, "rate_estimator"), batch,
      marginal ? absl::StrFormat("%d log %d", scenario.model.embedding, batch)
               : absl::StrFormat("log %d", batch),
      bound);
}

std::string LinksText(const Scenario& scenario, const Json& summary) {
  return absl::StrCat(
      "links     ", Fixed(Number(summary, "links_mean"), 2), " per round\n",
      "limits    a receiver drew on at most ", Fixed(Number(summary, "transmitters_max"), 0),
      " transmitters (E_t = ", scenario.limits.e_t, "); a transmitter served at most ",
      Fixed(Number(summary, "links_max"), 0), " links (E_k = ", scenario.limits.e_k, "); exceeded ",
      Fixed(Number(summary, "limits_exceeded"), 0), " times",
      MethodOf(scenario).limits == LimitRule::kKept
          ? ""
          : absl::StrCat(": ", scenario.method.name, " does not keep all of them"),
      "\n");
}

struct LinkBytes {
  std::map<std::string, double> by_kind;
  std::optional<double> wire;
};

// (transmitter, receiver), numbered from 1 -> bytes.
std::map<std::pair<int, int>, LinkBytes> CollectBytes(const Json& summary) {
  std::map<std::pair<int, int>, LinkBytes> links;
  const auto each = [&](const char* key, const auto& take) {
    const auto list = summary.find(key);
    if (list == summary.end() || !list->is_array()) return;
    for (const Json& entry : *list) {
      if (!entry.is_object()) continue;
      const auto transmitter = Number(entry, "transmitter"), receiver = Number(entry, "receiver");
      if (!transmitter || !receiver) continue;  // to or from the coordinator
      take(entry, &links[{static_cast<int>(*transmitter), static_cast<int>(*receiver)}]);
    }
  };
  each("message_bytes", [](const Json& entry, LinkBytes* link) {
    link->by_kind[Text(entry, "kind")] += Number(entry, "bytes").value_or(0);
  });
  each("wire_bytes", [](const Json& entry, LinkBytes* link) {
    link->wire = link->wire.value_or(0) + Number(entry, "sent").value_or(0) +
                 Number(entry, "received").value_or(0);
  });
  return links;
}

std::string BytesText(const Json& summary) {
  const auto links = CollectBytes(summary);
  if (links.empty()) return "";
  std::vector<Table::Column> columns = {{"transmitter"}, {"receiver"}};
  for (const char* kind : kKinds) columns.push_back({kind, Align::kRight});
  columns.push_back({"wire", Align::kRight});
  Table table(columns);
  for (const auto& [pair, link] : links) {
    std::vector<std::string> row = {absl::StrCat(pair.first), absl::StrCat(pair.second)};
    for (const char* kind : kKinds) {
      const auto found = link.by_kind.find(kind);
      row.push_back(found != link.by_kind.end() ? FormatBytes(found->second) : "-");
    }
    row.push_back(link.wire.has_value() ? FormatBytes(*link.wire) : "-");
    table.AddRow(std::move(row));
  }
  return absl::StrCat("\nBytes of messages, both directions, and what TCP made of them:\n",
                      table.ToString());
}

}  // namespace

absl::StatusOr<Json> ReadJsonFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Json json = Json::parse(text, nullptr, false);
  if (json.is_object()) return json;
  return absl::DataLossError(absl::StrCat(path, ": not a JSON object"));
}

std::string SummaryText(const Scenario& scenario, const Json& summary) {
  const std::optional<double> windows = Number(summary, "windows");
  const std::string what =
      windows == 0 ? "evaluation only" : absl::StrCat(Fixed(windows, 0), " training windows");
  const std::string head =
      absl::StrCat(scenario.name, ": seed ", scenario.seed, ", ", what, ", median ",
                   Fixed(Number(summary, "seconds_per_window"), 3), " s per window\n\n");
  return absl::StrCat(head, QualityText(scenario, summary), "\nN-CE      ",
                      Fixed(Number(summary, "nce"), 3), " nats, sum over the tasks\n",
                      RateText(scenario, summary), LinksText(scenario, summary),
                      BytesText(summary));
}

std::string InferenceText(const Json& infer) {
  Table table({{"receiver"},
               {"task"},
               {"samples", Align::kRight},
               {"accuracy", Align::kRight},
               {"samples/s", Align::kRight},
               {"p50, us", Align::kRight},
               {"p90, us", Align::kRight},
               {"p99, us", Align::kRight}});
  const auto receivers = infer.find("receivers");
  int number = 0;
  for (const Json& receiver : receivers != infer.end() ? *receivers : Json::array()) {
    if (!receiver.is_object()) continue;
    const auto latency = receiver.find("latency_us");
    const Json times =
        latency != receiver.end() && latency->is_object() ? *latency : Json::object();
    const std::optional<double> samples = Number(receiver, "samples");
    const std::optional<double> correct = Number(receiver, "correct");
    const bool scored = samples.has_value() && *samples > 0 && correct.has_value();
    table.AddRow({absl::StrCat(++number), Text(receiver, "task"), Fixed(samples, 0),
                  scored ? FormatPercent(*correct / *samples) : "-",
                  Fixed(Number(receiver, "samples_per_second"), 0), Fixed(Number(times, "p50"), 0),
                  Fixed(Number(times, "p90"), 0), Fixed(Number(times, "p99"), 0)});
  }
  return absl::StrCat(table.ToString(),
                      "All receivers together: ", Fixed(Number(infer, "samples_per_second"), 0),
                      " samples per second, in requests of ", Fixed(Number(infer, "batch"), 0),
                      " with ", Fixed(Number(infer, "in_flight"), 0), " under way at once\n");
}

}  // namespace semlink::cli
