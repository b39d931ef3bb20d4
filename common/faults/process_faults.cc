#include "common/faults/process_faults.h"

#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace semlink {
namespace {

constexpr int64_t kStepNs = 20'000'000;

// The child's whole life. The parent has other threads, whose locks may be held: system calls only.
[[noreturn]] void WakeParentLater(pid_t parent, int64_t steps) {
  // Else the parent's connections would outlive it while it is being waited for here.
  syscall(SYS_close_range, 0u, ~0u, 0u);
  const timespec step = {0, kStepNs};
  for (int64_t i = 0; getppid() == parent; ++i) {
    if (i >= steps) kill(parent, SIGCONT);  // again and again: it may not have stopped yet
    nanosleep(&step, nullptr);
  }
  _exit(0);
}

void Pause(double seconds) {
  pid_t child = -1;
  if (seconds > 0) {
    const pid_t parent = getpid();
    const auto steps = static_cast<int64_t>(std::min(seconds, 1e6) * 1e9 / kStepNs);
    child = _Fork();  // without the handlers that libraries have put around fork()
    if (child == 0) WakeParentLater(parent, steps);
    if (child < 0) {
      spdlog::error("not pausing: cannot make a child that would end it: {}", std::strerror(errno));
      return;
    }
  }
  raise(SIGSTOP);
  if (child > 0) {
    kill(child, SIGKILL);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

}  // namespace

void SufferNow(const v1::Suffer& suffer) {
  switch (suffer.kind()) {
    case v1::Fault::KILL:
    case v1::Fault::RESTART:
      spdlog::warn("fault: the coordinator wants this node killed");
      spdlog::default_logger()->flush();
      std::fflush(nullptr);
      kill(getpid(), SIGKILL);
      return;
    case v1::Fault::PAUSE:
      spdlog::warn("fault: pausing for {} s", suffer.seconds());
      spdlog::default_logger()->flush();
      Pause(suffer.seconds());
      spdlog::warn("fault: the pause is over");
      return;
    default:
      spdlog::warn("fault: a node cannot suffer {}", v1::Fault::Kind_Name(suffer.kind()));
  }
}

}  // namespace semlink
