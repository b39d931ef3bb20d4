#include "common/scenario/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <exception>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace semlink {
namespace {

// yaml-cpp reports an unclosed bracket as a list that is a key.
constexpr char kBadKey[] =
    "found a list or a group as a key, or a bracket that is not closed; expected a plain word";

// Thrown by the builder out of yaml-cpp's parser, caught in ParseYaml.
class RefusedYaml : public std::exception {
 public:
  explicit RefusedYaml(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

// Builds the tree from the parser's events. Events, not YAML::Load: they show duplicate keys and
// aliases, and the builder stops the parser before a hostile text has grown.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string origin, bool with_lines)
      : origin_(std::move(origin)), with_lines_(with_lines) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    Refuse(mark, "found an anchor (&); expected none: write the value out");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "found an alias (*); expected none: write the value out");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, "", anchor, YamlNode::Kind::kNull);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.text = value;
    node.quoted = tag == "!";
    Check(mark, tag, anchor);
    if (AwaitsKey()) {
      open_.back().key = value;
      open_.back().key_origin = Where(mark);
      open_.back().has_key = true;
      return;
    }
    node.origin = Where(mark);
    Place(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

  std::string Where(const YAML::Mark& mark) const {
    return with_lines_ && !mark.is_null() ? absl::StrCat(origin_, ":", mark.line + 1) : origin_;
  }

  YamlNode TakeRoot() { return std::move(root_); }

 private:
  struct OpenNode {
    YamlNode node;
    bool has_key = false;
    std::string key, key_origin;
  };

  [[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& why) const {
    throw RefusedYaml(absl::StrCat(Where(mark), ": ", why));
  }

  bool AwaitsKey() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  void Check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) OnAnchor(mark, "");
    if (!tag.empty() && tag != "?" && tag != "!") {
      Refuse(mark, "found a tag (!); expected a plain value");
    }
    if (++values_ > kMaxYamlValues) {
      Refuse(mark, absl::StrCat("found more than ", kMaxYamlValues, " values; expected fewer"));
    }
  }

  void Add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
           YamlNode::Kind kind) {
    Check(mark, tag, anchor);
    if (AwaitsKey()) Refuse(mark, kBadKey);
    YamlNode node;
    node.kind = kind;
    node.origin = Where(mark);
    Place(std::move(node));
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    Check(mark, tag, anchor);
    if (AwaitsKey()) Refuse(mark, kBadKey);
    if (open_.size() >= kMaxYamlDepth) {
      Refuse(mark, absl::StrCat("found values nested deeper than ", kMaxYamlDepth,
                                " levels; expected fewer"));
    }
    open_.emplace_back();
    open_.back().node.kind = kind;
    open_.back().node.origin = Where(mark);
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Place(std::move(node));
  }

  void Place(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.has_key) {
      node.key = std::move(parent.key);
      node.key_origin = std::move(parent.key_origin);
      parent.has_key = false;
    }
    parent.node.items.push_back(std::move(node));
  }

  std::string origin_;
  bool with_lines_;
  int values_ = 0;
  std::vector<OpenNode> open_;
  YamlNode root_;
};

}  // namespace

const YamlNode* YamlNode::Find(const std::string& name) const {
  if (kind != Kind::kMap) return nullptr;
  for (const YamlNode& item : items) {
    if (item.key == name) return &item;
  }
  return nullptr;
}

YamlNode* YamlNode::Find(const std::string& name) {
  return const_cast<YamlNode*>(static_cast<const YamlNode*>(this)->Find(name));
}

std::string YamlNode::Describe() const {
  constexpr size_t kMaxShown = 60;
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return absl::StrCat("a list of ", items.size());
    case Kind::kMap:
      return absl::StrCat("a group of ", items.size(), items.size() == 1 ? " key" : " keys");
    case Kind::kScalar:
      break;
  }
  const std::string shown = absl::Utf8SafeCEscape(text.substr(0, kMaxShown));
  return absl::StrCat("'", shown, text.size() > kMaxShown ? "..." : "", "'");
}

absl::StatusOr<YamlNode> ParseYaml(const std::string& text, const std::string& origin,
                                   bool with_lines) {
  if (text.size() > kMaxScenarioBytes) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": found ", text.size(),
                                                   " bytes; expected at most ", kMaxScenarioBytes));
  }
  TreeBuilder builder(origin, with_lines);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.TakeRoot();
    TreeBuilder rest(origin, with_lines);
    if (parser.HandleNextDocument(rest)) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": found a second YAML document (---); expected one"));
    }
    if (root.origin.empty()) root.origin = with_lines ? absl::StrCat(origin, ":1") : origin;
    return root;
  } catch (const RefusedYaml& refused) {
    return absl::InvalidArgumentError(refused.what());
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(builder.Where(error.mark), ": not valid YAML: ", error.msg));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": not valid YAML: ", error.what()));
  }
}

namespace {

std::vector<std::string> Segments(const std::string& path) { return absl::StrSplit(path, '.'); }

// The item of a list that a path's segment names, appended if it is the one after the last.
absl::StatusOr<YamlNode*> ListItem(const std::string& path, const std::string& segment,
                                   YamlNode* list) {
  size_t index = 0;
  if (!absl::SimpleAtoi(segment, &index) || index < 1 || index > list->items.size() + 1) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": found a list of ", list->items.size(),
                                                   "; expected an index from 1 to ",
                                                   list->items.size() + 1));
  }
  if (index == list->items.size() + 1) list->items.emplace_back();
  return &list->items[index - 1];
}

}  // namespace

absl::Status SetAtPath(const std::string& path, YamlNode value, YamlNode* root) {
  YamlNode* at = root;
  std::string so_far;
  for (const std::string& segment : Segments(path)) {
    if (segment.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": found an empty name; expected names joined by dots"));
    }
    so_far = so_far.empty() ? segment : absl::StrCat(so_far, ".", segment);
    if (at->kind == YamlNode::Kind::kList) {
      absl::StatusOr<YamlNode*> item = ListItem(so_far, segment, at);
      if (!item.ok()) return item.status();
      at = *item;
      continue;
    }
    if (at->kind == YamlNode::Kind::kScalar) {
      return absl::InvalidArgumentError(
          absl::StrCat(so_far, ": found ", at->Describe(), "; expected a group or a list there"));
    }
    if (at->kind == YamlNode::Kind::kNull) {
      at->kind = YamlNode::Kind::kMap;
      at->origin = value.origin;
    }
    YamlNode* next = at->Find(segment);
    if (next == nullptr) {
      at->items.emplace_back();
      next = &at->items.back();
      next->key = segment;
      next->key_origin = value.origin;
    }
    at = next;
  }
  value.key = at->key;
  value.key_origin = value.origin;
  *at = std::move(value);
  return absl::OkStatus();
}

const YamlNode* FindAtPath(const YamlNode& root, const std::string& path) {
  const YamlNode* at = &root;
  for (const std::string& segment : Segments(path)) {
    if (at->kind == YamlNode::Kind::kList) {
      size_t index = 0;
      if (!absl::SimpleAtoi(segment, &index) || index < 1 || index > at->items.size()) {
        return nullptr;
      }
      at = &at->items[index - 1];
    } else {
      at = at->Find(segment);
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

}  // namespace semlink
