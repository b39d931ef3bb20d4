// This process's network, changed and put back.
#ifndef SEMLINK_COMMON_FAULTS_KERNEL_NETWORK_H_
#define SEMLINK_COMMON_FAULTS_KERNEL_NETWORK_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/faults/command_runner.h"
#include "common/faults/kernel_plan.h"

namespace semlink {

// Has at most one nftables table, of its own, and a root queue on devices that had only the
// kernel's default before. All errors say what was wrong and what to do about it, in one line. Not
// thread-safe.
class KernelNetwork {
 public:
  // `runner` must outlive it.
  KernelNetwork(const NodeId& self, CommandRunner* runner);
  // Restores nothing by itself.
  KernelNetwork(const KernelNetwork&) = delete;
  KernelNetwork& operator=(const KernelNetwork&) = delete;

  // "semlink_transmitter1_4711": of this process.
  const std::string& table() const { return table_; }

  // Whether this process, or nft on its behalf, may change the network at all.
  static bool MayChange();

  // What a dead process of the same node has left: its table, and queues that no living one uses.
  absl::Status RemoveLeftovers();

  // By which device packets to this address leave.
  absl::StatusOr<KernelRoute> RouteTo(const std::string& host);

  // Does this plan instead of the one before. If that fails nothing of ours is left.
  absl::Status Install(const KernelPlan& plan);
  // The network is again as it was before the first Install. What can't be removed is tried again
  // with the next Install or Restore.
  absl::Status Restore();

 private:
  absl::Status TryInstall(const KernelPlan& plan);
  absl::Status TakeDevice(const std::string& device);
  absl::Status FreeDevice(const std::string& device);
  absl::StatusOr<std::string> Queues(const std::string& device);

  const std::string prefix_;  // "semlink_transmitter1_"
  const std::string table_;
  CommandRunner* const runner_;
  std::optional<KernelPlan> installed_;
  bool has_table_ = false;
  std::map<std::string, std::string> before_;  // our devices' queues, as tc showed them
};

// "; ..." with what to do about it, or "".
std::string KernelAdvice(const absl::Status& error);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_KERNEL_NETWORK_H_
