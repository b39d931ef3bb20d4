// The kernel's faults of one node, carried out on a thread of their own.
#ifndef SEMLINK_COMMON_FAULTS_KERNEL_FAULTS_H_
#define SEMLINK_COMMON_FAULTS_KERNEL_FAULTS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/faults/command_runner.h"
#include "common/faults/kernel_network.h"
#include "common/faults/kernel_plan.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A list that can't be done as a whole is done fault by fault, so that one that the kernel can't do
// does not end the others. Thread-safe.
class KernelFaults {
 public:
  // The ends of the links to all peers whose addresses are known by now; those of a connected peer
  // without a host if its packets can't be told from others. Called on its own thread.
  using Peers = std::function<std::map<NodeId, LinkEnds>()>;
  // Takes what became of the faults: after each Set that names some or ends some, and whenever one
  // fails later. Called on its own thread.
  using Answer = std::function<void(const v1::FaultsSet&)>;

  // `runner` null: this process never changes its network, and says so. `retry`: how long after a
  // change of connections a peer is looked at again whose packets can't be told from others.
  KernelFaults(const NodeId& self, std::unique_ptr<CommandRunner> runner, Peers peers,
               Answer answer, absl::Duration retry = absl::Seconds(1));
  ~KernelFaults() { Stop(); }
  KernelFaults(const KernelFaults&) = delete;
  KernelFaults& operator=(const KernelFaults&) = delete;

  // Removes what a dead predecessor has left, if this process may; does not wait.
  void CleanUp();
  // Replaces the list; those that are not the kernel's are ignored. Does not wait. A fault on a
  // connected peer whose packets can't be told from others fails.
  void Set(const std::vector<v1::Fault>& faults);
  // A connection was opened or lost: addresses and ports may be others now. Does not wait. While
  // connections change a peer's packets may not be told for a moment: its faults fail if that lasts
  // for kTries times `retry`.
  void PeersChanged();
  // Puts the network back as it was. Nothing is done afterwards. Waits.
  void Stop();

 private:
  static constexpr int kTries = 5;

  struct Work {
    bool clean_up = false;
    bool peers_changed = false;
    std::optional<std::vector<v1::Fault>> faults;
    bool any() const { return clean_up || peers_changed || faults.has_value(); }
  };

  // Starts the thread if need be.
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Loop();
  void Do(Work work);
  // `strict`: a peer that can't be told is an error; else it is left out, and noted in unclear_.
  void Apply(bool strict);
  void Restore();
  absl::Status TryAll(const std::vector<v1::Fault>& faults, bool strict);
  absl::StatusOr<KernelPlan> Plan(const std::vector<v1::Fault>& faults, bool strict);
  // Checks a list that came from the network; what is wrong gets an outcome.
  std::vector<v1::Fault> Checked(const std::vector<v1::Fault>& faults);
  void Note(const v1::Fault& fault, const absl::Status& status);

  const NodeId self_;
  const std::unique_ptr<CommandRunner> runner_;
  const Peers peers_;
  const Answer answer_;
  const absl::Duration retry_;

  // Touched by the thread only, and by Stop after it:
  KernelNetwork network_;
  std::vector<v1::Fault> wanted_;
  std::map<uint64_t, v1::FaultOutcome> outcomes_;
  bool unclear_ = false;  // a peer was left out, and is to be looked at again
  int tries_ = 0;         // so many times in a row

  absl::Mutex mutex_;
  absl::CondVar changed_;
  Work work_ ABSL_GUARDED_BY(mutex_);
  bool active_ ABSL_GUARDED_BY(mutex_) = false;  // the last list was not empty
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_KERNEL_FAULTS_H_
