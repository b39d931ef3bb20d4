// SIGINT and SIGTERM as calls on an ordinary thread.
#ifndef SEMLINK_COMMON_NODE_SIGNAL_WATCHER_H_
#define SEMLINK_COMMON_NODE_SIGNAL_WATCHER_H_

#include <csignal>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace semlink {

// While it lives, SIGINT and SIGTERM don't end the process: `on_signal` is called with the number,
// on a thread of the watcher. A second SIGINT ends the process at once with code 130, so that a
// node that is deep in a computation can be stopped.
//
// Uses a handler and a pipe rather than a blocked set: threads that libraries start before main()
// (OpenBLAS does) would not have the set blocked and would take the signal.
class SignalWatcher {
 public:
  // FAILED_PRECONDITION if there is another watcher in the process.
  static absl::StatusOr<std::unique_ptr<SignalWatcher>> Create(std::function<void(int)> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  SignalWatcher(std::function<void(int)> on_signal, int read_end, int write_end);
  void Run();

  std::function<void(int)> on_signal_;
  const int read_end_;
  const int write_end_;
  struct sigaction old_int_ = {};
  struct sigaction old_term_ = {};
  std::thread thread_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_SIGNAL_WATCHER_H_
