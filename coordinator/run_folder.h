// The run folder: every file of it but the ledger (docs/formats/run_folder.md).
#ifndef SEMLINK_COORDINATOR_RUN_FOLDER_H_
#define SEMLINK_COORDINATOR_RUN_FOLDER_H_

#include <fstream>
#include <map>
#include <memory>
#include <string>

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

// Not thread-safe. Whole files are replaced atomically, lines are flushed one by one.
class RunFolder {
 public:
  // Creates the folder and writes scenario.yaml. ALREADY_EXISTS if the folder holds a run.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Create(const std::string& dir,
                                                           const Scenario& scenario);

  std::string ledger_path() const { return dir_ + "/ledger.sqlite"; }

  absl::Status WriteJson(const std::string& name, const Json& json);  // "summary.json"
  absl::Status AppendMetrics(const Json& line);
  // {"time": ..., "event": event, fields...}
  absl::Status AppendEvent(absl::Time time, const std::string& event, const Json& fields);
  // parameters/NODE.safetensors for every node. The folder appears when all are written, or not at
  // all.
  absl::Status WriteParameters(const ParametersByNode& parameters);

 private:
  explicit RunFolder(std::string dir) : dir_(std::move(dir)) {}

  std::string dir_;
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
