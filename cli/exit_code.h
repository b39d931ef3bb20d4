// What the `semlink` command and the daemons exit with.
#ifndef SEMLINK_CLI_EXIT_CODE_H_
#define SEMLINK_CLI_EXIT_CODE_H_

namespace semlink::cli {

enum ExitCode : int {
  kSuccess = 0,
  kRunFailed = 1,
  kUsage = 2,       // wrong usage or an invalid scenario
  kConnection = 3,  // connection or authentication
  kTimeout = 4,
  kInterrupted = 130,
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes: 0 success, 1 the run failed, 2 wrong usage or invalid scenario,\n"
    "            3 connection or authentication, 4 timeout, 130 interrupted.";

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_EXIT_CODE_H_
