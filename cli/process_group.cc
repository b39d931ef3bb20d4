#include "cli/process_group.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace semlink::cli {
namespace {

std::vector<std::string> Environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& other : added) replaced = replaced || absl::StartsWith(other, name);
    if (!replaced) all.push_back(text);
  }
  return all;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Runs in the child between fork and exec: only calls that are safe there. Reports errno to
// `error_fd` and ends if it fails.
[[noreturn]] void Become(char* const* argv, char* const* environment, int log_fd, int error_fd,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null_fd = open("/dev/null", O_RDONLY);
  if (null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 && dup2(log_fd, STDOUT_FILENO) >= 0 &&
      dup2(log_fd, STDERR_FILENO) >= 0) {
    execve(argv[0], argv, environment);
  }
  const int error = errno;
  if (write(error_fd, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

}  // namespace

int ChildExit::code() const { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1; }

std::string ChildExit::Describe() const {
  if (WIFEXITED(wait_status)) return absl::StrCat("exited with code ", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return absl::StrCat("was ended by signal ", signal, " (", strsignal(signal), ")");
}

ProcessGroup::~ProcessGroup() { Stop(absl::Seconds(5), SIGTERM); }

absl::Status ProcessGroup::Start(const ChildOptions& options) {
  const int replace = options.append_log ? 0 : O_TRUNC;
  const int log_fd =
      open(options.log_path.c_str(), O_WRONLY | O_CREAT | replace | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't write ", options.log_path));
  }
  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) {
    const int error = errno;
    close(log_fd);
    return absl::ErrnoToStatus(error, absl::StrCat("can't start ", options.name));
  }
  const std::vector<std::string> environment = Environment(options.environment);
  const std::vector<char*> envp = Pointers(environment), argv = Pointers(options.argv);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(argv.data(), envp.data(), log_fd, error_pipe[1], parent);
  int error = pid < 0 ? errno : 0;
  close(log_fd);
  close(error_pipe[1]);
  // A successful exec closes the pipe and the read gives nothing.
  if (pid > 0 && read(error_pipe[0], &error, sizeof(error)) > 0) waitpid(pid, nullptr, 0);
  close(error_pipe[0]);
  if (error != 0) {
    return absl::ErrnoToStatus(error,
                               absl::StrCat("can't start ", options.name, ": ", options.argv[0]));
  }
  children_.push_back({pid, options.name, options.log_path});
  return absl::OkStatus();
}

std::vector<ChildExit> ProcessGroup::Reap() {
  std::vector<ChildExit> exits;
  std::vector<Child> still;
  for (Child& child : children_) {
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) == child.pid) {
      exits.push_back({child.name, child.log_path, status});
    } else {
      still.push_back(std::move(child));
    }
  }
  children_ = std::move(still);
  return exits;
}

std::vector<std::string> ProcessGroup::RunningNames() const {
  std::vector<std::string> names;
  for (const Child& child : children_) names.push_back(child.name);
  return names;
}

void ProcessGroup::Signal(int signal) {
  for (const Child& child : children_) kill(child.pid, signal);
}

void ProcessGroup::SignalOne(const std::string& name, int signal) {
  for (const Child& child : children_) {
    if (child.name == name) kill(child.pid, signal);
  }
}

std::vector<ChildExit> ProcessGroup::WaitAll(absl::Duration grace) {
  std::vector<ChildExit> exits = Reap();
  const absl::Duration deadline = clock_->Now() + grace;
  while (!children_.empty() && clock_->Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(10));
    for (ChildExit& exit : Reap()) exits.push_back(std::move(exit));
  }
  return exits;
}

std::vector<ChildExit> ProcessGroup::Stop(absl::Duration grace, int first_signal) {
  Signal(first_signal);
  Signal(SIGCONT);  // a paused child takes no other signal
  std::vector<ChildExit> exits = WaitAll(grace);
  if (children_.empty()) return exits;
  Signal(SIGKILL);
  for (ChildExit& exit : WaitAll(absl::InfiniteDuration())) exits.push_back(std::move(exit));
  return exits;
}

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  std::string folder = error ? "" : self.parent_path().string();
  if (!folder.empty() && access((folder + "/" + name).c_str(), X_OK) == 0) {
    return folder + "/" + name;
  }
  const char* path = std::getenv("PATH");
  for (const std::string& entry : std::vector<std::string>(
           absl::StrSplit(path != nullptr ? path : "", ':', absl::SkipEmpty()))) {
    const std::string candidate = entry + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::NotFoundError(
      absl::StrCat("can't find ", name, " beside semlink (", folder,
                   ") or in PATH; build it, or install all programs into one folder"));
}

std::string TailOfFile(const std::string& path, int lines) {
  constexpr std::streamoff kMaxBytes = 16384;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file.is_open()) return "";
  const std::streamoff size = file.tellg();
  file.seekg(size > kMaxBytes ? size - kMaxBytes : 0);
  std::string text(static_cast<size_t>(size > kMaxBytes ? kMaxBytes : size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::vector<std::string> all = absl::StrSplit(text, '\n');
  if (!all.empty() && all.back().empty()) all.pop_back();
  std::string out;
  const size_t wanted = static_cast<size_t>(lines);
  for (size_t i = all.size() > wanted ? all.size() - wanted : 0; i < all.size(); ++i) {
    absl::StrAppend(&out, "  ", all[i], "\n");
  }
  return out;
}

}  // namespace semlink::cli
