// The recordings of FSDD by name: {digit}_{speaker}_{index}.wav. Names alone say digit and split;
// no sound is read.
#ifndef SEMLINK_COMMON_DATA_RECORDINGS_H_
#define SEMLINK_COMMON_DATA_RECORDINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/data/layout.h"

namespace semlink::data {

// Recordings 0-4 of each speaker and digit are the test set, as FSDD's own page proposes.
inline constexpr int kTestRecordings = 5;

struct RecordingName {
  int digit = 0;
  std::string speaker;
  int index = 0;
  std::string file;  // without folder

  Split split() const { return index < kTestRecordings ? Split::kTest : Split::kTrain; }
};

// nullopt if the name has another form.
absl::optional<RecordingName> ParseRecordingName(const std::string& file);

// All .wav files of the folder, ordered by file name (bytes). NOT_FOUND if the folder is missing or
// holds none; INVALID_ARGUMENT if a .wav file has another form of name.
absl::StatusOr<std::vector<RecordingName>> ListRecordings(const std::string& dir);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_RECORDINGS_H_
