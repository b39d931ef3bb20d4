// Texts that the tests of the scenario reader share.
#ifndef SEMLINK_TESTS_SCENARIO_SCENARIOS_H_
#define SEMLINK_TESTS_SCENARIO_SCENARIOS_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"

namespace semlink {

// The shortest scenario: everything else has a default.
inline constexpr char kSmall[] = R"(name: small
transmitters:
  - {modalities: [noise, image_fft]}
  - {modalities: [mel]}
receivers:
  - {task: parity}
  - {task: digit}
)";

// What the reader says of the shortest scenario with `more` at its end; "" if it takes it.
inline std::string ErrorWith(const std::string& more, const Overrides& overrides = {}) {
  const auto scenario = ParseScenario(absl::StrCat(kSmall, more), "f.yaml", overrides);
  return scenario.ok() ? "" : std::string(scenario.status().message());
}

}  // namespace semlink

#endif  // SEMLINK_TESTS_SCENARIO_SCENARIOS_H_
