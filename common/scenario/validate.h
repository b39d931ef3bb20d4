// Combinations of values that can't run, each value being fine by itself.
#ifndef SEMLINK_COMMON_SCENARIO_VALIDATE_H_
#define SEMLINK_COMMON_SCENARIO_VALIDATE_H_

#include "common/scenario/document.h"
#include "common/scenario/mistakes.h"
#include "common/scenario/scenario.h"

namespace semlink {

// Most links (k, m, t) of a scenario: J * T.
inline constexpr int kMaxLinks = 1024;

// Adds what is wrong with `scenario`, which was read from `document`, at the place where it was
// written.
void ValidateCombinations(const Scenario& scenario, const YamlNode& document, Mistakes* mistakes);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_VALIDATE_H_
