// A node's checkpoints: one safetensors file per window in a folder of its own.
// docs/formats/checkpoint.md is the format.
#ifndef SEMLINK_COMMON_STORE_CHECKPOINT_H_
#define SEMLINK_COMMON_STORE_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/store/safetensors.h"
#include "semlink/v1/message.pb.h"

namespace semlink::store {

inline constexpr char kCheckpointFormat[] = "semlink checkpoint";
inline constexpr char kCheckpointVersion[] = "1";

// Whose state it is. A checkpoint of another owner is refused.
struct CheckpointOwner {
  std::string node;             // "transmitter1"
  uint64_t seed = 0;            // of the run
  std::string scenario_sha256;  // of the resolved scenario's text as the coordinator handed it out
};

// The bytes of the file: the same for the same state. `state`: tensors and metadata, whose keys
// must not be those of the format; it is large, so hand it over. INVALID_ARGUMENT as
// EncodeSafetensors.
absl::StatusOr<std::string> EncodeCheckpoint(const CheckpointOwner& owner, uint64_t window,
                                             TensorFile state);

// The reverse: every byte is checked before anything is returned. `what` (a path) says where in the
// error. DATA_LOSS: damaged or truncated. FAILED_PRECONDITION: of another format, version, node,
// scenario, seed or window.
absl::StatusOr<TensorFile> DecodeCheckpoint(absl::string_view bytes, const CheckpointOwner& owner,
                                            uint64_t window, const std::string& what);

// The folder DIR/NODE. Files appear whole or not at all. Not thread-safe.
class CheckpointFolder {
 public:
  // The sha256 of an id is the checksum that stands in the file: it covers every byte of it.
  struct Written {
    v1::CheckpointId id;
    uint64_t bytes = 0;
  };

  // Creates the folder if need be, and removes what a writer left that was killed.
  static absl::StatusOr<CheckpointFolder> Open(const std::string& folder,
                                               const CheckpointOwner& owner);

  // Replaces the file of this window. Returns once it is on the disk.
  absl::StatusOr<Written> Write(uint64_t window, TensorFile state);

  // DATA_LOSS also if the file reads well but its checksum is not `id.sha256`. NOT_FOUND if there
  // is none.
  absl::StatusOr<TensorFile> Read(const v1::CheckpointId& id) const;

  // The files of this owner that this object has written or found to read well, ascending. Those
  // are not read a second time: what becomes of them later shows in Read. `complaints` gets one
  // line for each other file that is called as a checkpoint is.
  std::vector<v1::CheckpointId> List(std::vector<std::string>* complaints);

  // Deletes the files of windows before `keep_from`, whoever they belong to.
  absl::Status Prune(uint64_t keep_from);

  std::string PathOf(uint64_t window) const;

 private:
  CheckpointFolder(std::string folder, CheckpointOwner owner)
      : folder_(std::move(folder)), owner_(std::move(owner)) {}
  // Windows of all files that are called as checkpoints are.
  absl::StatusOr<std::vector<uint64_t>> Windows() const;

  std::string folder_;
  CheckpointOwner owner_;
  std::map<uint64_t, std::string> verified_;  // window -> checksum
};

}  // namespace semlink::store

#endif  // SEMLINK_COMMON_STORE_CHECKPOINT_H_
