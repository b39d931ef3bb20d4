#include <utility>

#include "absl/strings/str_cat.h"
#include "report/results.h"

namespace semlink::report {
namespace {

const char* StateName(RunState state) {
  switch (state) {
    case RunState::kFinished:
      return "finished";
    case RunState::kFailed:
      return "failed";
    case RunState::kUnfinished:
      break;
  }
  return "not finished";
}

Row RunRow(const Group& group, const RunData& run) {
  const auto text = [&](const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>()
                                                                         : std::string("-");
  };
  Row row;
  row.head = run.name;
  row.cells.push_back(TextCell(group.label));
  row.cells.push_back(TextCell(run.Seed()));
  row.cells.push_back(TextCell(StateName(run.state)));
  Cell windows = TextCell(absl::StrCat(run.windows.size(), " of ", run.Value("training.windows")));
  windows.value = static_cast<double>(run.windows.size());
  windows.source = run.Place("metrics.jsonl", 0);
  row.cells.push_back(windows);
  row.cells.push_back(TextCell(
      run.events.empty()
          ? "-"
          : absl::FormatTime("%Y-%m-%d %H:%M", run.events.front().time, absl::UTCTimeZone())));
  row.cells.push_back(TextCell(text(run.environment, "software")));
  row.cells.push_back(TextCell(text(run.summary, "parameters_sha256").substr(0, 12)));
  row.cells.push_back(TextCell(run.path));
  return row;
}

}  // namespace

ReportTable RunsTable(const std::vector<Group>& groups) {
  ReportTable table = EmptyTable("runs", "Runs", "run",
                                 {{"method", ""},
                                  {"seed", ""},
                                  {"state", ""},
                                  {"windows", ""},
                                  {"started", "UTC"},
                                  {"software", ""},
                                  {"parameters", ""},
                                  {"folder", ""}});
  table.note = "Parameters: the first 12 digits of their SHA-256.";
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) table.rows.push_back(RunRow(group, *run));
  }
  return table;
}

ReportTable SettingsTable(const std::vector<Group>& groups) {
  ReportTable table = EmptyTable("settings", "Settings", "method", {});
  const std::vector<std::string> keys = {"method.preset",
                                         "data.source",
                                         "limits.e_t",
                                         "limits.e_k",
                                         "training.beta",
                                         "training.gamma",
                                         "training.windows",
                                         "training.rounds_per_window",
                                         "training.batch_size",
                                         "training.learning_rate_codec",
                                         "training.learning_rate_selector",
                                         "common_randomness.source",
                                         "evaluation.cr_draws"};
  for (const std::string& key : keys) {
    const bool clear = key.find("source") == std::string::npos;  // two keys end so
    table.columns.push_back({clear ? key.substr(key.rfind('.') + 1) : key, ""});
  }
  for (const Group& group : groups) {
    Row row;
    row.head = group.label;
    for (const std::string& key : keys) {
      const std::string value = group.first().Value(key);
      row.cells.push_back(TextCell(value.empty() ? "-" : value));
    }
    table.rows.push_back(std::move(row));
  }
  table.note = "Every key with its value is in the scenario.yaml of each run.";
  return table;
}

}  // namespace semlink::report
