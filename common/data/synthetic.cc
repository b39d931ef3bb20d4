// Digits to see and to hear, generated: nothing to download. Everything follows from (seed,
// difficulty); the splits are disjoint draws.
#include "common/base/rng.h"
#include "common/base/status_macros.h"
#include "common/data/corpus.h"
#include "common/data/glyphs.h"
#include "common/data/speech.h"

namespace semlink::data {
namespace {

// Recordings per split and digit.
constexpr int kTrainRecordings = 160;
constexpr int kTestRecordings = 50;

// What a stream of Purpose::kSynthetic makes: the `window` of its key. The `round` is the split.
enum Stream : uint64_t { kLabelStream = 0, kImageStream = 1, kSpeechStream = 2 };

class Synthetic : public Corpus {
 public:
  Synthetic(SplitSizes sizes, double difficulty, uint64_t seed)
      : sizes_(sizes), difficulty_(difficulty), seed_(seed) {}

  const SplitSizes& sizes() const override { return sizes_; }

  absl::StatusOr<std::vector<uint8_t>> Labels(Split split) override {
    RandomStream random = Open(kLabelStream, split, 0);
    std::vector<uint8_t> labels(Size(split));
    for (uint8_t& label : labels) label = static_cast<uint8_t>(random.UniformInt(kDigits));
    return labels;
  }

  absl::StatusOr<std::vector<uint8_t>> Images(Split split) override {
    ASSIGN_OR_RETURN(const std::vector<uint8_t> labels, Labels(split));
    constexpr std::size_t kPixels = std::size_t{kImageSide} * kImageSide;
    std::vector<uint8_t> images(labels.size() * kPixels);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      RandomStream random = Open(kImageStream, split, i);
      DrawDigit(labels[i], difficulty_, &random, images.data() + i * kPixels);
    }
    return images;
  }

  absl::StatusOr<std::vector<uint8_t>> RecordingDigits(Split split) override {
    const int each = split == Split::kTrain ? kTrainRecordings : kTestRecordings;
    std::vector<uint8_t> digits;
    for (int digit = 0; digit < kDigits; ++digit) {
      digits.insert(digits.end(), each, static_cast<uint8_t>(digit));
    }
    return digits;
  }

  absl::StatusOr<std::vector<float>> Recording(Split split, int i) override {
    const int each = split == Split::kTrain ? kTrainRecordings : kTestRecordings;
    RandomStream random = Open(kSpeechStream, split, i);
    return SpeakDigit(i / each, difficulty_, &random);
  }

 private:
  int64_t Size(Split split) const { return split == Split::kTrain ? sizes_.train : sizes_.test; }
  RandomStream Open(Stream stream, Split split, uint64_t id) const {
    return RandomStream(seed_, Purpose::kSynthetic, stream, split == Split::kTrain ? 0 : 1, id);
  }

  SplitSizes sizes_;
  double difficulty_;
  uint64_t seed_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Corpus>> OpenSynthetic(const DataOptions& options, uint64_t seed) {
  ASSIGN_OR_RETURN(const SplitSizes sizes, ReadSplitSizes(options));
  if (!(options.difficulty >= 0)) {
    return absl::InvalidArgumentError("data.difficulty: expected a number of at least 0");
  }
  return std::unique_ptr<Corpus>(std::make_unique<Synthetic>(sizes, options.difficulty, seed));
}

}  // namespace semlink::data
