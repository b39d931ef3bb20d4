#include "common/faults/command_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/errno_status.h"

namespace semlink {
namespace {

constexpr size_t kMostOutput = 1 << 20;
constexpr size_t kMostErrors = 600;  // of standard error, in a message

// A file in memory: unlike a pipe it never blocks and never breaks.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }

  bool Fill(const std::string& text) const {
    size_t written = 0;
    while (written < text.size()) {
      const ssize_t n = write(fd_, text.data() + written, text.size() - written);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      written += static_cast<size_t>(n);
    }
    return lseek(fd_, 0, SEEK_SET) == 0;
  }

  std::string Read() const {
    std::string text(kMostOutput, '\0');
    size_t size = 0;
    while (size < text.size()) {
      const ssize_t n =
          pread(fd_, text.data() + size, text.size() - size, static_cast<off_t>(size));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      size += static_cast<size_t>(n);
    }
    text.resize(size);
    return text;
  }

 private:
  const int fd_;
};

// The program must neither inherit blocked signals nor get the terminal's Ctrl-C.
class SpawnSettings {
 public:
  SpawnSettings(int in, int out, int errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&usual, signal);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

absl::StatusOr<pid_t> Spawn(const std::string& path, const Command& command, int in, int out,
                            int errors) {
  std::vector<char*> arguments;
  for (const std::string& word : command.words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::string locale = "LC_ALL=C";
  std::string programs = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[] = {locale.data(), programs.data(), nullptr};
  const SpawnSettings settings(in, out, errors);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, path.c_str(), settings.actions(), settings.attributes(),
                                arguments.data(), environment);
  if (error != 0) return ErrnoStatus(error, "run", path);
  return pid;
}

// The wait status; DEADLINE_EXCEEDED after it was killed.
absl::StatusOr<int> Wait(pid_t pid, absl::Duration timeout) {
  RealClock clock;
  const absl::Duration deadline = clock.Now() + timeout;
  int status = 0;
  for (;;) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
    if (clock.Now() > deadline) break;
    absl::SleepFor(absl::Milliseconds(1));
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return absl::DeadlineExceededError(
      absl::StrCat("not done within ", absl::FormatDuration(timeout)));
}

// What is safe in any log and in JSON, on one line.
std::string OneLine(absl::string_view text) {
  std::string line(absl::StripAsciiWhitespace(text));
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
    if (c < 32 || c > 126) c = '?';
  }
  if (line.size() > kMostErrors) line.resize(kMostErrors);
  return line;
}

bool Plain(const std::string& word) {
  return !word.empty() && word.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                              "XYZ0123456789.,:/_+=%@-") == std::string::npos;
}

}  // namespace

std::string CommandText(const Command& command) {
  std::string text =
      absl::StrJoin(command.words, " ", [](std::string* out, const std::string& word) {
        absl::StrAppend(
            out, Plain(word) ? word
                             : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'"));
      });
  if (!command.input.empty()) absl::StrAppend(&text, " <<'END'\n", command.input, "END");
  return text;
}

std::string FindSystemProgram(const std::string& name) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"}) {
    std::string path = folder + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

absl::StatusOr<std::string> ProgramRunner::Run(const Command& command) {
  if (command.words.empty()) return absl::InvalidArgumentError("an empty command");
  const std::string& name = command.words[0];
  const std::string path = FindSystemProgram(name);
  if (path.empty()) return absl::NotFoundError(absl::StrCat(name, " is not installed"));
  const MemoryFile in("in"), out("out"), errors("errors");
  if (in.fd() < 0 || out.fd() < 0 || errors.fd() < 0 || !in.Fill(command.input)) {
    return ErrnoStatus(errno, "make files in memory for", name);
  }
  absl::StatusOr<pid_t> pid = Spawn(path, command, in.fd(), out.fd(), errors.fd());
  if (!pid.ok()) return pid.status();
  const absl::StatusOr<int> status = Wait(*pid, timeout_);
  if (!status.ok()) {
    return absl::Status(status.status().code(),
                        absl::StrCat(name, ": ", status.status().message()));
  }
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return out.Read();
  const std::string said = OneLine(errors.Read());
  const std::string message = absl::StrCat(absl::StrJoin(command.words, " "), ": ",
                                           said.empty() ? "failed and said nothing" : said);
  if (absl::StrContains(said, "not permitted") || absl::StrContains(said, "ermission denied")) {
    return absl::PermissionDeniedError(message);
  }
  return absl::FailedPreconditionError(message);
}

}  // namespace semlink
