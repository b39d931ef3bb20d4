#include "report/run_data.h"

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/scenario/document.h"
#include "report/json_depth.h"
#include "report/json_places.h"
#include "report/window_lines.h"

namespace semlink::report {
namespace {

// "training.beta" -> "0.001". A list of plain values is one text; other lists count from 1.
void Flatten(const YamlNode& node, const std::string& path,
             std::map<std::string, std::string>* values) {
  if (node.kind == YamlNode::Kind::kMap) {
    for (const YamlNode& item : node.items) {
      Flatten(item, path.empty() ? item.key : absl::StrCat(path, ".", item.key), values);
    }
    return;
  }
  if (node.kind != YamlNode::Kind::kList) {
    (*values)[path] = node.text;
    return;
  }
  std::vector<std::string> plain;
  for (size_t i = 0; i < node.items.size(); ++i) {
    const YamlNode& item = node.items[i];
    if (item.kind == YamlNode::Kind::kScalar) {
      plain.push_back(item.text);
    } else {
      Flatten(item, absl::StrCat(path, ".", i + 1), values);
    }
  }
  if (plain.size() == node.items.size()) (*values)[path] = absl::StrJoin(plain, ", ");
}

absl::Status ReadScenario(RunData* run) {
  const std::string file = run->path + "/scenario.yaml";
  if (!FileExists(file)) {
    return absl::NotFoundError(
        absl::StrCat(run->path, " is no run folder: it has no scenario.yaml"));
  }
  ASSIGN_OR_RETURN(run->scenario_text, ReadFile(file));
  if (run->scenario_text.size() > kMaxScenarioBytes) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": larger than any scenario"));
  }
  ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(run->scenario_text, file, true));
  Flatten(root, "", &run->scenario);
  const YamlNode* transmitters = root.Find("transmitters");
  const YamlNode* receivers = root.Find("receivers");
  if (transmitters == nullptr || receivers == nullptr || transmitters->items.empty() ||
      receivers->items.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": found no transmitters or no receivers; expected a resolved scenario"));
  }
  for (const YamlNode& transmitter : transmitters->items) {
    std::vector<std::string> kinds;
    const YamlNode* list = transmitter.Find("modalities");
    if (list != nullptr) {
      for (const YamlNode& kind : list->items) kinds.push_back(kind.text);
    }
    run->modalities.push_back(std::move(kinds));
  }
  for (const YamlNode& receiver : receivers->items) {
    const YamlNode* task = receiver.Find("task");
    run->tasks.push_back(task != nullptr ? task->text : "?");
  }
  return absl::OkStatus();
}

// The text of a file of the run, or a problem.
std::optional<std::string> ReadOrSay(const char* file, const char* without, RunData* run) {
  absl::StatusOr<std::string> text = ReadFile(absl::StrCat(run->path, "/", file));
  if (text.ok()) return *std::move(text);
  run->problems.push_back({run->Place(file, 0), absl::IsNotFound(text.status())
                                                    ? absl::StrCat("is not there: ", without)
                                                    : std::string(text.status().message())});
  return std::nullopt;
}

// null if it is not there or no object, which becomes a problem.
Json ReadObject(const char* file, const char* without, std::map<std::string, int>* places,
                RunData* run) {
  const std::optional<std::string> text = ReadOrSay(file, without, run);
  if (!text.has_value()) return nullptr;
  if (TooDeep(*text)) {
    run->problems.push_back({run->Place(file, 0), absl::StrCat("is nested more than ",
                                                               kMaxJsonDepth, " deep: ", without)});
    return nullptr;
  }
  Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    run->problems.push_back({run->Place(file, 0), absl::StrCat("found no JSON object: ", without)});
    return nullptr;
  }
  if (places != nullptr) *places = JsonPlaces(*text);
  return json;
}

// A run ends with "finished" or "failed"; one that was continued after a failure is what came last.
void FindState(RunData* run) {
  for (const Event& event : run->events) {
    if (event.name == "finished") run->state = RunState::kFinished;
    if (event.name == "resumed") run->state = RunState::kUnfinished;
    if (event.name != "failed") continue;
    run->state = RunState::kFailed;
    const auto reason = event.fields.find("reason");
    run->failure = reason != event.fields.end() && reason->is_string() ? reason->get<std::string>()
                                                                       : "no reason given";
  }
  if (run->summary.is_object()) run->state = RunState::kFinished;  // written whole, at the end
}

void CheckComplete(RunData* run) {
  if (run->state == RunState::kFinished) {
    const std::optional<Figure> windows = run->Summary("/windows");
    if (windows.has_value() && windows->value != static_cast<double>(run->windows.size())) {
      run->problems.push_back(
          {run->Place("metrics.jsonl", 0),
           absl::StrCat("has ", run->windows.size(), " usable windows of the ", windows->value,
                        " in summary.json: the curves have gaps")});
    }
    return;
  }
  const std::string last = run->windows.empty()
                               ? "before its first window"
                               : absl::StrCat("at window ", run->windows.back().window, " of ",
                                              run->Value("training.windows"));
  run->problems.push_back(
      {run->name, run->state == RunState::kFailed
                      ? absl::StrCat("failed ", last, ": ", run->failure)
                      : absl::StrCat("is not finished: it is ", last,
                                     "; it is in the curves, not in the tables of results")});
}

}  // namespace

int RunData::J() const {
  int j = 0;
  for (const auto& kinds : modalities) j += static_cast<int>(kinds.size());
  return j;
}

int RunData::Slot(int transmitter, int modality) const {
  int slot = modality;
  for (int k = 0; k < transmitter; ++k) slot += static_cast<int>(modalities[k].size());
  return slot;
}

std::string RunData::Value(const std::string& key) const {
  const auto found = scenario.find(key);
  return found != scenario.end() ? found->second : "";
}

double RunData::Number(const std::string& key, double otherwise) const {
  double number = 0;
  return absl::SimpleAtod(Value(key), &number) ? number : otherwise;
}

std::optional<Figure> RunData::Summary(const std::string& pointer) const {
  const auto place = summary_places.find(pointer);
  if (place == summary_places.end()) return std::nullopt;
  const Json::json_pointer at(pointer);
  if (!summary.contains(at) || !summary.at(at).is_number()) return std::nullopt;
  const Json& value = summary.at(at);
  return Figure{value.get<double>(),
                absl::StrCat(Place("summary.json", place->second), " ", pointer)};
}

absl::Time RunData::Start() const {
  for (const Event& event : events) {
    if (event.name == "training_started") return event.time;
  }
  return events.empty() ? absl::UnixEpoch() : events.front().time;
}

std::string RunData::Place(const std::string& file, int line) const {
  return line > 0 ? absl::StrCat(name, "/", file, ":", line) : absl::StrCat(name, "/", file);
}

absl::StatusOr<RunData> ReadRun(const std::string& path, const std::string& name) {
  RunData run;
  run.path = path;
  run.name = name;
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": there is no such run folder"));
  }
  RETURN_IF_ERROR(ReadScenario(&run));
  if (const auto text = ReadOrSay("metrics.jsonl", "no curves of this run", &run)) {
    ReadWindows(*text, &run);
  }
  if (const auto text = ReadOrSay("events.jsonl", "no faults of this run on a time line", &run)) {
    ReadEvents(*text, &run);
  }
  run.environment = ReadObject("env.json", "nothing is known of its machine", nullptr, &run);
  run.summary =
      ReadObject("summary.json", "no results of this run in the tables", &run.summary_places, &run);
  FindState(&run);
  CheckComplete(&run);
  return run;
}

std::vector<std::string> RunNames(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  std::multiset<std::string> seen;
  for (const std::string& path : paths) {
    std::filesystem::path p = std::filesystem::path(path).lexically_normal();
    if (!p.has_filename()) p = p.parent_path();
    const std::string last = p.filename().string();
    names.push_back(last.empty() || last == "." ? path : last);
    seen.insert(names.back());
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (seen.count(names[i]) > 1) names[i] = paths[i];
  }
  return names;
}

}  // namespace semlink::report
