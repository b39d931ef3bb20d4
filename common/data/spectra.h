// From pictures and sounds to the numbers that an encoder sees. The definitions are those of the
// published PoM2-DIB code: torchaudio's MelSpectrogram and torch.fft.fft2.
#ifndef SEMLINK_COMMON_DATA_SPECTRA_H_
#define SEMLINK_COMMON_DATA_SPECTRA_H_

#include <ATen/ATen.h>

#include "common/data/corpus.h"

namespace semlink::data {

inline constexpr int kFft = 2048;      // samples per frame
inline constexpr int kHop = 256;       // samples between frames
inline constexpr int kMelBands = 16;   // 0 to 4000 Hz
inline constexpr int kMelFrames = 32;  // 1 + 8000 / 256
inline constexpr int kMelSize = kMelBands * kMelFrames;
inline constexpr int kCrop = 14;  // the centre of the image, 14x14
inline constexpr int kImageFftSize = kCrop * kCrop;

// Triangular filters [1025, 16], equally wide on the HTK mel scale 2595 log10(1 + f/700), peak 1
// (torchaudio's default, no normalisation).
at::Tensor MelFilters();

// Mel spectrograms of waves [B, 8000] -> [B, 512]: 16 bands by 32 frames, band first, as power.
// Frames are centred on multiples of kHop, the ends of the wave are reflected, the window is a
// periodic Hann window. Silent frames are not transformed: half of a padded recording is silence.
class MelTransform {
 public:
  MelTransform();
  at::Tensor operator()(const at::Tensor& waves) const;

 private:
  at::Tensor window_;   // [2048]
  at::Tensor filters_;  // [1025, 16]
};

// Each row minus its mean, divided by its standard deviation (that of n - 1); a constant row
// becomes zeros. [B, n] -> [B, n].
at::Tensor StandardiseRows(const at::Tensor& x);

// Magnitude of the shifted 2-D FFT of the centre of each normalised image, (x / 255 - 0.1307) /
// 0.3081. uint8 [B, 28, 28] -> float32 [B, 196]; zero frequency is at row 7, column 7.
at::Tensor ImageMagnitude(const at::Tensor& images);

// Maps each row to 0..1 by its own minimum and maximum; a constant row becomes zeros. [B, n] -> [B,
// n].
at::Tensor ScaleRows(const at::Tensor& x);
// The same by the minimum and maximum of all of x.
at::Tensor ScaleTogether(const at::Tensor& x);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_SPECTRA_H_
