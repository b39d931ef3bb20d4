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

enum class Split { kTrain, kTest };

struct SplitSizes {
  int64_t train = 0;
  int64_t test = 0;
};

// Where things lie in a data folder.
std::string RecordingsDir(const std::string& root);  // ROOT/fsdd/recordings
// ROOT/mnist/NAME.gz or ROOT/mnist/NAME, whichever is there (the first if both are, or none is).
std::string ImagesPath(const std::string& root, Split split);
std::string LabelsPath(const std::string& root, Split split);

// How many of `available` samples a split uses when the scenario asks for `wanted` (0: all). INVALID_ARGUMENT if that is more
// than there are.
absl::StatusOr<int64_t> UsedSamples(int wanted, int64_t available, Split split);

// Samples of the synthetic source where the scenario doesn't say.
inline constexpr int64_t kSyntheticTrain = 20000;
inline constexpr int64_t kSyntheticTest = 2000;

// Sizes of the splits that `options` describes, after data.train_samples and data.test_samples. Reads file headers only.
absl::StatusOr<SplitSizes> ReadSplitSizes(const DataOptions& options);

struct CheckedFile {
  std::string path;      // relative to the folder
  std::string what;      // "60000 images of 28x28", "10000 labels", "3000 recordings, 8000 Hz, ..."
  uint64_t bytes = 0;
  std::string sha256;    // of the file; of the recordings: of the sorted "sha256  name" list (sha256sum *.wav | sha256sum)
  std::string verdict;   // "ok", "differs from the published file", "missing", or what is wrong
  bool ok = false;
};

// Reads every file of an AV-MNIST folder (DIR/mnist, DIR/fsdd/recordings) whole and says what it found. The MNIST files are compared
// with the published ones by what they hold, so that plain files and other ways of compressing them are right too. Always returns a row per
// expected file; NOT_FOUND only if DIR itself is missing.
absl::StatusOr<std::vector<CheckedFile>> CheckFolder(const std::string& dir);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_LAYOUT_H_
