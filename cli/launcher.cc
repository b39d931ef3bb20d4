#include "cli/launcher.h"

#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/operator_channel.h"
#include "cli/port_file.h"
#include "common/base/errno_status.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "common/security/certificate_folder.h"
#include "common/security/identity.h"

namespace semlink::cli {
namespace {

constexpr char kHost[] = "127.0.0.1";
constexpr int kLogLines = 15;

// A job that its programs ended for these reasons ends for them too.
int ExitCodeOf(const ChildExit& child) {
  if (child.code() == kExitUsage) return kExitUsage;  // the job's arguments do not fit the run
  if (child.code() == kExitConnection) return kExitConnection;
  if (child.code() == kExitTimeout) return kExitTimeout;
  return kExitFailed;
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
      printer_(ProgressPrinter::OnStandardError(clock)),
      supervisor_(options_.supervision) {}

int Launcher::Run() {
  if (Prepare() && StartAll()) Watch();
  if (exit_ != kExitSuccess) children_.Stop(options_.kill_after, SIGTERM);
  return exit_;
}

bool Launcher::Prepare() {
  if (const absl::Status folder = CheckNewFolder(options_.out); !options_.resume && !folder.ok()) {
    return Fail(kExitUsage, std::string(folder.message()));
  }
  absl::Status status = CheckCertificates();
  if (!status.ok()) return Fail(kExitUsage, std::string(status.message()));
  status = MakeDirs(options_.out + "/logs");
  if (options_.resume) {
    std::error_code error;
    std::filesystem::remove(PortFile(options_.out), error);  // of the coordinator before
  } else if (status.ok()) {
    status = WriteFileAtomically(options_.out + "/scenario.yaml", EmitScenario(options_.scenario));
  }
  if (!status.ok()) return Fail(kExitFailed, std::string(status.message()));
  if (status = PrepareCertificates(); !status.ok()) {
    return Fail(kExitUsage, std::string(status.message()));
  }
  absl::StatusOr<std::unique_ptr<SignalWaiter>> signals = SignalWaiter::Create();
  if (!signals.ok()) return Fail(kExitFailed, std::string(signals.status().message()));
  signals_ = *std::move(signals);
  return true;
}

std::vector<std::string> Launcher::JobArguments() const {
  std::vector<std::string> arguments = {
      "--scenario", options_.out + "/scenario.yaml", "--out", options_.out, "--job", options_.job};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  return arguments;
}

// Before anything is written, so that the same --out can be used once the mistake is mended.
absl::Status Launcher::CheckCertificates() const {
  if (options_.tls.empty() || options_.inproc || options_.tls == kNewCertificates) {
    return absl::OkStatus();
  }
  for (const NodeId& node : security::NodesOf(options_.scenario.K(), options_.scenario.T())) {
    RETURN_IF_ERROR(security::LoadIdentity(security::FilesOf(options_.tls, node)).status());
  }
  return absl::OkStatus();
}

absl::Status Launcher::PrepareCertificates() {
  if (options_.tls.empty() || options_.inproc || options_.resume) return absl::OkStatus();
  const std::string certs = CertificateFolder(options_.out);
  security::CertificateFolderOptions folder;
  folder.dir = certs;
  folder.nodes = security::NodesOf(options_.scenario.K(), options_.scenario.T());
  if (options_.tls == kNewCertificates) {
    return security::MakeCertificates(folder, clock_->WallTime()).status();
  }
  std::error_code error;
  const std::filesystem::path dir = std::filesystem::absolute(options_.tls, error);
  std::filesystem::create_directory_symlink(dir.lexically_normal(), certs, error);
  if (error) return ErrnoStatus(error.value(), "create", certs);
  return absl::OkStatus();
}

std::vector<std::string> Launcher::SecurityArguments() const {
  if (options_.tls.empty()) return {"--insecure"};
  return {"--tls", CertificateFolder(options_.out)};
}

std::vector<std::string> Launcher::CoordinatorArguments(bool resume, int port) const {
  std::vector<std::string> arguments = JobArguments();
  if (resume) {
    arguments = {"--resume", options_.out};
    arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  }
  const std::vector<std::string> security = SecurityArguments();
  arguments.insert(arguments.end(), security.begin(), security.end());
  for (const std::string& argument : {std::string("--listen"), absl::StrCat(kHost, ":", port),
                                      std::string("--port-file"), PortFile(options_.out)}) {
    arguments.push_back(argument);
  }
  return arguments;
}

bool Launcher::StartAll() {
  if (options_.inproc) return StartChild("inproc", "semlink-inproc", JobArguments());
  const std::vector<std::string> security = SecurityArguments();
  if (!StartChild("coordinator", "semlink-coordinator",
                  CoordinatorArguments(options_.resume, options_.port)) ||
      !WaitForPort(&address_)) {
    return false;
  }
  const auto start_node = [&](const std::string& role, int number) {
    std::vector<std::string> node = {"--coordinator", address_,
                                     "--index",       absl::StrCat(number),
                                     "--state",       options_.out + "/checkpoints"};
    node.insert(node.end(), security.begin(), security.end());
    return StartChild(absl::StrCat(role, number), "semlink-" + role, std::move(node));
  };
  for (int k = 1; k <= options_.scenario.K(); ++k) {
    if (!start_node("transmitter", k)) return false;
  }
  for (int t = 1; t <= options_.scenario.T(); ++t) {
    if (!start_node("receiver", t)) return false;
  }
  return true;
}

bool Launcher::StartChild(const std::string& name, const std::string& program,
                          std::vector<std::string> arguments) {
  const absl::StatusOr<std::string> path = FindProgram(program);
  if (!path.ok()) return Fail(kExitFailed, std::string(path.status().message()));
  arguments.insert(arguments.begin(), *path);
  // One thread per process: two spinning thread pools on two cores are far slower than one thread
  // each.
  ChildOptions& command = commands_[name];
  command = {name,
             std::move(arguments),
             absl::StrCat(options_.out, "/logs/", name, ".log"),
             {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"},
             options_.resume};
  const absl::Status started = children_.Start(command);
  if (!started.ok()) return Fail(kExitFailed, std::string(started.message()));
  supervisor_.Started(name, clock_->Now());
  return true;
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
    if (coordinator_ended_) return Fail(kExitFailed, "the coordinator ended before it had started");
  }
  return FailTimedOut(absl::StrCat("the coordinator did not open its port within ",
                                   absl::FormatDuration(options_.start_timeout)),
                      options_.out + "/logs/coordinator.log");
}

bool Launcher::Watch() {
  while (children_.running() > 0 || supervisor_.waiting()) {
    if (!Step(absl::Milliseconds(100))) return false;
    monitor_.Poll();
    if (!RestartDue()) return false;
    printer_.Show(ProgressLine(monitor_.progress()));
    if (!coordinator_ended_) continue;
    EndStragglers();
    if (children_.running() > 0 && clock_->Now() - coordinator_ended_at_ > options_.end_timeout) {
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
    if (!ChildEnded(child)) return false;
  }
  return true;
}

bool Launcher::ChildEnded(const ChildExit& child) {
  monitor_.Poll();
  if (child.ok()) {
    if (child.name == "coordinator") {
      coordinator_ended_ = true;
      coordinator_ended_at_ = clock_->Now();
      supervisor_.Stop();
    }
    return true;
  }
  // The run has its result; a node that was killed in its last moment changes nothing.
  if (coordinator_ended_ && child.code() < 0) return true;
  if (!MayRestart(child) || !supervisor_.Died(child.name, clock_->Now())) {
    return ChildFailed(child);
  }
  const bool held = HeldDown(monitor_.progress(), clock_->WallTime()).count(child.name) > 0;
  if (held) held_.insert(child.name);
  Say(absl::StrCat(child.name, " ", child.Describe(),
                   held ? "; a fault keeps it down" : "; starting it again"));
  return true;
}

bool Launcher::MayRestart(const ChildExit& child) const {
  if (options_.inproc || coordinator_ended_ || address_.empty()) return false;
  // A coordinator that ends by itself has said why, and recorded it.
  if (child.name == "coordinator") return child.code() < 0 && CanResume();
  if (child.code() < 0) return true;
  // Before the start an error of a node is one of its data or its arguments.
  return monitor_.progress().started && child.code() != kExitUsage &&
         child.code() != kExitConnection;
}

bool Launcher::RestartDue() {
  const std::set<std::string> held = HeldDown(monitor_.progress(), clock_->WallTime());
  for (const std::string& name : supervisor_.TakeDue(clock_->Now(), held)) {
    ChildOptions command = commands_[name];
    command.append_log = true;
    if (name == "coordinator") {
      const int port = std::stoi(address_.substr(address_.rfind(':') + 1));
      const std::string program = command.argv[0];
      command.argv = CoordinatorArguments(true, port);
      command.argv.insert(command.argv.begin(), program);
    }
    const absl::Status started = children_.Start(command);
    if (!started.ok()) return Fail(kExitFailed, std::string(started.message()));
    supervisor_.Started(name, clock_->Now());
    if (held_.erase(name) > 0) Say(absl::StrCat("the fault is over: starting ", name, " again"));
  }
  return true;
}

void Launcher::EndStragglers() {
  // A node that was not connected when the run ended has not been told, and never will be.
  const std::set<std::string>& absent = monitor_.progress().absent;
  for (const std::string& name : children_.RunningNames()) {
    if (absent.count(name) == 0) continue;
    children_.SignalOne(name, SIGTERM);
    children_.SignalOne(name, SIGCONT);
  }
}

bool Launcher::CanResume() const {
  return !options_.inproc && options_.job == "train" && FileExists(options_.out + "/ledger.sqlite");
}

void Launcher::SayHowToResume() {
  if (!CanResume() || FileExists(options_.out + "/summary.json")) return;
  Say(absl::StrCat("`semlink run --resume ", options_.out, "` continues it"));
}

void Launcher::Say(const std::string& line) {
  printer_.Finish();
  std::fprintf(stderr, "semlink: %s\n", line.c_str());
}

bool Launcher::Interrupted(int signal) {
  printer_.Finish();
  std::fprintf(stderr, "semlink: interrupted, ending the nodes\n");
  // The coordinator first: it records why the run ends and tells the nodes. All at once, and it
  // would record the first node that was quicker as lost.
  children_.SignalOne(options_.inproc ? "inproc" : "coordinator", signal);
  children_.WaitAll(options_.kill_after / 2);
  children_.Stop(options_.kill_after, signal);
  SayHowToResume();
  exit_ = kExitInterrupted;
  return false;
}

bool Launcher::ChildFailed(ChildExit child) {
  // The others see the loss and may say more about it: leave them a moment. Before the start, a
  // node that ended with an error is what the coordinator ended for.
  const bool started = monitor_.progress().started;
  for (const ChildExit& other : children_.WaitAll(absl::Seconds(1))) {
    if (child.name == "coordinator" && !started && other.code() > 0) child = other;
  }
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
  SayHowToResume();
  exit_ = ExitCodeOf(child);
  return false;
}

bool Launcher::Fail(int code, const std::string& message) {
  printer_.Finish();
  std::fprintf(stderr, "semlink: %s\n", message.c_str());
  exit_ = code;
  return false;
}

bool Launcher::FailTimedOut(const std::string& message, const std::string& log_path) {
  Fail(kExitTimeout, message);
  const std::string tail = log_path.empty() ? "" : TailOfFile(log_path, kLogLines);
  if (!tail.empty()) std::fprintf(stderr, "end of %s:\n%s", log_path.c_str(), tail.c_str());
  return false;
}

}  // namespace semlink::cli
