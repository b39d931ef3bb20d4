#include "common/scenario/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/scenario/extensions.h"
#include "common/links/link_sets.h"

namespace semlink {
namespace {

// Shortest text that reads back as the same double.
std::string Shortest(double value) {
  std::array<char, 40> buffer;
  const std::to_chars_result end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), end.ptr);
  // "1e-05" is a text to YAML 1.1 readers; "1.0e-05" is a number to all.
  const size_t exponent = text.find('e');
  if (exponent != std::string::npos && !absl::StrContains(text, '.')) text.insert(exponent, ".0");
  return text;
}

// A limit for messages: "1000000", not "1e+06".
std::string Readable(double value) {
  return value == std::floor(value) && std::fabs(value) < 1e15
             ? absl::StrCat(static_cast<int64_t>(value))
             : Shortest(value);
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool PlainInYaml(const std::string& text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0]))) return false;
  for (const unsigned char c : text) {
    if (!absl::ascii_isalnum(c) && c != '_' && c != '-' && c != '.' && c != '/') return false;
  }
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}) {
    if (absl::EqualsIgnoreCase(text, word)) return false;
  }
  return true;
}

// One overload per type of field. Reading: "" if the value was stored, else what was expected.
class Reader {
 public:
  Reader(const YamlNode& node, const Field& field) : node_(node), field_(field) {}

  std::string operator()(bool* out) const {
    for (const char* word : {"true", "True", "TRUE"}) {
      if (Plain() && node_.text == word) return Store(true, out);
    }
    for (const char* word : {"false", "False", "FALSE"}) {
      if (Plain() && node_.text == word) return Store(false, out);
    }
    return "true or false";
  }

  std::string operator()(int* out) const {
    const std::string expected = Range("an integer");
    int64_t value = 0;
    if (!Plain() || !Integer(node_.text, &value)) return expected;
    if (value < field_.low || value > field_.high) return expected;
    return Store(static_cast<int>(value), out);
  }

  std::string operator()(uint64_t* out) const {
    uint64_t value = 0;
    if (!Plain() || !Integer(node_.text, &value)) return "an integer from 0 to 2^64 - 1";
    return Store(value, out);
  }

  std::string operator()(double* out) const {
    const std::string kind =
        field_.unit.empty() ? "a number" : absl::StrCat("a number of ", field_.unit);
    double value = 0;
    if (!Plain() || !ReadDouble(WithoutUnit(), &value)) return Range(kind);
    if (value < field_.low || value > field_.high) return Range(kind);
    if (field_.above_low && value == field_.low) return Range(kind);
    return Store(value, out);
  }

  std::string operator()(std::string* out) const {
    if (node_.kind != YamlNode::Kind::kScalar) return "a text";
    const std::string expected = field_.expected ? field_.expected(node_.text) : "";
    return expected.empty() ? Store(node_.text, out) : expected;
  }

  std::string operator()(const Choice& choice) const {
    const int index = IndexOf(node_, choice.names);
    if (index < 0) return absl::StrJoin(choice.names, " or ");
    choice.set(choice.field, index);
    return "";
  }

  std::string operator()(std::vector<ModalityKind>* out) const {
    const std::string expected =
        absl::StrCat("a list of one or more of ", absl::StrJoin(ModalityNames(), ", "));
    if (node_.kind != YamlNode::Kind::kList || node_.items.empty()) return expected;
    std::vector<ModalityKind> kinds;
    for (const YamlNode& item : node_.items) {
      const int index = IndexOf(item, ModalityNames());
      if (index < 0) return absl::StrCat(expected, " (not ", item.Describe(), ")");
      kinds.push_back(static_cast<ModalityKind>(index));
    }
    return Store(std::move(kinds), out);
  }

  std::string operator()(std::vector<Link>* out) const {
    const std::string expected = "links as in \"1.3->1,2.2->1\"";
    if (node_.kind == YamlNode::Kind::kNull) return Store({}, out);
    if (node_.kind != YamlNode::Kind::kScalar) return expected;
    absl::StatusOr<std::vector<Link>> links = ParseLinks(node_.text);
    if (!links.ok()) return absl::StrCat(expected, " (", links.status().message(), ")");
    return Store(*std::move(links), out);
  }

 private:
  template <class T>
  static std::string Store(T value, T* out) {
    *out = std::move(value);
    return "";
  }

  bool Plain() const { return node_.kind == YamlNode::Kind::kScalar && !node_.quoted; }

  static int IndexOf(const YamlNode& node, const std::vector<std::string>& names) {
    if (node.kind != YamlNode::Kind::kScalar) return -1;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == node.text) return static_cast<int>(i);
    }
    return -1;
  }

  template <class T>
  static bool Integer(const std::string& text, T* out) {
    const std::from_chars_result end =
        std::from_chars(text.data(), text.data() + text.size(), *out);
    return end.ec == std::errc() && end.ptr == text.data() + text.size();
  }

  // Decimal only: no hexadecimal, no "inf", no "nan".
  static bool ReadDouble(const std::string& text, double* out) {
    if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) {
      return false;
    }
    return absl::SimpleAtod(text, out) && std::isfinite(*out);
  }

  std::string WithoutUnit() const {
    const std::string tail = absl::StrCat(" ", field_.unit);
    if (field_.unit.empty() || !absl::EndsWith(node_.text, tail)) return node_.text;
    return std::string(
        absl::StripAsciiWhitespace(node_.text.substr(0, node_.text.size() - tail.size())));
  }

  std::string Range(const std::string& kind) const {
    return absl::StrCat(kind, field_.above_low ? " above " : " from ", Readable(field_.low),
                        field_.above_low ? ", up to " : " to ", Readable(field_.high));
  }

  const YamlNode& node_;
  const Field& field_;
};

struct Writer {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const int* value) const { return absl::StrCat(*value); }
  std::string operator()(const uint64_t* value) const { return absl::StrCat(*value); }
  std::string operator()(const double* value) const { return Shortest(*value); }
  std::string operator()(const std::string* value) const {
    return PlainInYaml(*value) ? *value : Quoted(*value);
  }
  std::string operator()(const Choice& choice) const {
    return choice.names[choice.get(choice.field)];
  }
  std::string operator()(const std::vector<ModalityKind>* kinds) const {
    return absl::StrCat("[",
                        absl::StrJoin(*kinds, ", ",
                                      [](std::string* out, ModalityKind kind) {
                                        absl::StrAppend(out, Name(kind));
                                      }),
                        "]");
  }
  std::string operator()(const std::vector<Link>* links) const {
    return Quoted(FormatLinks(*links));
  }
};

}  // namespace

void ReadValue(const YamlNode& node, const std::string& path, const Field& field,
               Mistakes* mistakes) {
  const std::string expected = std::visit(Reader(node, field), field.ref);
  if (!expected.empty()) mistakes->Add(node.origin, path, node.Describe(), expected);
}

std::string WriteValue(const Field& field) { return std::visit(Writer{}, field.ref); }

}  // namespace semlink
