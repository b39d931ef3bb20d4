#include "common/data/spectra.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace semlink::data {
namespace {

constexpr int kFrequencies = kFft / 2 + 1;
constexpr double kTopHz = 4000;
// Images or waves worked on at once: keeps the intermediate results in a few MB.
constexpr int64_t kImageChunk = 2048;

double HzToMel(double hz) { return 2595.0 * std::log10(1.0 + hz / 700.0); }
double MelToHz(double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); }

at::Tensor ScaleBetween(const at::Tensor& x, const at::Tensor& low, const at::Tensor& high) {
  const at::Tensor range = high - low;
  return (x - low) / at::where(range > 0, range, at::ones_like(range));
}

// The part [first, last) of a wave outside which it is exactly 0; empty if it is 0 everywhere.
std::pair<int64_t, int64_t> SoundingRange(const float* wave, int64_t length) {
  int64_t first = 0;
  int64_t last = length;
  while (first < length && wave[first] == 0.0f) ++first;
  while (last > first && wave[last - 1] == 0.0f) --last;
  return {first, last};
}

// Collects windowed frames and turns them into mel bands, so many at a time that they stay in the
// cache.
class FrameBatch {
 public:
  // Results go to rows of `mel` [n, 16].
  FrameBatch(const at::Tensor& filters, at::Tensor* mel)
      : filters_(filters),
        mel_(mel),
        frames_(at::empty({kFrames, kFft}, at::kFloat)),
        power_(at::empty({kFrames, kFrequencies}, at::kFloat)) {}

  // Room for one frame of kFft samples, whose bands become row `row`.
  float* Add(int64_t row) {
    if (static_cast<int>(rows_.size()) == kFrames) Flush();
    rows_.push_back(row);
    return frames_.data_ptr<float>() + (rows_.size() - 1) * kFft;
  }

  void Flush() {
    const auto n = static_cast<int64_t>(rows_.size());
    if (n == 0) return;
    const at::Tensor spectrum =
        at::view_as_real(at::fft_rfft(frames_.narrow(0, 0, n))).contiguous();
    const float* in = spectrum.data_ptr<float>();
    float* out = power_.data_ptr<float>();
    for (int64_t i = 0; i < n * kFrequencies; ++i) {
      out[i] = in[2 * i] * in[2 * i] + in[2 * i + 1] * in[2 * i + 1];
    }
    const at::Tensor bands = at::mm(power_.narrow(0, 0, n), filters_);
    mel_->index_copy_(0, at::tensor(rows_, at::kLong), bands);
    rows_.clear();
  }

 private:
  static constexpr int kFrames = 64;

  const at::Tensor& filters_;
  at::Tensor* mel_;
  at::Tensor frames_;  // [kFrames, 2048]
  at::Tensor power_;   // [kFrames, 1025]
  std::vector<int64_t> rows_;
};

}  // namespace

at::Tensor MelFilters() {
  double edge[kMelBands + 2];
  for (int i = 0; i < kMelBands + 2; ++i) {
    edge[i] = MelToHz(HzToMel(kTopHz) * i / (kMelBands + 1));
  }
  at::Tensor filters = at::zeros({kFrequencies, kMelBands}, at::kFloat);
  auto value = filters.accessor<float, 2>();
  for (int i = 0; i < kFrequencies; ++i) {
    const double hz = kTopHz * i / (kFrequencies - 1);
    for (int band = 0; band < kMelBands; ++band) {
      const double up = (hz - edge[band]) / (edge[band + 1] - edge[band]);
      const double down = (edge[band + 2] - hz) / (edge[band + 2] - edge[band + 1]);
      value[i][band] = static_cast<float>(std::max(0.0, std::min(up, down)));
    }
  }
  return filters;
}

MelTransform::MelTransform()
    : window_(at::hann_window(kFft, /*periodic=*/true, at::kFloat)), filters_(MelFilters()) {}

at::Tensor MelTransform::operator()(const at::Tensor& waves) const {
  const at::Tensor padded =
      at::reflection_pad1d(waves.unsqueeze(1), {kFft / 2, kFft / 2}).squeeze(1).contiguous();
  const int64_t length = padded.size(1);
  at::Tensor mel = at::zeros({waves.size(0) * kMelFrames, kMelBands}, at::kFloat);
  FrameBatch batch(filters_, &mel);
  const float* window = window_.data_ptr<float>();
  for (int64_t b = 0; b < waves.size(0); ++b) {
    const float* wave = padded.data_ptr<float>() + b * length;
    const auto [first, last] = SoundingRange(wave, length);
    for (int64_t f = 0; f < kMelFrames; ++f) {
      const int64_t start = f * kHop;
      if (start + kFft <= first || start >= last) continue;
      float* frame = batch.Add(b * kMelFrames + f);
      for (int i = 0; i < kFft; ++i) frame[i] = wave[start + i] * window[i];
    }
  }
  batch.Flush();
  return mel.view({waves.size(0), kMelFrames, kMelBands})
      .transpose(1, 2)
      .reshape({waves.size(0), kMelSize});
}

at::Tensor StandardiseRows(const at::Tensor& x) {
  const at::Tensor centred = x - x.mean(1, /*keepdim=*/true);
  const at::Tensor deviation = (centred.square().sum(1, true) / (x.size(1) - 1)).sqrt();
  return centred / at::where(deviation > 0, deviation, at::ones_like(deviation));
}

at::Tensor ImageMagnitude(const at::Tensor& images) {
  constexpr int kEdge = (kImageSide - kCrop) / 2;
  const int64_t n = images.size(0);
  at::Tensor result = at::empty({n, kImageFftSize}, at::kFloat);
  for (int64_t first = 0; first < n; first += kImageChunk) {
    const int64_t size = std::min(kImageChunk, n - first);
    const at::Tensor crop = images.narrow(0, first, size)
                                .narrow(1, kEdge, kCrop)
                                .narrow(2, kEdge, kCrop)
                                .to(at::kFloat);
    const at::Tensor normalised = (crop / 255.0 - 0.1307) / 0.3081;
    const at::Tensor spectrum = at::fft_fftshift(at::fft_fft2(normalised), {{-2, -1}});
    result.narrow(0, first, size).copy_(spectrum.abs().reshape({size, kImageFftSize}));
  }
  return result;
}

at::Tensor ScaleRows(const at::Tensor& x) {
  return ScaleBetween(x, x.amin({1}, true), x.amax({1}, true));
}

at::Tensor ScaleTogether(const at::Tensor& x) { return ScaleBetween(x, x.min(), x.max()); }

}  // namespace semlink::data
