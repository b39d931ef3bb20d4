#include "cli/signal_waiter.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace semlink::cli {

absl::StatusOr<std::unique_ptr<SignalWaiter>> SignalWaiter::Create() {
  sigset_t wanted, before;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&wanted, signal);
  if (sigprocmask(SIG_BLOCK, &wanted, &before) != 0) {
    return absl::ErrnoToStatus(errno, "can't block signals");
  }
  const int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, "can't wait for signals");
  return std::unique_ptr<SignalWaiter>(new SignalWaiter(fd, before));
}

SignalWaiter::~SignalWaiter() {
  close(fd_);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalWaiter::Wait(absl::Duration timeout) {
  pollfd ready = {fd_, POLLIN, 0};
  const int64_t milliseconds = std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 0, 60'000);
  if (poll(&ready, 1, static_cast<int>(milliseconds)) <= 0) return 0;
  signalfd_siginfo info;
  if (read(fd_, &info, sizeof(info)) != sizeof(info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace semlink::cli
