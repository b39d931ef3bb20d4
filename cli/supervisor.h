// When children that died are started again. Starts nothing itself.
#ifndef SEMLINK_CLI_SUPERVISOR_H_
#define SEMLINK_CLI_SUPERVISOR_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace semlink::cli {

struct SupervisorOptions {
  int max_restarts = 20;                           // of each child; 0: none is started again
  absl::Duration first = absl::Milliseconds(500);  // from the first death to the start
  absl::Duration longest = absl::Seconds(2);       // it doubles with every death, up to here ...
  absl::Duration settled = absl::Seconds(10);      // ... until the child has lived for so long
};

// `now` is Clock::Now().
class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options) : options_(options) {}

  void Started(const std::string& name, absl::Duration now) { children_[name].started = now; }

  // It has died; it will be due. False if it has been started again too often.
  bool Died(const std::string& name, absl::Duration now);

  // Those that are to be started now; they are no longer waited for. Those in `held` stay dead.
  std::vector<std::string> TakeDue(absl::Duration now, const std::set<std::string>& held);

  // Some child is dead and will be due.
  bool waiting() const;
  // Nobody is started again any more.
  void Stop();

 private:
  struct Child {
    absl::Duration started = -absl::InfiniteDuration();
    absl::Duration delay;  // of the last restart; 0: none
    int restarts = 0;
    bool dead = false;
    absl::Duration due;
  };

  SupervisorOptions options_;
  std::map<std::string, Child> children_;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SUPERVISOR_H_
