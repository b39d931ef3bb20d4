// The run folder: every file of it but the ledger (docs/formats/run_folder.md).
#ifndef SEMLINK_COORDINATOR_RUN_FOLDER_H_
#define SEMLINK_COORDINATOR_RUN_FOLDER_H_

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "coordinator/metrics.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// Parameters of every node of a run.
using ParametersByNode = std::map<NodeId, v1::Parameters>;

// Not thread-safe. Whole files are replaced atomically, lines are flushed one by one. The folder is
// locked while the object lives, and as long as its process does: FAILED_PRECONDITION for everybody
// else.
class RunFolder {
 public:
  // Creates the folder and writes scenario.yaml. ALREADY_EXISTS if the folder holds a run.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(const std::string& dir,
                                                           const Scenario& scenario);
  // Opens the folder of a run; cuts off a last line of events.jsonl that was not written whole.
  // NOT_FOUND if the folder holds no ledger.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Open(const std::string& dir);

  // FAILED_PRECONDITION if scenario.yaml is not `text`, the scenario that the run was started with.
  // Writes it if it is missing.
  absl::Status CheckScenario(const std::string& text);

  std::string ledger_path() const { return dir_ + "/ledger.sqlite"; }

  absl::Status WriteJson(const std::string& name, const Json& json);  // "summary.json"
  absl::Status AppendMetrics(const Json& line);
  // These lines instead of all that are there.
  absl::Status ReplaceMetrics(const std::vector<Json>& lines);
  // {"time": ..., "event": event, fields...}
  absl::Status AppendEvent(absl::Time time, const std::string& event, const Json& fields);
  // parameters/NODE.safetensors for every node. The folder appears when all are written, or not at
  // all; one that is there already is replaced.
  absl::Status WriteParameters(const ParametersByNode& parameters);
  bool has_parameters() const;  // the folder is there

 private:
  // The descriptor that holds the lock.
  class Lock {
   public:
    static absl::StatusOr<Lock> Take(const std::string& dir);
    Lock(Lock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    explicit Lock(int fd) : fd_(fd) {}
    int fd_;
  };

  RunFolder(std::string dir, Lock lock) : dir_(std::move(dir)), lock_(std::move(lock)) {}
  absl::Status OpenLines();

  std::string dir_;
  Lock lock_;
  std::ofstream metrics_;
  std::ofstream events_;
};

// Reads DIR/NODE.safetensors for every node of the scenario. NOT_FOUND names the first one that is
// missing.
absl::StatusOr<ParametersByNode> ReadParameters(const std::string& dir, const Scenario& scenario);

// What is wrong with a node's parameters, or "": float32, as many bytes as the shape says, names
// unique.
std::string CheckParameters(const v1::Parameters& parameters);

// SHA-256 over the tensors' bytes: transmitters, then receivers, each node's tensors in the order
// in which it sent them.
std::string ParametersSha256(const ParametersByNode& parameters);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_FOLDER_H_
