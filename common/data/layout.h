// What is in a data folder, without libtorch: file headers, sizes, checksums. Used by `semlink data check` and by the coordinator,
// which needs the size of the test split and never sees a sample.
#ifndef SEMLINK_COMMON_DATA_LAYOUT_H_
#define SEMLINK_COMMON_DATA_LAYOUT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scenario/scenario.h"

namespace semlink::data {

struct SplitSizes {
  int64_t train = 0;
  int64_t test = 0;
};

// Sizes of the splits that `options` describes, after data.train_samples and data.test_samples. Reads file headers only.
absl::StatusOr<SplitSizes> ReadSplitSizes(const DataOptions& options);

struct CheckedFile {
  std::string path;      // relative to the folder
  std::string what;      // "60000 images of 28x28", "10000 labels", "3000 recordings, 8000 Hz, ..."
  uint64_t bytes = 0;
  std::string sha256;    // of the file; of the recordings: of the sorted "sha256  name" list
  std::string verdict;   // "ok", "differs from the published file", "missing", or what is wrong
  bool ok = false;
};

// Reads every file of an AV-MNIST folder (DIR/mnist, DIR/fsdd/recordings) whole and says what it found. Always returns a row per
// expected file; NOT_FOUND only if DIR itself is missing.
absl::StatusOr<std::vector<CheckedFile>> CheckFolder(const std::string& dir);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_LAYOUT_H_
