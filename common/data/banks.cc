#include "common/data/banks.h"

#include <algorithm>
#include <limits>

#include "common/base/rng.h"
#include "common/base/status_macros.h"
#include "common/data/augment.h"
#include "common/data/pairing.h"
#include "common/data/spectra.h"

namespace semlink::data {
namespace {

// Waves transformed at once: 32 of them take 8 MB as frames and as much as spectra.
constexpr int64_t kWaveChunk = 32;
// The round of the streams that make the bank's variants; no round of a window has this number.
constexpr uint32_t kBankRound = std::numeric_limits<uint32_t>::max();

// Collects waves and transforms them a chunk at a time.
class MelWriter {
 public:
  explicit MelWriter(int64_t rows)
      : waves_(at::zeros({kWaveChunk, kWaveSamples}, at::kFloat)),
        power_(at::empty({rows, kMelSize}, at::kFloat)) {}

  void Add(const std::vector<float>& wave) {
    if (filled_ == kWaveChunk) Flush();
    float* row = waves_.data_ptr<float>() + filled_ * kWaveSamples;
    std::fill(std::copy(wave.begin(), wave.end(), row), row + kWaveSamples, 0.0f);
    ++filled_;
  }

  at::Tensor Finish() {
    Flush();
    return power_;
  }

 private:
  void Flush() {
    if (filled_ == 0) return;
    power_.narrow(0, written_, filled_).copy_(transform_(waves_.narrow(0, 0, filled_)));
    written_ += filled_;
    filled_ = 0;
  }

  MelTransform transform_;
  at::Tensor waves_;  // [kWaveChunk, 8000]
  at::Tensor power_;  // [rows, 512]
  int64_t filled_ = 0;
  int64_t written_ = 0;
};

absl::StatusOr<at::Tensor> TransformRecordings(Corpus* corpus, Split split, int recordings,
                                               int variants, uint64_t seed) {
  const AugmentOptions options;
  MelWriter writer(int64_t{recordings} * variants);
  for (int i = 0; i < recordings; ++i) {
    ASSIGN_OR_RETURN(const std::vector<float> wave, corpus->Recording(split, i));
    writer.Add(wave);
    for (int v = 1; v < variants; ++v) {
      RandomStream random(seed, Purpose::kAugmentation, 0, kBankRound, uint64_t(i) * variants + v);
      std::vector<float> changed = wave;
      AugmentWave(options, kWaveSamples, &random, &changed);
      writer.Add(changed);
    }
  }
  return writer.Finish();
}

}  // namespace

absl::StatusOr<ImageBank> BuildImageBank(Corpus* corpus) {
  ImageBank bank;
  for (const Split split : {Split::kTrain, Split::kTest}) {
    ASSIGN_OR_RETURN(std::vector<uint8_t> images, corpus->Images(split));
    const int64_t n = static_cast<int64_t>(images.size()) / (kImageSide * kImageSide);
    bank.magnitude[Index(split)] =
        ImageMagnitude(at::from_blob(images.data(), {n, kImageSide, kImageSide}, at::kByte));
  }
  return bank;
}

absl::StatusOr<MelBank> BuildMelBank(Corpus* corpus, const DataOptions& options, uint64_t seed) {
  MelBank bank;
  bank.variants[Index(Split::kTrain)] = std::max(1, options.audio_variants);
  for (const Split split : {Split::kTrain, Split::kTest}) {
    const int s = Index(split);
    ASSIGN_OR_RETURN(const std::vector<uint8_t> digits, corpus->RecordingDigits(split));
    // The labels of the images are used to pair and are then forgotten: a transmitter sees no
    // label. Recordings carry their digit in their name anyway.
    ASSIGN_OR_RETURN(const std::vector<uint8_t> labels, corpus->Labels(split));
    bank.recording[s] = PairRecordings(labels, digits, options.pairing, seed, split);
    ASSIGN_OR_RETURN(bank.power[s],
                     TransformRecordings(corpus, split, static_cast<int>(digits.size()),
                                         bank.variants[s], seed));
  }
  return bank;
}

}  // namespace semlink::data
