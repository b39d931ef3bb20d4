// Runs as event files of TensorBoard.
#ifndef SEMLINK_REPORT_TENSORBOARD_H_
#define SEMLINK_REPORT_TENSORBOARD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "report/run_data.h"

namespace semlink::report {

// CRC-32C (Castagnoli) of the bytes: 0xE3069283 for "123456789".
uint32_t Crc32c(absl::string_view bytes);

// One record of a TFRecord file: length (8 bytes, little endian), masked CRC of the length, data,
// masked CRC of the data.
std::string TfRecord(absl::string_view data);

// The event file of a run: one event per window with every number that its line of metrics.jsonl
// has, "train/loss/1 parity", and one with the results of its evaluation at the last window. Time:
// that of training_started and the windows' seconds since.
std::string EventFile(const RunData& run);

// Writes DIR/RUN/events.out.tfevents.SECONDS.semlink for each run; returns the paths. RUN is the
// run's name with "_" for "/", and "-2" and so on after it where another run has that folder. A
// file of that name is replaced.
absl::StatusOr<std::vector<std::string>> WriteEventFiles(const std::vector<RunData>& runs,
                                                         const std::string& directory);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_TENSORBOARD_H_
