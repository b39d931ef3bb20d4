#include "cli/sweep_runner.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

constexpr absl::Duration kProgressInterval = absl::Seconds(1);
constexpr int kLogLines = 8;

// One thread per process: parallelism comes from the runs.
std::vector<std::string> Environment() { return {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"}; }

std::string LogPath(const std::string& out, const std::string& name) {
  return absl::StrCat(out, "/.sweep/logs/", name, ".log");
}

}  // namespace

std::vector<std::string> RunArguments(const SweepOptions& options, const SweepRun& run,
                                      bool resume) {
  const std::string folder = absl::StrCat(options.out, "/", run.name);
  if (resume) return {"run", "--resume", folder};
  std::vector<std::string> arguments = {"run", options.scenario, "--out", folder,
                                        absl::StrCat("--transport=", options.transport)};
  for (const std::string& value : run.overrides) {
    arguments.push_back("--set");
    arguments.push_back(value);
  }
  return arguments;
}

SweepRunner::SweepRunner(SweepOptions options, std::vector<PlannedRun> runs, Clock* clock)
    : options_(std::move(options)),
      runs_(std::move(runs)),
      clock_(clock),
      children_(clock),
      printer_(ProgressPrinter::OnStandardError(clock)),
      terminal_(isatty(STDERR_FILENO) != 0) {
  for (size_t i = 0; i < runs_.size(); ++i) {
    results_.push_back({runs_[i].run.name, SweepOutcome::kWaiting, ""});
    waiting_.push_back(i);
  }
}

int SweepRunner::Run() {
  absl::StatusOr<std::string> program = FindProgram("semlink");
  if (!program.ok()) return Complain(program.status(), kExitFailed);
  program_ = *program;
  if (const absl::Status made = MakeDirs(options_.out + "/.sweep/logs"); !made.ok()) {
    return Complain(made, kExitFailed);
  }
  absl::StatusOr<std::unique_ptr<SignalWaiter>> signals = SignalWaiter::Create();
  if (!signals.ok()) return Complain(signals.status(), kExitFailed);
  signals_ = *std::move(signals);
  for (;;) {
    while (static_cast<int>(active_.size()) < options_.jobs && StartNext()) {
    }
    if (active_.empty()) break;
    const int signal = signals_->Wait(kProgressInterval);
    if (SignalWaiter::IsRequestToEnd(signal)) {
      printer_.Finish();
      std::cerr << "semlink: interrupted; " << active_.size() << " runs are being ended\n";
      children_.Stop(options_.kill_after, SIGINT);
      std::cerr << "semlink: the same command goes on with this sweep\n";
      return kExitInterrupted;
    }
    Reap();
    ShowProgress();
  }
  printer_.Finish();
  return ExitCode();
}

// False if nothing is left to start.
bool SweepRunner::StartNext() {
  if (waiting_.empty()) return false;
  const size_t index = waiting_.front();
  waiting_.pop_front();
  const absl::Status started = Start(index);
  if (absl::IsUnavailable(started)) {
    Note(index, SweepOutcome::kElsewhere, "another semlink sweep works on it");
  } else if (!started.ok()) {
    Note(index, SweepOutcome::kFailed, std::string(started.message()));
  }
  return true;
}

absl::StatusOr<bool> SweepRunner::Prepare(size_t index, bool* finished) {
  ASSIGN_OR_RETURN(const SweepState state, StateOfRun(Folder(index), runs_[index].scenario));
  *finished = state == SweepState::kFinished;
  if (state == SweepState::kNew || *finished) return false;
  // A run in one process leaves no checkpoints to go on from.
  if (state == SweepState::kInterrupted && options_.transport == "grpc") return true;
  ASSIGN_OR_RETURN(const std::string aside, SetAside(options_.out, runs_[index].run.name));
  printer_.Finish();
  std::cerr << runs_[index].run.name << ": begins again; what was there is in " << aside << "\n";
  return false;
}

absl::Status SweepRunner::Start(size_t index) {
  const std::string& name = runs_[index].run.name;
  ASSIGN_OR_RETURN(std::unique_ptr<RunLock> lock, RunLock::Take(options_.out, name));
  bool finished = false;
  ASSIGN_OR_RETURN(const bool resume, Prepare(index, &finished));
  if (finished) {
    Note(index, SweepOutcome::kSkipped, ResultLine(Folder(index)));
    return absl::OkStatus();
  }
  ChildOptions child;
  child.name = name;
  child.argv = RunArguments(options_, runs_[index].run, resume);
  child.argv.insert(child.argv.begin(), program_);
  child.log_path = LogPath(options_.out, name);
  child.environment = Environment();
  child.append_log = true;
  RETURN_IF_ERROR(children_.Start(child));
  results_[index].outcome = SweepOutcome::kRunning;
  const int64_t first = resume ? LastWindow(Folder(index)).value_or(-1) + 1 : 0;
  active_.emplace(name, Active{index, std::move(lock), clock_->Now(), first});
  return absl::OkStatus();
}

void SweepRunner::Reap() {
  for (const ChildExit& child : children_.Reap()) Ended(child);
}

void SweepRunner::Ended(const ChildExit& child) {
  const auto found = active_.find(child.name);
  if (found == active_.end()) return;
  const size_t index = found->second.index;
  const std::string took = FormatTime(clock_->Now() - found->second.started);
  active_.erase(found);
  if (child.ok()) {
    Note(index, SweepOutcome::kFinished, absl::StrCat(ResultLine(Folder(index)), " (", took, ")"));
    return;
  }
  Note(index, SweepOutcome::kFailed, child.Describe());
  std::cerr << "  the end of " << child.log_path << ":\n" << TailOfFile(child.log_path, kLogLines);
}

// The one line of a run that has ended.
void SweepRunner::Note(size_t index, SweepOutcome outcome, const std::string& detail) {
  results_[index].outcome = outcome;
  results_[index].detail = detail;
  ++ended_;
  const char* const what = outcome == SweepOutcome::kFinished    ? ": finished: "
                           : outcome == SweepOutcome::kSkipped   ? ": was finished: "
                           : outcome == SweepOutcome::kElsewhere ? ": left: "
                                                                 : ": FAILED: ";
  printer_.Finish();
  std::cerr << "[" << ended_ << "/" << runs_.size() << "] " << results_[index].name << what
            << detail << std::endl;
}

std::string SweepRunner::ProgressOf(const Active& active) const {
  const int64_t windows = runs_[active.index].scenario.training.windows;
  const std::optional<int64_t> last = LastWindow(Folder(active.index));
  const std::string& name = runs_[active.index].run.name;
  if (!last.has_value()) return absl::StrCat(name, " starts");
  const int64_t done = *last + 1;
  if (done >= windows) return absl::StrCat(name, " evaluates");
  const int64_t here = done - active.first_window;
  std::string text = absl::StrCat(name, " ", done, "/", windows);
  if (here > 0) {
    const absl::Duration left = (clock_->Now() - active.started) * (windows - done) / here;
    absl::StrAppend(&text, ", ", FormatTime(left), " left");
  }
  return text;
}

void SweepRunner::ShowProgress() {
  if (!terminal_ || active_.empty()) return;
  std::vector<std::string> parts;
  for (const auto& [name, active] : active_) parts.push_back(ProgressOf(active));
  printer_.Show(absl::StrJoin(parts, "; "));
}

std::string SweepRunner::Folder(size_t index) const {
  return absl::StrCat(options_.out, "/", runs_[index].run.name);
}

int SweepRunner::ExitCode() const {
  const bool failed = std::any_of(results_.begin(), results_.end(), [](const SweepResult& result) {
    return result.outcome == SweepOutcome::kFailed;
  });
  return failed ? kExitFailed : kExitSuccess;
}

}  // namespace semlink::cli
