// Spoken digits: mono WAV files at 8 kHz.
#ifndef SEMLINK_COMMON_DATA_WAV_H_
#define SEMLINK_COMMON_DATA_WAV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semlink::data {

inline constexpr int kSampleRate = 8000;  // Hz

// The first `max_samples` samples (all, if there are fewer), in -1..1.
// NOT_FOUND if the file can't be opened; INVALID_ARGUMENT if it is no WAV file, not mono, not at
// kSampleRate, empty, or if a sample is not a number in -1..1 (the message says what was found and
// what is expected); DATA_LOSS if it is shorter than its header says.
absl::StatusOr<std::vector<float>> ReadWav(const std::string& path, int max_samples);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_WAV_H_
