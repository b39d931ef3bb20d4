#include "cli/launcher.h"

#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/port_file.h"
#include "common/base/file_system.h"
#include "common/scenario/reader.h"

namespace semlink::cli {
namespace {

constexpr char kHost[] = "127.0.0.1";
constexpr int kLogLines = 15;

// A job that its programs ended for these reasons ends for them too.
ExitCode ExitCodeOf(const ChildExit& child) {
  if (child.code() == kUsage) return kUsage;  // the job's arguments do not fit the run
  if (child.code() == kConnection) return kConnection;
  if (child.code() == kTimeout) return kTimeout;
  return kRunFailed;
}

}  // namespace

absl::Status CheckNewFolder(const std::string& dir) {
  std::error_code error;
  if (!std::filesystem::exists(dir, error)) return absl::OkStatus();
  if (!std::filesystem::is_directory(dir, error)) {
    return absl::InvalidArgumentError(absl::StrCat(dir, " is not a folder: choose another one"));
  }
  const bool empty = std::filesystem::is_empty(dir, error);
  if (!error && empty) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(dir, " is not empty: choose another folder, or delete it"));
}

std::string TimeStamp(absl::Time time) {
  return absl::FormatTime("%Y%m%d-%H%M%S", time, absl::LocalTimeZone());
}

Launcher::Launcher(LaunchOptions options, Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      children_(clock),
      monitor_(options_.out),
      printer_(ProgressPrinter::OnStandardError(clock)) {}

ExitCode Launcher::Run() {
  if (Prepare() && StartAll()) Watch();
  if (exit_ != kSuccess) children_.Stop(options_.kill_after, SIGTERM);
  return exit_;
}

bool Launcher::Prepare() {
  if (const absl::Status folder = CheckNewFolder(options_.out); !folder.ok()) {
    return Fail(kUsage, std::string(folder.message()));
  }
  absl::Status status = MakeDirs(options_.out + "/logs");
  if (status.ok()) {
    status = WriteFileAtomically(options_.out + "/scenario.yaml", EmitScenario(options_.scenario));
  }
  if (!status.ok()) return Fail(kRunFailed, std::string(status.message()));
  absl::StatusOr<std::unique_ptr<SignalWaiter>> signals = SignalWaiter::Create();
  if (!signals.ok()) return Fail(kRunFailed, std::string(signals.status().message()));
  signals_ = *std::move(signals);
  return true;
}

std::vector<std::string> Launcher::JobArguments() const {
  std::vector<std::string> arguments = {
      "--scenario", options_.out + "/scenario.yaml", "--out", options_.out, "--job", options_.job};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  return arguments;
}

bool Launcher::StartAll() {
  if (options_.inproc) return StartChild("inproc", "semlink-inproc", JobArguments());
  std::vector<std::string> arguments = JobArguments();
  for (const std::string& argument :
       {std::string("--listen"), absl::StrCat(kHost, ":", options_.port),
        std::string("--port-file"), PortFile(options_.out)}) {
    arguments.push_back(argument);
  }
  std::string address;
  if (!StartChild("coordinator", "semlink-coordinator", arguments)) return false;
  if (!WaitForPort(&address)) return false;
  for (int k = 1; k <= options_.scenario.K(); ++k) {
    if (!StartChild(absl::StrCat("transmitter", k), "semlink-transmitter",
                    {"--coordinator", address, "--index", absl::StrCat(k)})) {
      return false;
    }
  }
  for (int t = 1; t <= options_.scenario.T(); ++t) {
    if (!StartChild(absl::StrCat("receiver", t), "semlink-receiver",
                    {"--coordinator", address, "--index", absl::StrCat(t)})) {
      return false;
    }
  }
  return true;
}

bool Launcher::StartChild(const std::string& name, const std::string& program,
                          std::vector<std::string> arguments) {
  const absl::StatusOr<std::string> path = FindProgram(program);
  if (!path.ok()) return Fail(kRunFailed, std::string(path.status().message()));
  arguments.insert(arguments.begin(), *path);
  // One thread per process: two spinning thread pools on two cores are far slower than one thread
  // each.
  const absl::Status started = children_.Start({name,
                                                std::move(arguments),
                                                absl::StrCat(options_.out, "/logs/", name, ".log"),
                                                {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"}});
  return started.ok() || Fail(kRunFailed, std::string(started.message()));
}

bool Launcher::WaitForPort(std::string* address) {
  const absl::Duration deadline = clock_->Now() + options_.start_timeout;
  while (clock_->Now() < deadline) {
    const absl::StatusOr<std::string> found = ReadCoordinatorAddress(options_.out);
    if (found.ok()) {
      *address = *found;
      return true;
    }
    if (!Step(absl::Milliseconds(20))) return false;
    if (coordinator_ended_) return Fail(kRunFailed, "the coordinator ended before it had started");
  }
  return FailTimedOut(absl::StrCat("the coordinator did not open its port within ",
                                   absl::FormatDuration(options_.start_timeout)),
                      options_.out + "/logs/coordinator.log");
}

bool Launcher::Watch() {
  while (children_.running() > 0) {
    if (!Step(absl::Milliseconds(100))) return false;
    monitor_.Poll();
    printer_.Show(ProgressLine(monitor_.progress()));
    if (coordinator_ended_ && children_.running() > 0 &&
        clock_->Now() - coordinator_ended_at_ > options_.end_timeout) {
      return FailTimedOut(absl::StrCat(absl::StrJoin(children_.RunningNames(), ", "),
                                       " did not end after the coordinator had"),
                          "");
    }
  }
  monitor_.Poll();
  printer_.Show(ProgressLine(monitor_.progress()));
  printer_.Finish();
  return true;
}

bool Launcher::Step(absl::Duration wait) {
  const int signal = signals_->Wait(wait);
  if (SignalWaiter::IsRequestToEnd(signal)) return Interrupted(signal);
  for (const ChildExit& child : children_.Reap()) {
    if (!child.ok()) return ChildFailed(child);
    if (child.name == "coordinator") {
      coordinator_ended_ = true;
      coordinator_ended_at_ = clock_->Now();
    }
  }
  return true;
}

bool Launcher::Interrupted(int signal) {
  printer_.Finish();
  std::fprintf(stderr, "semlink: interrupted, ending the nodes\n");
  // The coordinator first: it records why the run ends and tells the nodes. All at once, and it
  // would record the first node that was quicker as lost.
  children_.SignalOne(options_.inproc ? "inproc" : "coordinator", signal);
  children_.WaitAll(options_.kill_after / 2);
  children_.Stop(options_.kill_after, signal);
  exit_ = kInterrupted;
  return false;
}

bool Launcher::ChildFailed(const ChildExit& child) {
  // The others see the loss and may say more about it: leave them a moment.
  children_.WaitAll(absl::Seconds(1));
  monitor_.Poll();
  printer_.Finish();
  children_.Stop(options_.kill_after, SIGTERM);
  std::fprintf(stderr, "semlink: the run failed: %s %s\n", child.name.c_str(),
               child.Describe().c_str());
  if (!monitor_.progress().failure.empty()) {
    std::fprintf(stderr, "the coordinator says: %s\n", monitor_.progress().failure.c_str());
  }
  const std::string tail = TailOfFile(child.log_path, kLogLines);
  std::fprintf(stderr, "%s%s:\n%s", tail.empty() ? "nothing in " : "end of ",
               child.log_path.c_str(), tail.c_str());
  exit_ = ExitCodeOf(child);
  return false;
}

bool Launcher::Fail(ExitCode code, const std::string& message) {
  printer_.Finish();
  std::fprintf(stderr, "semlink: %s\n", message.c_str());
  exit_ = code;
  return false;
}

bool Launcher::FailTimedOut(const std::string& message, const std::string& log_path) {
  Fail(kTimeout, message);
  const std::string tail = log_path.empty() ? "" : TailOfFile(log_path, kLogLines);
  if (!tail.empty()) std::fprintf(stderr, "end of %s:\n%s", log_path.c_str(), tail.c_str());
  return false;
}

}  // namespace semlink::cli
