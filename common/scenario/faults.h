// The `faults:` list of a scenario: YAML <-> TimedFault. What a fault may be is common/faults.
#ifndef SEMLINK_COMMON_SCENARIO_FAULTS_H_
#define SEMLINK_COMMON_SCENARIO_FAULTS_H_

#include <string>
#include <vector>

#include "common/scenario/document.h"
#include "common/scenario/mistakes.h"
#include "common/scenario/scenario.h"

namespace semlink {

// Most entries of the list.
inline constexpr size_t kMaxTimedFaults = 1000;

// Reads the list into `faults`, one element per entry; an entry that is wrong, which is added to
// `mistakes`, has an empty `fault`.
void ReadFaults(const YamlNode& list, std::vector<TimedFault>* faults, Mistakes* mistakes);

// Adds the faults that name nodes that the scenario does not have.
void CheckFaultNodes(const Scenario& scenario, const YamlNode& document, Mistakes* mistakes);

// The list as YAML. ReadFaults gives the same to the last bit.
std::string EmitFaults(const std::vector<TimedFault>& faults);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_FAULTS_H_
