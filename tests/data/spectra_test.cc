#include "common/data/spectra.h"

#include <cmath>
#include <complex>
#include <vector>

#include "common/base/rng.h"
#include "gtest/gtest.h"

namespace semlink::data {
namespace {

constexpr double kPi = 3.14159265358979323846;

at::Tensor Tone(double hz, int samples) {
  at::Tensor wave = at::zeros({1, kWaveSamples}, at::kFloat);
  float* out = wave.data_ptr<float>();
  for (int i = 0; i < samples; ++i) out[i] = static_cast<float>(std::sin(2 * kPi * hz * i / 8000));
  return wave;
}

at::Tensor NoiseWave(uint64_t id, int samples = kWaveSamples) {
  at::Tensor wave = at::zeros({1, kWaveSamples}, at::kFloat);
  RandomStream random(1, Purpose::kSynthetic, 0, 0, id);
  random.FillNormal(wave.data_ptr<float>(), samples);
  return wave;
}

double Mel(double hz) { return 2595 * std::log10(1 + hz / 700); }

// Sample i of the wave with its ends mirrored, not repeating the end sample.
double Mirrored(const float* wave, int i) {
  if (i < 0) i = -i;
  if (i >= kWaveSamples) i = 2 * (kWaveSamples - 1) - i;
  return wave[i];
}

// Power of each frequency of one frame, by the definition of the transform, in double.
std::vector<double> DirectFrame(const float* wave, int frame) {
  std::vector<double> x(kFft);
  for (int i = 0; i < kFft; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * kPi * i / kFft);
    x[i] = hann * Mirrored(wave, frame * kHop - kFft / 2 + i);
  }
  std::vector<double> power(kFft / 2 + 1);
  for (int f = 0; f <= kFft / 2; ++f) {
    std::complex<double> sum = 0;
    for (int i = 0; i < kFft; ++i) {
      sum += x[i] * std::polar(1.0, -2 * kPi * ((static_cast<int64_t>(f) * i) % kFft) / kFft);
    }
    power[f] = std::norm(sum);
  }
  return power;
}

double DirectBand(const std::vector<double>& power, int band) {
  const double step = Mel(4000) / (kMelBands + 1);
  const auto edge = [&](int i) { return 700 * (std::pow(10, i * step / 2595) - 1); };
  double sum = 0;
  for (int f = 0; f <= kFft / 2; ++f) {
    const double hz = 8000.0 * f / kFft;
    const double low = edge(band), peak = edge(band + 1), high = edge(band + 2);
    if (hz > low && hz <= peak) sum += power[f] * (hz - low) / (peak - low);
    if (hz > peak && hz < high) sum += power[f] * (high - hz) / (high - peak);
  }
  return sum;
}

TEST(Mel, FiltersAreTrianglesThatShareTheirEdges) {
  const at::Tensor filters = MelFilters();
  ASSERT_EQ(filters.sizes(), (std::vector<int64_t>{1025, 16}));
  // Between the first peak and the last, neighbouring triangles add up to 1.
  const double step = Mel(4000) / 17;
  for (int f = 0; f < 1025; ++f) {
    const double mel = Mel(8000.0 * f / kFft);
    const double sum = filters[f].sum().item<double>();
    if (mel >= step && mel <= 16 * step) {
      EXPECT_NEAR(sum, 1, 1e-5) << f;
    }
    EXPECT_LE((filters[f] > 0).sum().item<int64_t>(), 2) << f;
  }
  EXPECT_EQ(filters[0].sum().item<float>(), 0);
  EXPECT_NEAR(filters[1024].sum().item<float>(), 0, 1e-6);
}

TEST(Mel, AgreesWithADirectTransform) {
  const MelTransform transform;
  // Shorter than a second, so that silent frames occur too.
  for (const int samples : {kWaveSamples, 3000}) {
    const at::Tensor wave = NoiseWave(1, samples);
    const at::Tensor mel = transform(wave).view({kMelBands, kMelFrames});
    for (const int frame : {0, 3, 15, 31}) {
      const std::vector<double> power = DirectFrame(wave.data_ptr<float>(), frame);
      for (int band = 0; band < kMelBands; ++band) {
        const double expected = DirectBand(power, band);
        EXPECT_NEAR(mel[band][frame].item<double>(), expected, 1e-4 * expected + 1e-6)
            << samples << " samples, band " << band << ", frame " << frame;
      }
    }
  }
}

TEST(Mel, PureToneLandsInItsBand) {
  const MelTransform transform;
  const double step = Mel(4000) / 17;
  for (const double hz : {200.0, 440.0, 1000.0, 1900.0, 3100.0}) {
    const at::Tensor mel = transform(Tone(hz, kWaveSamples)).view({kMelBands, kMelFrames});
    // The band whose peak is nearest on the mel scale.
    const int64_t nearest = std::lround(Mel(hz) / step) - 1;
    const at::Tensor middle = mel.select(1, 16);
    EXPECT_EQ(middle.argmax().item<int64_t>(), nearest) << hz << " Hz";
  }
}

TEST(Mel, EnergyOfAToneByParseval) {
  // A sine of amplitude 1 under a Hann window w: sum over f of |X|^2 = N sum (x w)^2; half of it
  // lies in 0..N/2, and at 1000 Hz the triangles add up to 1.
  const at::Tensor mel = MelTransform()(Tone(1000, kWaveSamples)).view({kMelBands, kMelFrames});
  double energy = 0;
  for (int i = 0; i < kFft; ++i) {
    const double hann = 0.5 - 0.5 * std::cos(2 * kPi * i / kFft);
    energy += std::pow(hann * std::sin(2 * kPi * 1000 * (16.0 * kHop - kFft / 2 + i) / 8000), 2);
  }
  EXPECT_NEAR(mel.select(1, 16).sum().item<double>(), kFft * energy / 2, 1e-3 * kFft * energy / 2);
}

TEST(Mel, RowsDoNotDependOnEachOther) {
  const MelTransform transform;
  const at::Tensor one = NoiseWave(1, 2500);
  const at::Tensor two = NoiseWave(2);
  const at::Tensor both = transform(at::cat({one, at::zeros_like(one), two}));
  EXPECT_TRUE(at::allclose(both[0], transform(one)[0], 1e-5));
  EXPECT_TRUE(at::allclose(both[2], transform(two)[0], 1e-5));
  EXPECT_EQ(both[1].abs().max().item<float>(), 0);
}

TEST(Scaling, StandardisedRows) {
  const at::Tensor x = at::cat({NoiseWave(1) * 1e-3 + 5, NoiseWave(2) * 100});
  const at::Tensor y = StandardiseRows(x);
  EXPECT_TRUE(at::allclose(y.mean(1), at::zeros({2}), 0, 1e-4));
  EXPECT_TRUE(at::allclose(y.std(1), at::ones({2}), 1e-3));
  EXPECT_EQ(StandardiseRows(at::zeros({1, 512})).abs().max().item<float>(), 0);
}

TEST(Scaling, RowsOrAllTogether) {
  const at::Tensor x = at::tensor({1.0f, 2.0f, 5.0f, 9.0f, 3.0f, 3.0f}).view({2, 3});
  EXPECT_TRUE(
      at::allclose(ScaleRows(x), at::tensor({0.0f, 0.25f, 1.0f, 1.0f, 0.0f, 0.0f}).view({2, 3})));
  EXPECT_TRUE(at::allclose(ScaleTogether(x),
                           at::tensor({0.0f, 0.125f, 0.5f, 1.0f, 0.25f, 0.25f}).view({2, 3})));
  EXPECT_EQ(ScaleRows(at::ones({1, 3})).abs().max().item<float>(), 0);
}

TEST(ImageFft, AgreesWithADirectTransform) {
  at::Tensor images = at::empty({2, kImageSide, kImageSide}, at::kByte);
  RandomStream random(1, Purpose::kSynthetic);
  for (int i = 0; i < images.numel(); ++i) {
    images.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(random.UniformInt(256));
  }
  const at::Tensor magnitude = ImageMagnitude(images);
  ASSERT_EQ(magnitude.sizes(), (std::vector<int64_t>{2, 196}));
  const uint8_t* pixels = images.data_ptr<uint8_t>() + 784;  // the second image
  for (int row = 0; row < kCrop; ++row) {
    for (int column = 0; column < kCrop; ++column) {
      std::complex<double> sum = 0;
      for (int y = 0; y < kCrop; ++y) {
        for (int x = 0; x < kCrop; ++x) {
          const double value = (pixels[(y + 7) * 28 + x + 7] / 255.0 - 0.1307) / 0.3081;
          // Frequency 0 is shifted to the middle.
          sum += value * std::polar(1.0, -2 * kPi * ((row - 7) * y + (column - 7) * x) / kCrop);
        }
      }
      EXPECT_NEAR(magnitude[1][row * kCrop + column].item<double>(), std::abs(sum), 1e-3);
    }
  }
}

TEST(ImageFft, SeesOnlyTheCentre) {
  at::Tensor images = at::zeros({2, kImageSide, kImageSide}, at::kByte);
  images[1][6].fill_(255);
  images[1].select(1, 21).fill_(255);
  const at::Tensor magnitude = ImageMagnitude(images);
  EXPECT_TRUE(at::equal(magnitude[0], magnitude[1]));
}

TEST(ImageFft, ChunksDoNotShow) {
  at::Tensor images = at::zeros({2100, kImageSide, kImageSide}, at::kByte);
  for (int i = 0; i < 2100; ++i) images[i][14][14] = i % 256;
  const at::Tensor magnitude = ImageMagnitude(images);
  for (const int i : {0, 2047, 2048, 2099}) {
    EXPECT_TRUE(at::allclose(magnitude[i], ImageMagnitude(images.narrow(0, i, 1))[0])) << i;
  }
}

}  // namespace
}  // namespace semlink::data
