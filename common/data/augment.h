// Augmentation of training recordings: what is cheap to do once per recording is done to the
// waveform at load (gain, shift, noise), what is cheap per sample is done to the mel spectrogram at
// every use (time and frequency masks, as in SpecAugment, Park et al. 2019).
#ifndef SEMLINK_COMMON_DATA_AUGMENT_H_
#define SEMLINK_COMMON_DATA_AUGMENT_H_

#include <vector>

#include "common/base/rng.h"

namespace semlink::data {

struct AugmentOptions {
  float max_gain_db = 6;  // gain is uniform in -max..max
  int max_shift = 400;    // samples (50 ms), earlier or later; what leaves the second is lost
  float min_snr_db = 20;  // of white noise on the recording's own samples, against its mean power
  float max_snr_db = 40;
  int max_masked_bands = 2;   // of 16; the width is uniform in 0..max
  int max_masked_frames = 4;  // of 32
};

// Changes `wave` in place; keeps its length below `limit` samples.
void AugmentWave(const AugmentOptions& options, int limit, RandomStream* random,
                 std::vector<float>* wave);

struct MelMask {
  int band = 0, bands = 0;    // bands [band, band + bands) are silenced
  int frame = 0, frames = 0;  // so are frames [frame, frame + frames)
};
MelMask DrawMask(const AugmentOptions& options, RandomStream* random);

// Sets the masked part of one mel spectrogram [16, 32] to 0 (no power).
void ApplyMask(const MelMask& mask, float* mel);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_AUGMENT_H_
