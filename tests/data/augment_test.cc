#include "common/data/augment.h"

#include <algorithm>
#include <cmath>

#include "common/data/spectra.h"
#include "gtest/gtest.h"

namespace semlink::data {
namespace {

RandomStream Stream(uint64_t id) { return RandomStream(1, Purpose::kAugmentation, 0, 0, id); }

std::vector<float> Tone(int n) {
  std::vector<float> wave(n);
  for (int i = 0; i < n; ++i) wave[i] = static_cast<float>(std::sin(0.3 * i));
  return wave;
}

TEST(AugmentWave, FollowsItsStream) {
  std::vector<float> a = Tone(3000), b = Tone(3000), c = Tone(3000);
  RandomStream first = Stream(1), again = Stream(1), other = Stream(2);
  AugmentWave({}, 8000, &first, &a);
  AugmentWave({}, 8000, &again, &b);
  AugmentWave({}, 8000, &other, &c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(AugmentWave, KeepsToItsBounds) {
  const AugmentOptions options;
  for (uint64_t id = 0; id < 200; ++id) {
    std::vector<float> wave = Tone(7900);
    RandomStream random = Stream(id);
    AugmentWave(options, 8000, &random, &wave);
    EXPECT_LE(wave.size(), 8000u);
    EXPECT_GE(wave.size(), 7500u);
    double power = 0;
    for (const float x : wave) power += double{x} * x;
    const double db = 10 * std::log10(power / 7900 / 0.5);
    EXPECT_LT(std::fabs(db), 6.6) << id;  // 6 dB, the shift and the noise
  }
}

TEST(AugmentWave, NoiseHasTheDrawnLevel) {
  AugmentOptions options;
  options.max_gain_db = 0;
  options.max_shift = 0;
  options.min_snr_db = options.max_snr_db = 20;
  std::vector<float> wave = Tone(8000);
  RandomStream random = Stream(1);
  AugmentWave(options, 8000, &random, &wave);
  const std::vector<float> clean = Tone(8000);
  double noise = 0;
  for (int i = 0; i < 8000; ++i) noise += std::pow(wave[i] - clean[i], 2);
  EXPECT_NEAR(noise / 8000, 0.5 * 0.01, 0.5 * 0.001);
}

TEST(AugmentWave, VeryShortRecordingsSurvive) {
  for (uint64_t id = 0; id < 50; ++id) {
    std::vector<float> wave = {0.1f, 0.2f};
    RandomStream random = Stream(id);
    AugmentWave({}, 8000, &random, &wave);
    EXPECT_GE(wave.size(), 2u);
  }
}

TEST(MelMask, SilencesWhatItSaysAndNoMore) {
  const AugmentOptions options;
  int masked = 0;
  for (uint64_t id = 0; id < 300; ++id) {
    RandomStream random = Stream(id);
    const MelMask mask = DrawMask(options, &random);
    ASSERT_LE(mask.bands, options.max_masked_bands);
    ASSERT_LE(mask.frames, options.max_masked_frames);
    std::vector<float> mel(kMelSize, 1.0f);
    ApplyMask(mask, mel.data());
    for (int band = 0; band < kMelBands; ++band) {
      for (int frame = 0; frame < kMelFrames; ++frame) {
        const bool in = (band >= mask.band && band < mask.band + mask.bands) ||
                        (frame >= mask.frame && frame < mask.frame + mask.frames);
        ASSERT_EQ(mel[band * kMelFrames + frame], in ? 0.0f : 1.0f);
        masked += in;
      }
    }
  }
  // On average 1 of 16 bands and 2 of 32 frames, less their overlap.
  EXPECT_NEAR(masked / 300.0, 512 * (1.0 / 16 + 1.0 / 16), 8);
}

}  // namespace
}  // namespace semlink::data
