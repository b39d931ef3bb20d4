#include "common/scenario/reader.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/scenario/document.h"
#include "common/scenario/extensions.h"
#include "common/scenario/faults.h"
#include "common/scenario/fields.h"
#include "common/scenario/method_table.h"
#include "common/scenario/mistakes.h"
#include "common/scenario/presets.h"
#include "common/scenario/validate.h"
#include "common/scenario/values.h"

namespace semlink {
namespace {

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : absl::StrCat(path, ".", key);
}

// Reads a document whose root is a map into a Scenario, and collects what is wrong with it.
class ScenarioReader {
 public:
  ScenarioReader(const YamlNode& root, Mistakes* mistakes) : root_(root), mistakes_(mistakes) {}

  Scenario Read() {
    Scenario scenario;
    if (root_.kind != YamlNode::Kind::kMap) {
      mistakes_->Add(root_.origin, "", root_.Describe(), "a scenario: keys and values");
      return scenario;
    }
    SetDefaults(&scenario);
    ReadRoot(&scenario);
    for (ReceiverOptions& receiver : scenario.receivers) {
      if (receiver.baseline == 0) receiver.baseline = PresetBaseline(receiver.task);
    }
    return scenario;
  }

 private:
  using Groups = std::map<std::string, std::function<void(const YamlNode&)>>;

  // What the preset and the method say about the fields that the file leaves out.
  void SetDefaults(Scenario* scenario) {
    const YamlNode* preset_node = FindAtPath(root_, "method.preset");
    const Preset* preset = preset_node != nullptr ? FindPreset(preset_node->text) : nullptr;
    ApplyPreset(preset != nullptr ? *preset : Presets().front(), scenario);
    const YamlNode* method_node = FindAtPath(root_, "method.name");
    const MethodRow* method = method_node != nullptr ? FindMethod(method_node->text) : nullptr;
    if (method != nullptr) ApplyMethod(*method, scenario);
  }

  // Reads the root in the order of the text, so that mistakes come in that order.
  void ReadRoot(Scenario* scenario) {
    std::map<std::string, std::vector<Field>> sections;
    for (Field& field : ScenarioFields(scenario)) {
      all_paths_.push_back(field.Path());
      sections[field.section].push_back(std::move(field));
    }
    Groups groups;
    for (const auto& entry : sections) {
      if (entry.first.empty()) continue;
      groups[entry.first] = [this, &entry](const YamlNode& node) {
        ReadSection(node, entry.first, entry.second);
      };
    }
    groups["transmitters"] = [this, scenario](const YamlNode& node) {
      ReadList(node, "transmitters", &scenario->transmitters, TransmitterFields);
    };
    groups["receivers"] = [this, scenario](const YamlNode& node) {
      ReadList(node, "receivers", &scenario->receivers, ReceiverFields);
    };
    groups["faults"] = [this, scenario](const YamlNode& node) {
      ReadFaults(node, &scenario->faults, mistakes_);
    };
    ReadMap(root_, "", sections[""], groups);
    for (const char* list : {"transmitters", "receivers"}) {
      if (root_.Find(list) == nullptr) {
        mistakes_->Add(root_.origin, list, "nothing", "a list of one or more");
      }
    }
  }

  void ReadSection(const YamlNode& node, const std::string& name,
                   const std::vector<Field>& fields) {
    if (node.kind == YamlNode::Kind::kNull) return;  // all its keys are commented out
    if (node.kind != YamlNode::Kind::kMap) {
      mistakes_->Add(node.origin, name, node.Describe(), "a group of keys");
      return;
    }
    ReadMap(node, name, fields, {});
  }

  template <class Item>
  void ReadList(const YamlNode& list, const std::string& name, std::vector<Item>* items,
                std::vector<Field> (*fields_of)(Item*)) {
    const size_t size = list.items.size();
    if (list.kind != YamlNode::Kind::kList || size < 1 || size > size_t{kMaxLinks}) {
      mistakes_->Add(list.origin, name, list.Describe(),
                     absl::StrCat("a list of one or more, at most ", kMaxLinks));
      return;
    }
    items->resize(size);
    for (size_t i = 0; i < size; ++i) {
      const std::string path = absl::StrCat(name, ".", i + 1);
      const YamlNode& node = list.items[i];
      if (node.kind != YamlNode::Kind::kMap) {
        mistakes_->Add(node.origin, path, node.Describe(), "a group of keys");
        continue;
      }
      ReadMap(node, path, fields_of(&(*items)[i]), {});
    }
  }

  // Reads one map: `fields` by the table, each of `groups` by its function.
  void ReadMap(const YamlNode& map, const std::string& path, const std::vector<Field>& fields,
               const Groups& groups) {
    std::map<std::string, const YamlNode*> seen;
    for (const YamlNode& item : map.items) {
      const std::string item_path = Join(path, item.key);
      const auto [first, is_new] = seen.emplace(item.key, &item);
      if (!is_new) {
        mistakes_->Add(item.key_origin, item_path, "the key a second time",
                       absl::StrCat("it once (first at ", first->second->key_origin, ")"));
        continue;
      }
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [&](const Field& f) { return f.key == item.key; });
      if (field != fields.end()) {
        ReadValue(item, item_path, *field, mistakes_);
      } else if (const auto group = groups.find(item.key); group != groups.end()) {
        group->second(item);
      } else {
        AddUnknown(item, path, fields, groups);
      }
    }
    for (const Field& field : fields) {
      if (field.required && seen.count(field.key) == 0) {
        mistakes_->Add(map.origin, Join(path, field.key), "nothing", field.help);
      }
    }
  }

  void AddUnknown(const YamlNode& item, const std::string& path, const std::vector<Field>& fields,
                  const Groups& groups) {
    std::vector<std::string> known;
    for (const auto& group : groups) known.push_back(group.first);
    for (const Field& field : fields) known.push_back(field.key);
    std::string meant = Nearest(item.key, known);
    if (!meant.empty()) meant = Join(path, meant);
    // The right name in the wrong group.
    for (const std::string& other : all_paths_) {
      if (absl::EndsWith(other, absl::StrCat(".", item.key))) meant = other;
    }
    YamlNode name;
    name.kind = YamlNode::Kind::kScalar;
    name.text = item.key;
    const std::string shown = Join(path, name.Describe().substr(1, name.Describe().size() - 2));
    mistakes_->Add(item.key_origin, shown, "an unknown key",
                   meant.empty() ? "one of " + absl::StrJoin(known, ", ")
                                 : absl::StrCat("a known one: did you mean ", meant, "?"));
  }

  const YamlNode& root_;
  Mistakes* mistakes_;
  std::vector<std::string> all_paths_;
};

void ApplyOverrides(const Overrides& overrides, YamlNode* root, Mistakes* mistakes) {
  for (const std::string& text : overrides) {
    const std::string origin = absl::StrCat("--set ", text);
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      mistakes->Add(origin, "", absl::StrCat("'", text, "'"), "key.path=value");
      continue;
    }
    absl::StatusOr<YamlNode> value = ParseYaml(text.substr(equals + 1), origin, false);
    if (!value.ok()) {
      mistakes->AddLine(std::string(value.status().message()));
      continue;
    }
    const absl::Status set = SetAtPath(text.substr(0, equals), *std::move(value), root);
    if (!set.ok()) mistakes->AddLine(absl::StrCat(origin, ": ", set.message()));
  }
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": can't read it: ", error ? error.message() : "it is not a file",
                     "; expected a scenario file"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxScenarioBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(absl::StrCat(path, ": can't read it; expected a readable file"));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

absl::StatusOr<Scenario> ReadScenarioFile(const std::string& path, const Overrides& overrides) {
  ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  return ParseScenario(text, path, overrides);
}

absl::StatusOr<Scenario> ParseScenario(const std::string& text, const std::string& file_name,
                                       const Overrides& overrides) {
  RETURN_IF_ERROR(CheckExtensions(InstalledExtensions()));
  ASSIGN_OR_RETURN(YamlNode root, ParseYaml(text, file_name, true));
  Mistakes mistakes;
  ApplyOverrides(overrides, &root, &mistakes);
  ScenarioReader reader(root, &mistakes);
  Scenario scenario = reader.Read();
  if (root.kind == YamlNode::Kind::kMap) ValidateCombinations(scenario, root, &mistakes);
  RETURN_IF_ERROR(mistakes.ToStatus());
  return scenario;
}

}  // namespace semlink
