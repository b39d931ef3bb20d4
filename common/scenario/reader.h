// Scenario files: YAML -> Scenario -> YAML.
#ifndef SEMLINK_COMMON_SCENARIO_READER_H_
#define SEMLINK_COMMON_SCENARIO_READER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/scenario/scenario.h"

namespace semlink {

// One `--set key.path=value`: replaces or adds the value at that path before the file is checked.
// List elements are addressed by index from 1: "transmitters.2.device=cuda:0".
using Overrides = std::vector<std::string>;

// INVALID_ARGUMENT with "file:line: key: what is wrong; expected what", one line per mistake, all
// mistakes at once: unknown keys (with the nearest known one), wrong types, values out of range,
// impossible combinations. A mistake in an override names "--set key.path=value" instead of the
// line. NOT_FOUND if the file can't be read.
absl::StatusOr<Scenario> ReadScenarioFile(const std::string& path, const Overrides& overrides = {});
absl::StatusOr<Scenario> ParseScenario(const std::string& text, const std::string& file_name,
                                       const Overrides& overrides = {});

// The resolved scenario: every key with its value, presets expanded, commented with units.
// ParseScenario of it gives the same Scenario.
std::string EmitScenario(const Scenario& scenario);

// SHA-256 of EmitScenario, hex.
std::string ScenarioHash(const Scenario& scenario);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_READER_H_
