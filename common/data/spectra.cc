#include "common/data/spectra.h"

#include <algorithm>
#include <cmath>

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
      at::reflection_pad1d(waves.unsqueeze(1), {kFft / 2, kFft / 2}).squeeze(1);
  const at::Tensor frames = padded.unfold(1, kFft, kHop) * window_;    // [B, 32, 2048]
  const at::Tensor spectrum = at::view_as_real(at::fft_rfft(frames));  // [B, 32, 1025, 2]
  const at::Tensor power = spectrum.square().sum(-1);
  return at::matmul(power, filters_).transpose(1, 2).reshape({waves.size(0), kMelSize});
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
