// A grid of runs: every combination of values for some keys of a scenario.
#ifndef SEMLINK_CLI_SWEEP_GRID_H_
#define SEMLINK_CLI_SWEEP_GRID_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scenario/reader.h"

namespace semlink::cli {

inline constexpr size_t kMaxSweepRuns = 100000;

// One key with its values, as `--set` takes them.
struct SweepAxis {
  std::string key;  // "training.beta"
  std::vector<std::string> values;
  std::string origin;  // "grid.yaml:7" or "--grid"
};

// The axes of a block are combined with each other; blocks stand side by side.
using SweepBlock = std::vector<SweepAxis>;

struct SweepGrid {
  std::string scenario;                           // path of the scenario file
  std::string out;                                // folder for the runs; "": not said
  std::string transport;                          // "": not said
  int jobs = 0;                                   // 0: not said
  Overrides set;                                  // for every run
  std::map<std::string, std::string> set_origin;  // override -> "grid.yaml:4"
  std::vector<SweepBlock> blocks;
};

struct SweepRun {
  std::string name;     // of its folder: "beta=0.001,seed=2". Stays the same if the grid grows
  Overrides overrides;  // "training.beta=0.001", "seed=2", after those of SweepGrid::set
};

// docs/sweep.md. INVALID_ARGUMENT with "FILE:LINE: key: found X; expected Y", all mistakes at once;
// NOT_FOUND. A scenario in it is relative to the grid file.
absl::StatusOr<SweepGrid> ReadGridFile(const std::string& path);
absl::StatusOr<SweepGrid> ParseGrid(const std::string& text, const std::string& path);

// One --grid KEY=VALUE,VALUE,... or KEY=1..5. INVALID_ARGUMENT.
absl::StatusOr<SweepAxis> ParseGridFlag(const std::string& flag);

// Every combination, the last axis of a block fastest; combinations that are equal once. Without
// axes one run. INVALID_ARGUMENT if there are more than kMaxSweepRuns.
absl::StatusOr<std::vector<SweepRun>> ExpandGrid(const SweepGrid& grid);

// A message of the scenario's reader with the grid's places instead of its overrides: "grid.yaml:7"
// instead of "--set training.beta=x".
std::string WithGridPlaces(const SweepGrid& grid, const std::string& message);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_SWEEP_GRID_H_
