#include "cli/run_monitor.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/table.h"
#include "common/base/json.h"

namespace semlink::cli {
namespace {

constexpr size_t kRecentWindows = 20;

// Fields that are missing or of another type count as absent: the monitor shows less, and never
// fails a run.
double NumberAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

uint64_t CountAt(const Json& json, const char* key) {
  const double value = NumberAt(json, key);
  return value > 0 && value < 1e18 ? static_cast<uint64_t>(value) : 0;
}

std::string TextAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<double> NumbersAt(const Json& json, const char* key) {
  std::vector<double> numbers;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return numbers;
  for (const Json& value : *found) numbers.push_back(value.is_number() ? value.get<double>() : 0);
  return numbers;
}

std::vector<std::string> TextsAt(const Json& json, const char* key) {
  std::vector<std::string> texts;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return texts;
  for (const Json& value : *found) {
    if (value.is_string()) texts.push_back(value.get<std::string>());
  }
  return texts;
}

// Adds share * values; a list of another length replaces the sum.
void AddShare(const std::vector<double>& values, double share, std::vector<double>* sum) {
  if (sum->size() != values.size()) sum->assign(values.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) (*sum)[i] += share * values[i];
}

std::string JoinNumbers(const std::vector<double>& values, int digits, double factor) {
  return absl::StrJoin(values, " ", [&](std::string* out, double value) {
    absl::StrAppend(out, absl::StrFormat("%.*f", digits, factor * value));
  });
}

}  // namespace

std::vector<std::string> LineFollower::ReadNew() {
  std::vector<std::string> lines;
  std::ifstream file(path_, std::ios::binary);
  if (!file.is_open()) return lines;
  file.seekg(offset_);
  std::string rest;  // begun, but not ended: read again, as a resumed coordinator cuts it off
  char buffer[65536];
  while (file.read(buffer, sizeof(buffer)) || file.gcount() > 0) {
    const std::streamsize got = file.gcount();
    offset_ += got;
    for (std::streamsize i = 0; i < got; ++i) {
      if (buffer[i] != '\n') {
        rest += buffer[i];
        continue;
      }
      lines.push_back(std::move(rest));
      rest.clear();
    }
  }
  offset_ -= static_cast<int64_t>(rest.size());
  return lines;
}

RunMonitor::RunMonitor(const std::string& run_folder)
    : metrics_(run_folder + "/metrics.jsonl"), events_(run_folder + "/events.jsonl") {}

void RunMonitor::Poll() {
  for (const std::string& line : events_.ReadNew()) TakeEvent(line);
  const std::vector<std::string> lines = metrics_.ReadNew();
  for (const std::string& line : lines) TakeMetrics(line);
  if (!lines.empty()) UpdateMeans();
}

void RunMonitor::TakeMetrics(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) {
    ++progress_.unreadable_lines;
    return;
  }
  if (TextAt(json, "kind") != "train") return;
  ++progress_.windows;
  recent_.push_back({NumberAt(json, "seconds"), NumberAt(json, "rate_nats"),
                     NumbersAt(json, "loss"), NumbersAt(json, "accuracy"),
                     NumbersAt(json, "links")});
  if (recent_.size() > kRecentWindows) recent_.pop_front();
}

void RunMonitor::UpdateMeans() {
  if (recent_.empty()) return;
  progress_.seconds_per_window = progress_.rate_nats = 0;
  progress_.loss.clear();
  progress_.accuracy.clear();
  progress_.links.clear();
  const double share = 1.0 / static_cast<double>(recent_.size());
  for (const Window& window : recent_) {
    progress_.seconds_per_window += share * window.seconds;
    progress_.rate_nats += share * window.rate_nats;
    AddShare(window.loss, share, &progress_.loss);
    AddShare(window.accuracy, share, &progress_.accuracy);
    AddShare(window.links, share, &progress_.links);
  }
}

void RunMonitor::TakeFault(const Json& event) {
  const uint64_t id = CountAt(event, "id");
  if (TextAt(event, "event") == "fault_ended") {
    progress_.holds.erase(id);
    return;
  }
  if (TextAt(event, "kind") != "kill") return;
  Hold hold;
  for (const std::string& node : TextsAt(event, "nodes")) hold.nodes.insert(node);
  const double seconds = NumberAt(event, "seconds");
  absl::Time began;
  std::string error;
  hold.until = absl::InfiniteFuture();
  if (seconds > 0 && absl::ParseTime(absl::RFC3339_full, TextAt(event, "time"), &began, &error)) {
    hold.until = began + absl::Seconds(seconds);
  }
  progress_.holds[id] = std::move(hold);
}

void RunMonitor::TakeEvent(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) {
    ++progress_.unreadable_lines;
    return;
  }
  const std::string event = TextAt(json, "event");
  if (event == "fault_began" || event == "fault_ended") return TakeFault(json);
  const bool phase =
      event == "training_started" || event == "evaluation_started" || event == "inference_started";
  progress_.started = progress_.started || phase;
  if (event == "resumed") {  // by a coordinator that waits for the nodes anew
    progress_.phase = "waiting";
    progress_.failure.clear();
    progress_.absent.clear();
    progress_.nodes_joined = 0;
  }
  if (event == "node_lost") {
    progress_.absent.insert(TextAt(json, "node"));
  } else if (event == "node_joined") {
    progress_.absent.erase(TextAt(json, "node"));
    ++progress_.nodes_joined;
    if (progress_.phase == "starting") progress_.phase = "waiting";
  } else if (event == "training_started") {
    progress_.phase = "training";
    progress_.windows_total = CountAt(json, "windows");
  } else if (event == "evaluation_started" || event == "evaluation_progress") {
    progress_.phase = "evaluating";
    progress_.evaluated = CountAt(json, "done");
    if (json.contains("total")) progress_.evaluated_total = CountAt(json, "total");
    if (json.contains("windows")) progress_.evaluated_total = CountAt(json, "windows");
  } else if (event == "inference_started") {
    progress_.phase = "inferring";
  } else if (event == "finished") {
    progress_.phase = "finished";
  } else if (event == "failed") {
    progress_.phase = "failed";
    progress_.started = false;
    progress_.failure = TextAt(json, "reason");
  }
}

std::set<std::string> HeldDown(const Progress& progress, absl::Time now) {
  std::set<std::string> held;
  for (const auto& [id, hold] : progress.holds) {
    for (const std::string& node : hold.nodes) {
      const bool limited = hold.until != absl::InfiniteFuture();
      if (node != "coordinator" || (limited && now < hold.until)) held.insert(node);
    }
  }
  return held;
}

std::string ProgressLine(const Progress& p) {
  if (p.phase == "starting") return "starting the nodes";
  if (p.phase == "waiting") return absl::StrCat("waiting for nodes, ", p.nodes_joined, " joined");
  std::string line = p.phase;
  if (p.phase == "training") {
    absl::StrAppend(&line, " ", p.windows, "/", p.windows_total, " windows");
    if (p.seconds_per_window > 0 && p.windows_total > p.windows) {
      const double left = static_cast<double>(p.windows_total - p.windows) * p.seconds_per_window;
      absl::StrAppend(&line, ", ", FormatTime(absl::Seconds(left)), " left");
    }
  }
  if (p.phase == "evaluating" && p.evaluated_total > 0) {
    absl::StrAppend(&line, " ", p.evaluated, "/", p.evaluated_total, " windows");
  }
  if (p.phase != "training" || p.loss.empty()) return line;
  absl::StrAppend(&line, " | loss ", JoinNumbers(p.loss, 2, 1), " nats | rate ",
                  absl::StrFormat("%.1f", p.rate_nats), " nats | links ",
                  JoinNumbers(p.links, 1, 1), " | accuracy ", JoinNumbers(p.accuracy, 0, 100),
                  " %");
  return line;
}

}  // namespace semlink::cli
