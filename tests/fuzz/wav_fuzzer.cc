// A recording's way from a WAV file to the mel spectrogram that an encoder sees.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "common/data/spectra.h"
#include "common/data/wav.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using semlink::fuzz::Require;
  static const semlink::data::MelTransform mel;
  const semlink::fuzz::MemoryFile file(semlink::fuzz::Text(data, size));
  const auto samples = semlink::data::ReadWav(file.path(), semlink::data::kSampleRate);
  if (!samples.ok()) return 0;
  Require(!samples->empty() && samples->size() <= semlink::data::kSampleRate,
          "between one sample and a second of them");
  for (float x : *samples) Require(std::abs(x) <= 1, "every sample is in -1..1");

  at::Tensor wave = at::zeros({1, semlink::data::kSampleRate});
  std::copy(samples->begin(), samples->end(), wave.data_ptr<float>());
  const at::Tensor seen = semlink::data::StandardiseRows(mel(wave));
  Require(at::isfinite(seen).all().item<bool>(), "the spectrogram is finite");
  return 0;
}
