#include "common/data/augment.h"

#include <algorithm>
#include <cmath>

#include "common/data/spectra.h"

namespace semlink::data {
namespace {

float UniformIn(RandomStream* random, float low, float high) {
  return low + (high - low) * random->Uniform();
}

float MeanPower(const std::vector<float>& wave) {
  double sum = 0;
  for (const float x : wave) sum += double{x} * x;
  return static_cast<float>(sum / std::max<std::size_t>(1, wave.size()));
}

}  // namespace

void AugmentWave(const AugmentOptions& options, int limit, RandomStream* random,
                 std::vector<float>* wave) {
  const float gain =
      std::pow(10.0f, UniformIn(random, -options.max_gain_db, options.max_gain_db) / 20);
  const float snr_db = UniformIn(random, options.min_snr_db, options.max_snr_db);
  const int shift =
      static_cast<int>(random->UniformInt(2 * options.max_shift + 1)) - options.max_shift;
  const float noise = std::sqrt(MeanPower(*wave)) * std::pow(10.0f, -snr_db / 20);
  for (float& x : *wave) x = gain * (x + noise * random->Normal());
  if (shift > 0) {
    wave->insert(wave->begin(), shift, 0.0f);
  } else {
    // Never past the middle of a very short recording.
    const int cut = std::min<int>(-shift, static_cast<int>(wave->size()) / 4);
    wave->erase(wave->begin(), wave->begin() + cut);
  }
  if (static_cast<int>(wave->size()) > limit) wave->resize(limit);
}

MelMask DrawMask(const AugmentOptions& options, RandomStream* random) {
  MelMask mask;
  mask.bands = static_cast<int>(random->UniformInt(options.max_masked_bands + 1));
  mask.band = static_cast<int>(random->UniformInt(kMelBands - mask.bands + 1));
  mask.frames = static_cast<int>(random->UniformInt(options.max_masked_frames + 1));
  mask.frame = static_cast<int>(random->UniformInt(kMelFrames - mask.frames + 1));
  return mask;
}

void ApplyMask(const MelMask& mask, float* mel) {
  std::fill_n(mel + mask.band * kMelFrames, mask.bands * kMelFrames, 0.0f);
  for (int band = 0; band < kMelBands; ++band) {
    std::fill_n(mel + band * kMelFrames + mask.frame, mask.frames, 0.0f);
  }
}

}  // namespace semlink::data
