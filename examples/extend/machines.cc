// A data set: what sensors at a machine measured, in CSV files, and which fault the machine had.
//
//   DIR/train.csv, DIR/test.csv: a sample per line: fault (0 to 3), 16 numbers of vibration, 4
//   temperatures
//
// It brings its modalities `vibration` and `temperature` and its task `fault` with it.
#include <cmath>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/scenario/extensions.h"

namespace semlink::extensions {
namespace {

constexpr int kVibration = 16;
constexpr int kTemperature = 4;
constexpr int kFaults = 4;
constexpr size_t kColumns = 1 + kVibration + kTemperature;

using Rows = std::vector<std::vector<float>>;

absl::StatusOr<Rows> ReadCsv(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can't be read"));
  Rows rows;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    std::vector<float> row(fields.size());
    bool numbers = fields.size() == kColumns;
    for (size_t i = 0; i < fields.size(); ++i) numbers &= absl::SimpleAtof(fields[i], &row[i]);
    const bool fault = row[0] >= 0 && row[0] < kFaults && row[0] == std::floor(row[0]);
    if (!numbers || !fault) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", rows.size() + 1,
                                                     ": expected a fault, 0 to ", kFaults - 1,
                                                     ", and ", kColumns - 1, " numbers"));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<SplitValues<std::vector<float>>> ReadFolder(const DataOptions& options) {
  SplitValues<std::vector<float>> rows;
  ASSIGN_OR_RETURN(rows.train, ReadCsv(options.root + "/train.csv"));
  ASSIGN_OR_RETURN(rows.test, ReadCsv(options.root + "/test.csv"));
  return rows;
}

std::vector<float> Columns(const Rows& rows, size_t first, size_t count) {
  std::vector<float> values;
  for (const std::vector<float>& row : rows) {
    values.insert(values.end(), row.begin() + first, row.begin() + first + count);
  }
  return values;
}

absl::StatusOr<SampleCounts> Count(const DataOptions& options) {
  ASSIGN_OR_RETURN(const auto rows, ReadFolder(options));
  return SampleCounts{static_cast<int64_t>(rows.train.size()),
                      static_cast<int64_t>(rows.test.size())};
}

absl::StatusOr<SplitValues<float>> Features(const Scenario& scenario, const std::string& modality) {
  ASSIGN_OR_RETURN(const auto rows, ReadFolder(scenario.data));
  SplitValues<float> values;
  if (modality == "vibration") {
    values.train = Columns(rows.train, 1, kVibration);
    values.test = Columns(rows.test, 1, kVibration);
  } else if (modality == "temperature") {
    values.train = Columns(rows.train, 1 + kVibration, kTemperature);
    values.test = Columns(rows.test, 1 + kVibration, kTemperature);
  } else {
    return absl::NotFoundError(absl::StrCat("data set machines has no modality ", modality));
  }
  return values;
}

absl::StatusOr<SplitValues<int64_t>> Labels(const Scenario& scenario, const std::string& task) {
  if (task != "fault") {
    return absl::NotFoundError(absl::StrCat("data set machines has no task ", task));
  }
  ASSIGN_OR_RETURN(const auto rows, ReadFolder(scenario.data));
  SplitValues<int64_t> labels;
  for (const auto& row : rows.train) labels.train.push_back(static_cast<int64_t>(row[0]));
  for (const auto& row : rows.test) labels.test.push_back(static_cast<int64_t>(row[0]));
  return labels;
}

}  // namespace

Extension machines() {
  ModalityExtension vibration, temperature;
  vibration.name = "vibration";
  vibration.size = kVibration;
  temperature.name = "temperature";
  temperature.size = kTemperature;
  TaskExtension fault;
  fault.name = "fault";
  fault.classes = kFaults;
  fault.baseline = 1.4;  // nats: log 4
  DataSetExtension set;
  set.name = "machines";
  set.count = Count;
  set.features = Features;
  set.labels = Labels;
  Extension extension;
  extension.modalities = {vibration, temperature};
  extension.tasks = {fault};
  extension.data_sets = {set};
  return extension;
}

}  // namespace semlink::extensions
