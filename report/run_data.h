// A run folder (docs/formats/run_folder.md) as a report needs it: every number knows its place, and
// what is missing or damaged is said, not guessed.
#ifndef SEMLINK_REPORT_RUN_DATA_H_
#define SEMLINK_REPORT_RUN_DATA_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/json.h"

namespace semlink::report {

// A number of one run. `source` is "RUN/FILE:LINE POINTER", the pointer as in RFC 6901.
struct Figure {
  double value = 0;
  std::string source;
};

// What is missing or damaged. `place`: "RUN/FILE" or "RUN/FILE:LINE".
struct Problem {
  std::string place;
  std::string what;
};

// A link in one window. Numbered from 0.
struct LinkUse {
  int transmitter = 0;
  int modality = 0;
  int receiver = 0;
  double rounds = 0;
  double rate_nats = 0;   // per sample, mean over these rounds
  double coded_bits = 0;  // likewise
};

// One line of metrics.jsonl. NaN where the line says null.
struct WindowLine {
  int line = 0;  // from 1
  int64_t window = 0;
  std::map<std::string, double> scalars;                    // "rate_nats", "seconds", ...
  std::map<std::string, std::vector<double>> per_receiver;  // "loss", "accuracy", ...: T values
  std::vector<LinkUse> links;
  // [receiver][slot], slots ordered by transmitter, then modality: share of the rounds in which the
  // link was drawn or, in runs that do not record that, granted (`selection_granted`).
  std::vector<std::vector<double>> selection;
  bool selection_granted = false;
};

// One line of events.jsonl.
struct Event {
  int line = 0;
  absl::Time time;
  std::string name;
  Json fields;
};

enum class RunState { kFinished, kUnfinished, kFailed };

struct RunData {
  std::string name;                                  // in this report; unique
  std::string path;                                  // as the user gave it
  std::map<std::string, std::string> scenario;       // "training.beta" -> "0.001"
  std::string scenario_text;                         // scenario.yaml
  std::vector<std::vector<std::string>> modalities;  // [transmitter][modality], their kinds
  std::vector<std::string> tasks;                    // [receiver]
  std::vector<WindowLine> windows;                   // ordered by window
  std::vector<Event> events;
  Json summary;                               // null: not there, or damaged
  Json environment;                           // likewise
  std::map<std::string, int> summary_places;  // pointer -> line
  RunState state = RunState::kUnfinished;
  std::string failure;  // why it failed
  std::vector<Problem> problems;

  int K() const { return static_cast<int>(modalities.size()); }
  int T() const { return static_cast<int>(tasks.size()); }
  int J() const;  // sum of M(k)
  int Slot(int transmitter, int modality) const;
  std::string Seed() const { return Value("seed"); }
  // "" if the scenario has no such key.
  std::string Value(const std::string& key) const;
  double Number(const std::string& key, double otherwise) const;
  // The number in summary.json at that pointer; nullopt if there is none.
  std::optional<Figure> Summary(const std::string& pointer) const;
  // When its training started; else its first event, else 1970.
  absl::Time Start() const;
  // "RUN/FILE:LINE" (without a line if it is 0).
  std::string Place(const std::string& file, int line) const;
};

// NOT_FOUND if there is no such folder or no scenario.yaml in it; INVALID_ARGUMENT if that can't be
// read. Everything else that is wrong becomes a problem of the run.
absl::StatusOr<RunData> ReadRun(const std::string& path, const std::string& name);

// Names for the runs in these folders: the last part of each path, or the whole path where two
// would be alike.
std::vector<std::string> RunNames(const std::vector<std::string>& paths);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_RUN_DATA_H_
