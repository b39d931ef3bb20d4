// The child processes of one run: started with a log file each, watched, and never left behind.
#ifndef SEMLINK_CLI_PROCESS_GROUP_H_
#define SEMLINK_CLI_PROCESS_GROUP_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace semlink::cli {

struct ChildOptions {
  std::string name;                      // "transmitter1"
  std::vector<std::string> argv;         // argv[0]: path of the program
  std::string log_path;                  // gets standard output and standard error
  std::vector<std::string> environment;  // "NAME=value", added to this process's own
  bool append_log = false;               // else a log that exists is replaced
};

struct ChildExit {
  std::string name;
  std::string log_path;
  int wait_status = 0;  // as from waitpid

  bool ok() const { return wait_status == 0; }
  // The exit code, or -1 if a signal ended it.
  int code() const;
  // "exited with code 3", "was ended by signal 9 (Killed)"
  std::string Describe() const;
};

// Each child runs in a process group of its own (the terminal's Ctrl-C reaches only this process,
// which passes it on), with standard input from /dev/null, and gets SIGTERM if this process dies.
// Not thread-safe.
class ProcessGroup {
 public:
  explicit ProcessGroup(Clock* clock) : clock_(clock) {}
  ~ProcessGroup();  // Stop(5 s)
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  // NOT_FOUND, PERMISSION_DENIED, ... if the log can't be written or the program can't be executed.
  absl::Status Start(const ChildOptions& options);

  // Children that ended since the last call, in the order in which they were started. Does not
  // wait.
  std::vector<ChildExit> Reap();

  size_t running() const { return children_.size(); }
  std::vector<std::string> RunningNames() const;

  // Sends the signal to every running child, or to the one of that name, if it is running.
  void Signal(int signal);
  void SignalOne(const std::string& name, int signal);

  // Waits up to `grace` for all to end by themselves.
  std::vector<ChildExit> WaitAll(absl::Duration grace);
  // `first_signal` to all, those that are stopped woken, then SIGKILL to those that are still there
  // after `grace`. All have ended when it returns.
  std::vector<ChildExit> Stop(absl::Duration grace, int first_signal);

 private:
  struct Child {
    pid_t pid;
    std::string name;
    std::string log_path;
  };

  Clock* clock_;
  std::vector<Child> children_;
};

// Path of a program: beside this process's own executable, else in PATH. NOT_FOUND names both
// places.
absl::StatusOr<std::string> FindProgram(const std::string& name);

// The last `lines` lines of a file, each indented by two spaces; "" if there are none.
std::string TailOfFile(const std::string& path, int lines);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_PROCESS_GROUP_H_
