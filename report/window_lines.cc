#include "report/window_lines.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "report/json_depth.h"
#include "report/statistics.h"

namespace semlink::report {
namespace {

constexpr size_t kMaxLineProblems = 20;     // of one file; the rest is counted
constexpr int64_t kMaxWindow = 10'000'000;  // a scenario has no more windows

double NumberOrNone(const Json& json) { return json.is_number() ? json.get<double>() : kNone; }

// One file of JSON lines: calls `take`, which returns what is wrong with the line ("" if nothing).
void EachLine(const std::string& text, const char* file,
              const std::function<std::string(const Json&, int)>& take, RunData* run) {
  size_t bad = 0;
  int line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    ++line;
    std::string wrong;
    if (end == std::string::npos) {
      wrong = "was not written whole; left out";
    } else if (TooDeep(absl::string_view(text).substr(begin, end - begin))) {
      wrong = absl::StrCat("is nested more than ", kMaxJsonDepth, " deep; left out");
    } else {
      const Json json = Json::parse(text.begin() + begin, text.begin() + end, nullptr, false);
      wrong = json.is_object() ? take(json, line) : "found no JSON object; left out";
    }
    if (!wrong.empty() && ++bad <= kMaxLineProblems) {
      run->problems.push_back({run->Place(file, line), wrong});
    }
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  if (bad > kMaxLineProblems) {
    run->problems.push_back(
        {run->Place(file, 0), absl::StrCat(bad - kMaxLineProblems, " more lines are left out")});
  }
}

std::vector<double> Numbers(const Json& list) {
  std::vector<double> numbers;
  for (const Json& entry : list) numbers.push_back(NumberOrNone(entry));
  return numbers;
}

// Index from 0 out of a number from 1, or -1 if it is none in 1..size.
int Index(const Json& entry, const char* key, int size) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_number_integer()) return -1;
  const int64_t number = found->get<int64_t>();
  return number >= 1 && number <= size ? static_cast<int>(number - 1) : -1;
}

double NumberAt(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found == entry.end() ? kNone : NumberOrNone(*found);
}

std::string TakeLinks(const Json& list, const RunData& run, WindowLine* line) {
  for (const Json& entry : list) {
    if (!entry.is_object()) return "/link: found an entry that is no object; the line is left out";
    LinkUse link;
    link.transmitter = Index(entry, "transmitter", run.K());
    link.receiver = Index(entry, "receiver", run.T());
    if (link.transmitter >= 0) {
      const auto& kinds = run.modalities[link.transmitter];
      link.modality = Index(entry, "modality", static_cast<int>(kinds.size()));
    }
    if (link.transmitter < 0 || link.receiver < 0 || link.modality < 0) {
      return "/link: found a link that the scenario does not have; the line is left out";
    }
    link.rounds = NumberAt(entry, "rounds");
    link.rate_nats = NumberAt(entry, "rate_nats");
    link.coded_bits = NumberAt(entry, "coded_bits");
    line->links.push_back(link);
  }
  return "";
}

// [receiver][transmitter][modality] -> [receiver][slot]; false if it has another shape.
bool TakeSelection(const Json& json, const RunData& run, WindowLine* line) {
  if (!json.is_array() || static_cast<int>(json.size()) != run.T()) return false;
  for (const Json& of_receiver : json) {
    std::vector<double> row;
    for (const Json& of_transmitter : of_receiver) {
      for (const Json& p : of_transmitter) row.push_back(NumberOrNone(p));
    }
    if (static_cast<int>(row.size()) != run.J()) return false;
    line->selection.push_back(std::move(row));
  }
  return true;
}

void SelectionFromGrants(const RunData& run, WindowLine* line) {
  const double rounds = run.Number("training.rounds_per_window", 0);
  if (rounds <= 0) return;
  line->selection_granted = true;
  line->selection.assign(run.T(), std::vector<double>(run.J(), 0.0));
  for (const LinkUse& link : line->links) {
    line->selection[link.receiver][run.Slot(link.transmitter, link.modality)] +=
        link.rounds / rounds;
  }
}

std::string TakeValue(const std::string& key, const Json& value, const RunData& run,
                      WindowLine* line) {
  if (key == "link" && value.is_array()) return TakeLinks(value, run, line);
  if (key == "selection_probability") {
    return TakeSelection(value, run, line)
               ? ""
               : "/selection_probability: not of the scenario's shape; the line is left out";
  }
  if (value.is_number()) line->scalars[key] = value.get<double>();
  if (!value.is_array()) return "";
  const bool numbers = std::all_of(value.begin(), value.end(), [](const Json& entry) {
    return entry.is_number() || entry.is_null();
  });
  if (!numbers) return "";
  if (static_cast<int>(value.size()) != run.T()) {
    return absl::StrCat("/", key, ": found ", value.size(), " values; expected ", run.T(),
                        ", one per receiver; the line is left out");
  }
  line->per_receiver[key] = Numbers(value);
  return "";
}

std::string TakeWindow(const Json& json, int number, RunData* run) {
  WindowLine line;
  line.line = number;
  const auto window = json.find("window");
  if (window == json.end() || !window->is_number_integer()) {
    return "/window: found no number; the line is left out";
  }
  line.window = window->get<int64_t>();
  if (line.window < 0 || line.window >= kMaxWindow) {
    return absl::StrCat("/window: found ", window->dump(), "; expected 0 to ", kMaxWindow - 1,
                        "; the line is left out");
  }
  if (!run->windows.empty() && line.window <= run->windows.back().window) {
    return absl::StrCat("/window: found ", line.window, " after ", run->windows.back().window,
                        "; the line is left out");
  }
  for (const auto& [key, value] : json.items()) {
    const std::string wrong = TakeValue(key, value, *run, &line);
    if (!wrong.empty()) return wrong;
  }
  if (line.selection.empty()) SelectionFromGrants(*run, &line);
  run->windows.push_back(std::move(line));
  return "";
}

std::string TakeEvent(const Json& json, int number, RunData* run) {
  Event event;
  event.line = number;
  const auto name = json.find("event"), time = json.find("time");
  if (name == json.end() || !name->is_string() || time == json.end() || !time->is_string()) {
    return "found no time or no event; left out";
  }
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, time->get<std::string>(), &event.time, &error)) {
    return absl::StrCat("/time: ", error, "; left out");
  }
  event.name = name->get<std::string>();
  event.fields = json;
  run->events.push_back(std::move(event));
  return "";
}

}  // namespace

void ReadWindows(const std::string& text, RunData* run) {
  EachLine(
      text, "metrics.jsonl",
      [run](const Json& json, int line) { return TakeWindow(json, line, run); }, run);
}

void ReadEvents(const std::string& text, RunData* run) {
  EachLine(
      text, "events.jsonl",
      [run](const Json& json, int line) { return TakeEvent(json, line, run); }, run);
}

}  // namespace semlink::report
