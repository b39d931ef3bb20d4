// Raw material of a data set: pictures of digits, labels, and a bank of recordings. Everything
// after it (features, pairing, augmentation) is the same for real and for generated digits.
#ifndef SEMLINK_COMMON_DATA_CORPUS_H_
#define SEMLINK_COMMON_DATA_CORPUS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/layout.h"
#include "common/scenario/scenario.h"

namespace semlink::data {

inline constexpr int kImageSide = 28;
inline constexpr int kDigits = 10;
inline constexpr int kWaveSamples = 8000;  // 1 s

// Each call reads or makes only what it returns: a node calls what it may see.
class Corpus {
 public:
  virtual ~Corpus() = default;

  virtual const SplitSizes& sizes() const = 0;
  // Digits 0..9 of all samples of a split.
  virtual absl::StatusOr<std::vector<uint8_t>> Labels(Split split) = 0;
  // [size, 28, 28], 0 (background) to 255.
  virtual absl::StatusOr<std::vector<uint8_t>> Images(Split split) = 0;
  // The digit that each recording of the split says. At least one for each digit.
  virtual absl::StatusOr<std::vector<uint8_t>> RecordingDigits(Split split) = 0;
  // Recording i of the split: at most kWaveSamples samples at 8 kHz, in -1..1.
  virtual absl::StatusOr<std::vector<float>> Recording(Split split, int i) = 0;
};

// data.source: av_mnist. Checks that the four MNIST files and the names of the recordings fit
// together, as far as headers tell.
absl::StatusOr<std::unique_ptr<Corpus>> OpenAvMnist(const DataOptions& options);

// data.source: synthetic.
absl::StatusOr<std::unique_ptr<Corpus>> OpenSynthetic(const DataOptions& options, uint64_t seed);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_CORPUS_H_
