#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/scenario/faults.h"
#include "common/scenario/fields.h"
#include "common/scenario/reader.h"
#include "common/scenario/values.h"

namespace semlink {
namespace {

// One line: indent, key and value, and the help behind it, aligned where the value is short.
void AppendLine(const std::string& indent, const Field& field, bool with_help, std::string* out) {
  constexpr size_t kHelpColumn = 40;
  std::string line = absl::StrCat(indent, field.key, ": ", WriteValue(field));
  if (with_help) {
    line.resize(std::max(line.size() + 2, kHelpColumn), ' ');
    absl::StrAppend(&line, "# ", field.help);
  }
  absl::StrAppend(out, line, "\n");
}

void AppendSection(const std::vector<Field>& fields, const std::string& section, std::string* out) {
  if (!section.empty()) absl::StrAppend(out, "\n", section, ":\n");
  for (const Field& field : fields) {
    if (field.section == section) AppendLine(section.empty() ? "" : "  ", field, true, out);
  }
}

// A list of maps. The first item carries the help of its keys.
template <class Item>
void AppendList(const std::string& name, std::vector<Item>* items,
                std::vector<Field> (*fields_of)(Item*), std::string* out) {
  absl::StrAppend(out, "\n", name, ":\n");
  for (size_t i = 0; i < items->size(); ++i) {
    bool first = true;
    for (const Field& field : fields_of(&(*items)[i])) {
      AppendLine(first ? "  - " : "    ", field, i == 0, out);
      first = false;
    }
  }
}

}  // namespace

std::string EmitScenario(const Scenario& scenario) {
  Scenario copy = scenario;  // the table binds to fields that can be written
  const std::vector<Field> fields = ScenarioFields(&copy);
  std::string out = "# A resolved semlink scenario: every key with its value.\n";
  std::string section;
  AppendSection(fields, section, &out);
  for (const Field& field : fields) {
    if (field.section == section) continue;
    section = field.section;
    if (section == "method") {
      AppendList("transmitters", &copy.transmitters, TransmitterFields, &out);
      AppendList("receivers", &copy.receivers, ReceiverFields, &out);
    }
    AppendSection(fields, section, &out);
  }
  return out + EmitFaults(copy.faults);
}

std::string ScenarioHash(const Scenario& scenario) { return Sha256Hex(EmitScenario(scenario)); }

}  // namespace semlink
