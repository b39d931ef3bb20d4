// A YAML text as a plain tree in which every value knows where it was written. Hostile texts (deep
// nesting, aliases, tags, too many values) are refused while they are read, so the tree is small
// whatever the text says.
#ifndef SEMLINK_COMMON_SCENARIO_DOCUMENT_H_
#define SEMLINK_COMMON_SCENARIO_DOCUMENT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semlink {

inline constexpr size_t kMaxScenarioBytes = 1 << 20;
inline constexpr int kMaxYamlDepth = 16;
inline constexpr int kMaxYamlValues = 20000;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;             // of a scalar
  bool quoted = false;          // a scalar in quotes is a text, whatever it looks like
  std::vector<YamlNode> items;  // of a list or a map, in the order of the text
  std::string origin;           // "file:line" of the value, or "--set key=value"
  std::string key;              // of a map's item
  std::string key_origin;       // "file:line" of the key

  // The first item of a map with that key, or nullptr.
  const YamlNode* Find(const std::string& name) const;
  YamlNode* Find(const std::string& name);

  // What a person would say that this is, for messages: "'abc'", "a list of 3", "nothing".
  std::string Describe() const;
};

// Parses one document. `origin` names the text in messages; line numbers are appended if
// `with_lines`. INVALID_ARGUMENT with "origin:line: what is wrong".
absl::StatusOr<YamlNode> ParseYaml(const std::string& text, const std::string& origin,
                                   bool with_lines);

// Puts `value` at `path` (names and list indexes from 1, joined by dots), making maps on the way.
// The index after the last appends. INVALID_ARGUMENT, with "path: found X; expected Y", if the path
// leads through a value that is no map or list.
absl::Status SetAtPath(const std::string& path, YamlNode value, YamlNode* root);

// The value at `path`, or nullptr.
const YamlNode* FindAtPath(const YamlNode& root, const std::string& path);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_DOCUMENT_H_
