#include "cli/sweep_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/process_group.h"
#include "cli/run_report.h"
#include "common/base/errno_status.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"

namespace semlink::cli {

absl::StatusOr<SweepState> StateOfRun(const std::string& folder, const Scenario& scenario) {
  std::error_code error;
  if (!std::filesystem::exists(folder, error) || std::filesystem::is_empty(folder, error)) {
    return SweepState::kNew;
  }
  const std::string file = folder + "/scenario.yaml";
  if (!FileExists(file)) return SweepState::kUnusable;
  const absl::StatusOr<Scenario> there = ReadScenarioFile(file);
  if (!there.ok() || EmitScenario(*there) != EmitScenario(scenario)) {
    return absl::FailedPreconditionError(absl::StrCat(
        folder,
        ": holds a run of another scenario than the grid's; name another --out, or remove "
        "it",
        there.ok() ? "" : absl::StrCat(" (", there.status().message(), ")")));
  }
  if (FileExists(folder + "/summary.json")) return SweepState::kFinished;
  return FileExists(folder + "/ledger.sqlite") ? SweepState::kInterrupted : SweepState::kUnusable;
}

absl::Status SetAside(const std::string& out, const std::string& name) {
  const std::string aside = out + "/.sweep/stopped";
  RETURN_IF_ERROR(MakeDirs(aside));
  std::string target;
  std::error_code error;
  for (int number = 1; target.empty() || std::filesystem::exists(target, error); ++number) {
    target = absl::StrCat(aside, "/", name, "-", number);
  }
  std::filesystem::rename(absl::StrCat(out, "/", name), target, error);
  if (error) {
    return absl::UnknownError(
        absl::StrCat("can't move ", out, "/", name, " to ", target, ": ", error.message()));
  }
  return absl::OkStatus();
}

std::optional<int64_t> LastWindow(const std::string& folder) {
  const std::string last = TailOfFile(folder + "/metrics.jsonl", 2);
  // Of two lines the last may not be whole; TailOfFile indents each.
  std::optional<int64_t> window;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(last, '\n'))) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("window") && json["window"].is_number_integer()) {
      window = json["window"].get<int64_t>();
    }
  }
  return window;
}

std::string ResultLine(const std::string& folder) {
  const absl::StatusOr<Json> summary = ReadJsonFile(folder + "/summary.json");
  if (!summary.ok()) return "";
  std::vector<std::string> parts, accuracies;
  const auto list = summary->find("accuracy");
  if (list != summary->end() && list->is_array()) {
    for (const Json& accuracy : *list) {
      accuracies.push_back(
          accuracy.is_number() ? absl::StrFormat("%.2f", 100 * accuracy.get<double>()) : "-");
    }
    parts.push_back(absl::StrCat("accuracy ", absl::StrJoin(accuracies, " "), " %"));
  }
  const auto number = [&](const char* key, const char* before, int digits, const char* after) {
    const auto found = summary->find(key);
    if (found == summary->end() || !found->is_number()) return;
    parts.push_back(absl::StrFormat("%s%.*f%s", before, digits, found->get<double>(), after));
  };
  number("score", "score ", 4, " nats");
  number("nce", "N-CE ", 3, "");
  number("rate_nats", "", 1, " nats");
  number("links_mean", "", 1, " links");
  return absl::StrJoin(parts, ", ");
}

absl::StatusOr<std::unique_ptr<RunLock>> RunLock::Take(const std::string& out,
                                                       const std::string& name) {
  const std::string folder = out + "/.sweep/locks", path = absl::StrCat(folder, "/", name);
  RETURN_IF_ERROR(MakeDirs(folder));
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    if (error != EWOULDBLOCK) return ErrnoStatus(error, "lock", path);
    return absl::UnavailableError(absl::StrCat(name, ": another semlink sweep works on it"));
  }
  return std::unique_ptr<RunLock>(new RunLock(fd));
}

RunLock::~RunLock() { close(fd_); }

}  // namespace semlink::cli
