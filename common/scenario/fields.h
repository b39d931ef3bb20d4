// The table of all keys of a scenario file: name, range, unit, meaning. The reader, the emitter and
// the documentation's test go through it, so that a new key is one row here and one field in
// scenario.h.
#ifndef SEMLINK_COMMON_SCENARIO_FIELDS_H_
#define SEMLINK_COMMON_SCENARIO_FIELDS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/scenario/scenario.h"

namespace semlink {

// A field that takes one of a few names.
struct Choice {
  std::vector<std::string> names;  // in the order of the enum's values
  void* field;
  int (*get)(const void* field);
  void (*set)(void* field, int index);
};

using FieldRef = std::variant<bool*, int*, uint64_t*, double*, std::string*, Choice,
                              std::vector<ModalityKind>*, std::vector<Link>*>;

// A key, bound to the field of one Scenario.
struct Field {
  std::string section;  // "" at the top level and in the items of a list
  std::string key;
  FieldRef ref;
  std::string help;  // one line, with the unit
  double low = 0;    // range of a number
  double high = 0;
  bool above_low = false;  // `low` itself is not allowed
  std::string unit;        // may follow the number
  bool required = false;
  // For texts: "" if the value is allowed, else what is expected.
  std::string (*expected)(const std::string& value) = nullptr;

  Field WithUnit(const char* name) &&;
  Field Required() &&;
  Field AboveLow() &&;

  // "training.windows"
  std::string Path() const { return section.empty() ? key : section + "." + key; }
};

// All keys outside the two lists, in the order in which a scenario is written.
std::vector<Field> ScenarioFields(Scenario* scenario);
std::vector<Field> TransmitterFields(TransmitterOptions* transmitter);
std::vector<Field> ReceiverFields(ReceiverOptions* receiver);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_FIELDS_H_
