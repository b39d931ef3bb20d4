// What the programs exit with.
#ifndef SEMLINK_COMMON_NODE_EXIT_CODE_H_
#define SEMLINK_COMMON_NODE_EXIT_CODE_H_

#include "absl/status/status.h"

namespace semlink {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailed = 1;      // the run failed
inline constexpr int kExitUsage = 2;       // wrong usage or an invalid scenario
inline constexpr int kExitConnection = 3;  // connection or authentication
inline constexpr int kExitTimeout = 4;
inline constexpr int kExitInterrupted = 130;  // by Ctrl-C, or a run that was cancelled

// For the end of --help.
inline constexpr char kExitCodeHelp[] =
    "Exit codes: 0 success, 1 the run failed, 2 wrong usage or invalid scenario,\n"
    "            3 connection or authentication, 4 timeout, 130 interrupted.";

// UNAVAILABLE, UNAUTHENTICATED, PERMISSION_DENIED: connection. DEADLINE_EXCEEDED: timeout.
// INVALID_ARGUMENT: usage. CANCELLED: interrupted. Every other error: failed.
int ExitCode(const absl::Status& status);

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_EXIT_CODE_H_
