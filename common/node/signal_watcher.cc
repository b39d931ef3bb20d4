#include "common/node/signal_watcher.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "common/node/exit_code.h"

namespace semlink {
namespace {

// A signal handler is told nothing but the number: these are the only mutable globals.
std::atomic<int> pipe_end{-1};
std::atomic<int> interrupts{0};

void OnSignal(int number) {
  if (number == SIGINT && interrupts.fetch_add(1) > 0) _exit(kExitInterrupted);
  const int saved_errno = errno;
  const char byte = static_cast<char>(number);
  // The pipe is empty but for earlier signals: this cannot fail while it is open.
  [[maybe_unused]] const ssize_t written = write(pipe_end.load(), &byte, 1);
  errno = saved_errno;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignalWatcher>> SignalWatcher::Create(
    std::function<void(int)> on_signal) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  int none = -1;
  if (!pipe_end.compare_exchange_strong(none, ends[1])) {
    close(ends[0]);
    close(ends[1]);
    return absl::FailedPreconditionError("signals are being watched already");
  }
  return std::unique_ptr<SignalWatcher>(new SignalWatcher(std::move(on_signal), ends[0], ends[1]));
}

SignalWatcher::SignalWatcher(std::function<void(int)> on_signal, int read_end, int write_end)
    : on_signal_(std::move(on_signal)), read_end_(read_end), write_end_(write_end) {
  interrupts = 0;
  thread_ = std::thread([this] { Run(); });
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

SignalWatcher::~SignalWatcher() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
  const char end = 0;
  [[maybe_unused]] const ssize_t written = write(write_end_, &end, 1);
  thread_.join();
  pipe_end = -1;
  close(write_end_);
  close(read_end_);
}

void SignalWatcher::Run() {
  while (true) {
    char number = 0;
    const ssize_t got = read(read_end_, &number, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1 || number == 0) return;
    on_signal_(number);
  }
}

}  // namespace semlink
