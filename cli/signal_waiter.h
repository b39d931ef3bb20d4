// Signals as values to wait for, instead of handlers that run anywhere.
#ifndef SEMLINK_CLI_SIGNAL_WAITER_H_
#define SEMLINK_CLI_SIGNAL_WAITER_H_

#include <csignal>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace semlink::cli {

// While it lives, SIGINT, SIGTERM, SIGHUP and SIGCHLD of this thread are blocked and come out of
// Wait. Make it before any other thread is started. Children inherit the blocked set: ProcessGroup
// clears it for them.
class SignalWaiter {
 public:
  static absl::StatusOr<std::unique_ptr<SignalWaiter>> Create();
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // The next signal, or 0 if none comes within `timeout`.
  int Wait(absl::Duration timeout);

  // Whether the signal asks this program to end (SIGCHLD does not).
  static bool IsRequestToEnd(int signal) { return signal != 0 && signal != SIGCHLD; }

 private:
  SignalWaiter(int fd, const sigset_t& before) : fd_(fd), before_(before) {}

  int fd_;
  sigset_t before_;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SIGNAL_WAITER_H_
