// Features computed once at load. What depends on the round (variant, masks, scale of a batch) is
// applied by the sources in dataset.cc.
#ifndef SEMLINK_COMMON_DATA_BANKS_H_
#define SEMLINK_COMMON_DATA_BANKS_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/corpus.h"

namespace semlink::data {

// Magnitudes before scaling, float32 [size, 196] (47 MB for MNIST's training images).
struct ImageBank {
  at::Tensor magnitude[2];  // by split
};
absl::StatusOr<ImageBank> BuildImageBank(Corpus* corpus);

// Mel power spectrograms of the recordings, float32 [recordings * variants, 512]; row i * variants
// + v is variant v of recording i. Variant 0 is the recording as it is, the others are augmented
// (AugmentWave). The test split has variant 0 only.
struct MelBank {
  at::Tensor power[2];                // by split
  std::vector<int32_t> recording[2];  // by split: the recording of each sample
  int variants[2] = {1, 1};           // by split
};
absl::StatusOr<MelBank> BuildMelBank(Corpus* corpus, const DataOptions& options, uint64_t seed);

inline int Index(Split split) { return split == Split::kTrain ? 0 : 1; }

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_BANKS_H_
