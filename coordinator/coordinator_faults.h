// What the coordinator does about the faults that are injected: it tells the nodes, its own
// transport, and the record of the run.
#ifndef SEMLINK_COORDINATOR_COORDINATOR_FAULTS_H_
#define SEMLINK_COORDINATOR_COORDINATOR_FAULTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "coordinator/fault_desk.h"
#include "coordinator/membership.h"
#include "coordinator/run_recorder.h"

namespace semlink::coordinator {

// What faults do to processes of this machine. Tests put their own in place.
struct ProcessActions {
  // Kills or pauses this process. Default: SufferNow.
  std::function<void(const v1::Suffer&)> suffer;
  // Wakes a paused node, if `pid` is a semlink program of this machine. Default: SIGCONT.
  std::function<void(uint32_t pid)> wake;
};
ProcessActions RealProcessActions();

// Not thread-safe; on the node's thread. The pointers outlive it.
class CoordinatorFaults {
 public:
  struct Options {
    ProcessActions actions = RealProcessActions();
    // All nodes run on this machine: the coordinator may wake those that are paused.
    bool local_nodes = false;
  };

  CoordinatorFaults(Options options, FaultDesk* desk, Transport* transport, Clock* clock,
                    RunRecorder* recorder)
      : options_(std::move(options)),
        desk_(desk),
        transport_(transport),
        clock_(clock),
        recorder_(recorder) {}
  ~CoordinatorFaults();
  CoordinatorFaults(const CoordinatorFaults&) = delete;
  CoordinatorFaults& operator=(const CoordinatorFaults&) = delete;

  // Opens the desk. `resumed`: the faults in the ledger count.
  absl::Status Open(const Scenario& scenario, bool resumed);
  // Begins and ends what is due: first recorded, then done. `committed`: windows so far.
  absl::Status Advance(uint64_t committed, const Membership& membership);
  // The same, before a window is opened: the times of the scenario's faults count from the first.
  absl::Status BeforeWindow(uint64_t committed, const Membership& membership);
  // What became of the kernel's faults of a node, or of this process. One that can't be carried out
  // is withdrawn everywhere, and whoever asked for it is told. FAILED_PRECONDITION if it is of the
  // scenario's own list: then the run is not the one that was meant, and ends.
  absl::Status OnFaultsSet(const NodeId& from, const v1::FaultsSet& outcomes, uint64_t committed,
                           const Membership& membership);
  // A node that has (re)joined is told of its faults. A node that is to be dead dies again.
  void OnReady(const NodeId& node);

 private:
  // Nodes that have not yet said whether they have carried out a fault of the kernel's level.
  struct Unanswered {
    std::set<NodeId> nodes;
    absl::Duration until;
  };

  absl::Status Change(uint64_t committed, const Membership& membership);
  absl::Status Record(const FaultChange& change, uint64_t committed);
  void TellNodes(const Membership& membership);
  void Tell(const NodeId& node);
  void Strike(const v1::Fault& fault, const NodeId& node);
  bool IsOn(const NodeId& node, uint64_t kernel_fault) const;
  void Expect(const NodeId& node, uint64_t kernel_fault);
  // Whether a fault was withdrawn.
  absl::StatusOr<bool> CheckAnswers(uint64_t committed, const Membership& membership);
  absl::Status GiveUp(uint64_t id, const NodeId& node, const std::string& reason,
                      uint64_t committed);
  void WakePaused(const v1::Fault& fault, const Membership& membership);

  Options options_;
  FaultDesk* desk_;
  Transport* transport_;
  Clock* clock_;
  RunRecorder* recorder_;
  bool started_ = false;
  size_t listed_ = 0;  // faults of the scenario: they have the ids up to it
  std::map<uint64_t, Unanswered> unanswered_;
  std::map<NodeId, std::string> told_;  // what each node was told last, serialised
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_COORDINATOR_FAULTS_H_
