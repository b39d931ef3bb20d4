#include "coordinator/progress_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace semlink::coordinator {
namespace {

std::string Percent(double share) { return absl::StrFormat("%.1f %%", 100 * share); }

double Number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

double Number(const Json& json, const char* key, size_t index) {
  const auto list = json.find(key);
  const bool there = list != json.end() && list->is_array() && index < list->size();
  return there && (*list)[index].is_number() ? (*list)[index].get<double>() : 0;
}

}  // namespace

std::string ProgressText(const Scenario& scenario, const RunStatus& status) {
  std::string text = absl::StrFormat("%s: window %d of %d, %.3f s per window", status.phase,
                                     status.window, status.windows, status.seconds_per_window);
  const size_t tasks = std::min(status.accuracy.size(), scenario.receivers.size());
  for (size_t t = 0; t < tasks; ++t) {
    absl::StrAppend(&text, t == 0 ? "; accuracy " : ", ", Name(scenario.receivers[t].task), " ",
                    Percent(status.accuracy[t]));
  }
  return text;
}

std::vector<std::string> SummaryLines(const Scenario& scenario, const Json& summary) {
  if (summary.find("accuracy") == summary.end()) return {};
  std::vector<std::string> lines = {absl::StrFormat(
      "%s, seed %d: %.0f training windows, median %.3f s per window", scenario.name, scenario.seed,
      Number(summary, "windows"), Number(summary, "seconds_per_window"))};
  for (size_t t = 0; t < scenario.receivers.size(); ++t) {
    lines.push_back(absl::StrFormat(
        "receiver%d, %s: accuracy %.2f ± %.2f %%, N-CE %.4f nats", t + 1,
        Name(scenario.receivers[t].task), 100 * Number(summary, "accuracy", t),
        100 * Number(summary, "accuracy_interval95", t), Number(summary, "nce_per_task", t)));
  }
  lines.push_back(absl::StrFormat(
      "sum-rate %.2f nats per sample, %.2f links per round; limits exceeded %.0f times",
      Number(summary, "rate_nats"), Number(summary, "links_mean"),
      Number(summary, "limits_exceeded")));
  if (const auto digest = summary.find("parameters_sha256"); digest != summary.end()) {
    lines.push_back(absl::StrCat("parameters ", digest->get<std::string>()));
  }
  return lines;
}

absl::Status LoggingNode::Tick() {
  const absl::Status status = node_->Tick();
  const absl::Duration now = clock_->Now();
  if (now - logged_at_ < every_) return status;
  const RunStatus run = board_.Read();
  if (run.window == logged_window_) return status;
  logged_at_ = now;
  logged_window_ = run.window;
  spdlog::info("{}", ProgressText(scenario_, run));
  return status;
}

}  // namespace semlink::coordinator
