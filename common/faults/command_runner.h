// Other programs, run without a shell.
#ifndef SEMLINK_COMMON_FAULTS_COMMAND_RUNNER_H_
#define SEMLINK_COMMON_FAULTS_COMMAND_RUNNER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semlink {

struct Command {
  std::vector<std::string> words;  // words[0]: the program's name
  std::string input;               // what it reads from standard input

  bool operator==(const Command& other) const {
    return words == other.words && input == other.input;
  }
};

// As one would type it into a shell.
std::string CommandText(const Command& command);

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  // Runs the command to its end and gives what it wrote to standard output. NOT_FOUND: it is not
  // installed. PERMISSION_DENIED: the kernel did not let it. DEADLINE_EXCEEDED: it took too long
  // and was killed. FAILED_PRECONDITION: it failed otherwise. The messages have what it wrote to
  // standard error.
  virtual absl::StatusOr<std::string> Run(const Command& command) = 0;
};

// Looks for programs in the system's own folders, whatever PATH says, and runs them with an
// environment of its own.
class ProgramRunner : public CommandRunner {
 public:
  explicit ProgramRunner(absl::Duration timeout = absl::Seconds(5)) : timeout_(timeout) {}
  absl::StatusOr<std::string> Run(const Command& command) override;

 private:
  const absl::Duration timeout_;
};

// "/usr/sbin/tc", or "" if it is not installed.
std::string FindSystemProgram(const std::string& name);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_COMMAND_RUNNER_H_
