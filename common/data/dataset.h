// What a node may see of the data. A transmitter opens its modalities, a receiver its labels; that they look at the same
// sample is kept by the index: train and test samples are numbered alike everywhere.
#ifndef SEMLINK_COMMON_DATA_DATASET_H_
#define SEMLINK_COMMON_DATA_DATASET_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/layout.h"
#include "common/scenario/scenario.h"

namespace semlink::data {

// Which samples a batch holds, and the keys of its randomness (noise modality, augmentation). Rows [r * batch_size, ...) of the
// result belong to round rounds[r].
struct BatchKey {
  Split split = Split::kTrain;
  uint64_t seed = 0;
  uint64_t window = 0;
};
struct RoundSamples {
  uint32_t round = 0;
  std::vector<int64_t> samples;  // indices into the split
};

// The samples of one round of a training window: `batch` indices drawn uniformly (Purpose::kSamples).
RoundSamples TrainSamples(uint64_t seed, uint64_t window, uint32_t round, int batch, int64_t train_size);

// One modality of one transmitter. Owns only its own arrays. Not thread-safe.
class ModalitySource {
 public:
  virtual ~ModalitySource() = default;
  virtual ModalityKind kind() const = 0;
  virtual int64_t size(Split split) const = 0;
  // The rounds' samples stacked: [sum of samples, ModalitySize(kind)] float32 on the CPU. Depends on the key, the round and the
  // sample index alone: asking for fewer rounds, or in another order, gives the same rows.
  // Train samples of kMel are augmented (waveform variants, time and frequency masks); kNoise is keyed by its slot also, so two
  // noise modalities differ. With data.image_scale: batch, a row of kImageFft depends on all samples of its round.
  // Every sample must be in 0..size(split)-1: an index that comes from a message is checked by whoever read the message
  // (c10::IndexError is thrown here).
  virtual at::Tensor Batch(const BatchKey& key, const std::vector<RoundSamples>& rounds) = 0;
};

class LabelSource {
 public:
  virtual ~LabelSource() = default;
  virtual int64_t size(Split split) const = 0;
  virtual at::Tensor Batch(Split split, const std::vector<RoundSamples>& rounds) const = 0;  // int64 [n]
};

// Opens the modalities of transmitter k, in order. Files are read once, whatever the number of modalities that need them.
// NOT_FOUND, DATA_LOSS or INVALID_ARGUMENT name the file and what is wrong with it.
absl::StatusOr<std::vector<std::unique_ptr<ModalitySource>>> OpenModalities(const Scenario& scenario, int k);

// Opens the labels of receiver t only.
absl::StatusOr<std::unique_ptr<LabelSource>> OpenLabels(const Scenario& scenario, int t);

// Number of samples, without loading them: for the coordinator use common/data/layout.h, which needs no libtorch.

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_DATASET_H_
