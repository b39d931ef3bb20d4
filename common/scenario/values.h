// One YAML value into one field of a scenario, by the field's row in the table.
#ifndef SEMLINK_COMMON_SCENARIO_VALUES_H_
#define SEMLINK_COMMON_SCENARIO_VALUES_H_

#include <string>

#include "common/scenario/document.h"
#include "common/scenario/fields.h"
#include "common/scenario/mistakes.h"

namespace semlink {

// Stores the value of `node` in the field, or adds a mistake about `path` and leaves the field as
// it is.
void ReadValue(const YamlNode& node, const std::string& path, const Field& field,
               Mistakes* mistakes);

// The field's value as YAML, without its unit. Parsing it gives the same value to the last bit.
std::string WriteValue(const Field& field);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_VALUES_H_
