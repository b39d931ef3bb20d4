#include "common/data/wav.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace semlink::data {
namespace {

struct SndClose {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

// libsndfile silently shortens a file whose tail is missing: compare the RIFF header with the file
// size first.
absl::Status CheckRiff(const std::string& path) {
  std::error_code error;
  const uint64_t on_disk = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  char head[12] = {};
  if (!file.read(head, sizeof(head)) || std::memcmp(head, "RIFF", 4) != 0 ||
      std::memcmp(head + 8, "WAVE", 4) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a WAV file"));
  }
  uint64_t size = 8;
  for (int i = 0; i < 4; ++i) size += uint64_t{static_cast<uint8_t>(head[4 + i])} << (8 * i);
  if (size > on_disk) {
    return absl::DataLossError(absl::StrCat(path, ": ", on_disk, " bytes, but its header says ",
                                            size, "; fetch it again"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<float>> ReadWav(const std::string& path, int max_samples) {
  RETURN_IF_ERROR(CheckRiff(path));
  SF_INFO info = {};
  const std::unique_ptr<SNDFILE, SndClose> file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", sf_strerror(nullptr)));
  }
  if (info.samplerate != kSampleRate || info.channels != 1) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", info.samplerate, " Hz, ",
                                                   info.channels, " channels; expected ",
                                                   kSampleRate, " Hz, 1 channel"));
  }
  if (info.frames <= 0) return absl::InvalidArgumentError(absl::StrCat(path, ": no samples"));
  std::vector<float> samples(std::min<sf_count_t>(info.frames, max_samples));
  const sf_count_t got =
      sf_readf_float(file.get(), samples.data(), static_cast<sf_count_t>(samples.size()));
  if (got != static_cast<sf_count_t>(samples.size())) {
    return absl::DataLossError(
        absl::StrCat(path, ": read ", got, " samples of ", samples.size(), "; fetch it again"));
  }
  // Files of floating-point samples can hold anything. NaN is no more than 1 either.
  const auto bad =
      std::find_if(samples.begin(), samples.end(), [](float x) { return !(std::abs(x) <= 1.0f); });
  if (bad != samples.end()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": sample ", bad - samples.begin() + 1,
                                                   " is ", *bad, "; expected -1 to 1"));
  }
  return samples;
}

}  // namespace semlink::data
