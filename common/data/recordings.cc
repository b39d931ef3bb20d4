#include "common/data/recordings.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace semlink::data {

absl::optional<RecordingName> ParseRecordingName(const std::string& file) {
  const std::vector<std::string> parts =
      absl::StrSplit(file.substr(0, file.size() - std::min<std::size_t>(4, file.size())), '_');
  if (file.size() < 4 || file.substr(file.size() - 4) != ".wav" || parts.size() != 3) {
    return absl::nullopt;
  }
  RecordingName name;
  if (!absl::SimpleAtoi(parts[0], &name.digit) || !absl::SimpleAtoi(parts[2], &name.index) ||
      name.digit < 0 || name.digit > 9 || name.index < 0 || parts[1].empty()) {
    return absl::nullopt;
  }
  name.speaker = parts[1];
  name.file = file;
  return name;
}

absl::StatusOr<std::vector<RecordingName>> ListRecordings(const std::string& dir) {
  std::error_code error;
  std::filesystem::directory_iterator entries(dir, error);
  if (error) return absl::NotFoundError(absl::StrCat(dir, ": ", error.message()));
  std::vector<RecordingName> names;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() != ".wav") continue;
    const auto name = ParseRecordingName(entries->path().filename().string());
    if (!name) {
      return absl::InvalidArgumentError(
          absl::StrCat(entries->path().string(),
                       ": expected a name of the form digit_speaker_index.wav (0_george_12.wav)"));
    }
    names.push_back(*name);
  }
  if (error) return absl::DataLossError(absl::StrCat(dir, ": ", error.message()));
  if (names.empty()) return absl::NotFoundError(absl::StrCat(dir, ": no recordings (*.wav)"));
  std::sort(names.begin(), names.end(),
            [](const RecordingName& a, const RecordingName& b) { return a.file < b.file; });
  return names;
}

}  // namespace semlink::data
