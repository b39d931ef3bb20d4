#include "report/json_places.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace semlink::report {
namespace {

constexpr size_t kMaxDepth = 64;  // deeper pointers would grow with the square of the text

// Walks over the tokens with a stack of its own: a deeply nested text must not end the program.
class Walk {
 public:
  explicit Walk(const std::string& text) : text_(text) {}

  std::map<std::string, int> Run() {
    while (at_ < text_.size()) Step();
    return std::move(places_);
  }

 private:
  struct Level {
    std::string pointer;
    bool list;
    int index = 0;    // of the next element of a list
    std::string key;  // of the next value of an object
    bool key_next = true;
  };

  void Step() {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (c == '{' || c == '[') {
      const std::string pointer = Place();
      levels_.push_back({pointer, c == '[', 0, "", true});
      ++at_;
    } else if (c == '}' || c == ']') {
      if (!levels_.empty()) levels_.pop_back();
      ++at_;
    } else if (c == '"') {
      String();
    } else if (c == ',') {
      if (!levels_.empty()) levels_.back().key_next = true;
      ++at_;
    } else if (c == ':' || c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else {
      Place();
      at_ = text_.find_first_of(",]} \t\r\n", at_);
      if (at_ == std::string::npos) at_ = text_.size();
    }
  }

  // Notes the value that begins here; returns its pointer, "" if it is too deep.
  std::string Place() {
    std::string pointer;
    if (levels_.size() > kMaxDepth) return pointer;
    if (!levels_.empty()) {
      Level& level = levels_.back();
      pointer = level.list ? absl::StrCat(level.pointer, "/", level.index++)
                           : absl::StrCat(level.pointer, "/", level.key);
    }
    places_.emplace(pointer, line_);
    return pointer;
  }

  void String() {
    const bool key = !levels_.empty() && !levels_.back().list && levels_.back().key_next;
    if (!key) Place();
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (key) {
      levels_.back().key =
          absl::StrReplaceAll(text_.substr(begin, at_ - begin), {{"~", "~0"}, {"/", "~1"}});
      levels_.back().key_next = false;
    }
    ++at_;
  }

  const std::string& text_;
  size_t at_ = 0;
  int line_ = 1;
  std::vector<Level> levels_;
  std::map<std::string, int> places_;
};

}  // namespace

std::map<std::string, int> JsonPlaces(const std::string& text) { return Walk(text).Run(); }

}  // namespace semlink::report
