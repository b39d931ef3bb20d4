#include "common/scenario/faults.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/faults/fault_spec.h"

namespace semlink {
namespace {

constexpr int kMaxWindow = 10'000'000;
constexpr char kWhenExpected[] =
    "at_window (so many windows are committed) or at (so long after the first one was opened), "
    "one of them";

class EntryReader {
 public:
  EntryReader(const YamlNode& entry, std::string path, Mistakes* mistakes)
      : entry_(entry), path_(std::move(path)), mistakes_(mistakes) {}

  TimedFault Read() {
    if (entry_.kind != YamlNode::Kind::kMap) {
      Wrong(entry_, "", "a group of keys: at_window or at, kind, target");
      return {};
    }
    for (const YamlNode& item : entry_.items) ReadItem(item);
    if ((timed_.at_window >= 0) == (timed_.at_seconds >= 0) && fine_) {
      fine_ = false;
      mistakes_->Add(entry_.origin, path_, timed_.at_window >= 0 ? "both times" : "no time",
                     kWhenExpected);
    }
    ReadFault();
    if (!fine_) timed_.fault.clear();
    return timed_;
  }

 private:
  void Wrong(const YamlNode& node, const std::string& key, const std::string& expected) {
    fine_ = false;
    mistakes_->Add(node.origin, key.empty() ? path_ : absl::StrCat(path_, ".", key),
                   node.Describe(), expected);
  }

  void ReadItem(const YamlNode& item) {
    if (!seen_.insert(item.key).second) {
      fine_ = false;
      mistakes_->Add(item.key_origin, absl::StrCat(path_, ".", item.key), "the key a second time",
                     "it once");
    } else if (item.key == "at_window") {
      ReadWindow(item);
    } else if (item.key == "at") {
      const absl::StatusOr<double> seconds = item.kind == YamlNode::Kind::kScalar
                                                 ? ParseSeconds(item.text)
                                                 : absl::InvalidArgumentError("");
      if (seconds.ok()) {
        timed_.at_seconds = *seconds;
      } else {
        Wrong(item, "at", "a time with its unit such as 500ms, 12s or 2min");
      }
    } else if (!IsWord(item.key)) {
      AddUnknown(item);
    } else if (item.kind != YamlNode::Kind::kScalar) {
      Wrong(item, item.key, "a text or a number");
    } else if (item.key == "kind") {
      words_.kind = item.text;
    } else if (item.key == "target") {
      words_.target = item.text;
    } else {
      words_.options.emplace_back(item.key, item.text);
    }
  }

  void ReadWindow(const YamlNode& item) {
    int window = -1;
    const char* end = item.text.data() + item.text.size();
    const std::from_chars_result read = std::from_chars(item.text.data(), end, window);
    if (item.kind != YamlNode::Kind::kScalar || read.ec != std::errc() || read.ptr != end ||
        window < 0 || window > kMaxWindow) {
      Wrong(item, "at_window", absl::StrCat("an integer from 0 to ", kMaxWindow));
    } else {
      timed_.at_window = window;
    }
  }

  static bool IsWord(const std::string& key) {
    const std::vector<std::string>& options = FaultOptionNames();
    return key == "kind" || key == "target" ||
           std::find(options.begin(), options.end(), key) != options.end();
  }

  void AddUnknown(const YamlNode& item) {
    fine_ = false;
    std::vector<std::string> known = {"at_window", "at", "kind", "target"};
    known.insert(known.end(), FaultOptionNames().begin(), FaultOptionNames().end());
    const std::string meant = Nearest(item.key, known);
    mistakes_->Add(item.key_origin, absl::StrCat(path_, ".", item.key), "an unknown key",
                   meant.empty() ? "one of " + absl::StrJoin(known, ", ")
                                 : absl::StrCat("a known one: did you mean ", meant, "?"));
  }

  void ReadFault() {
    std::vector<FaultMistake> found;
    const v1::Fault fault = ReadFaultWords(words_, &found);
    for (const FaultMistake& mistake : found) {
      const YamlNode* item = entry_.Find(mistake.key);
      if (item != nullptr && item->kind != YamlNode::Kind::kScalar) continue;  // said already
      fine_ = false;
      mistakes_->Add(item != nullptr ? item->origin : entry_.origin,
                     absl::StrCat(path_, ".", mistake.key), mistake.found, mistake.expected);
    }
    if (found.empty()) timed_.fault = FaultText(fault);
  }

  const YamlNode& entry_;
  std::string path_;
  Mistakes* mistakes_;
  std::set<std::string> seen_;
  FaultWords words_;
  TimedFault timed_;
  bool fine_ = true;
};

}  // namespace

void ReadFaults(const YamlNode& list, std::vector<TimedFault>* faults, Mistakes* mistakes) {
  faults->clear();
  if (list.kind == YamlNode::Kind::kNull) return;
  if (list.kind != YamlNode::Kind::kList || list.items.size() > kMaxTimedFaults) {
    mistakes->Add(list.origin, "faults", list.Describe(),
                  absl::StrCat("a list of faults, at most ", kMaxTimedFaults));
    return;
  }
  for (size_t i = 0; i < list.items.size(); ++i) {
    faults->push_back(EntryReader(list.items[i], absl::StrCat("faults.", i + 1), mistakes).Read());
  }
}

void CheckFaultNodes(const Scenario& scenario, const YamlNode& document, Mistakes* mistakes) {
  for (size_t i = 0; i < scenario.faults.size(); ++i) {
    const absl::StatusOr<v1::Fault> fault = ParseFaultText(scenario.faults[i].fault);
    if (!fault.ok()) continue;  // said already
    const std::string missing = MissingNodes(*fault, scenario.K(), scenario.T());
    if (missing.empty()) continue;
    const std::string path = absl::StrCat("faults.", i + 1, ".target");
    const YamlNode* node = FindAtPath(document, path);
    mistakes->Add(node != nullptr ? node->origin : document.origin, path, missing,
                  "nodes of this scenario");
  }
}

std::string EmitFaults(const std::vector<TimedFault>& faults) {
  std::string out = "\n# Injected on purpose: docs/faults.md\nfaults:";
  if (faults.empty()) return out + " []\n";
  for (const TimedFault& timed : faults) {
    const std::string when = timed.at_window >= 0
                                 ? absl::StrCat("at_window: ", timed.at_window)
                                 : absl::StrCat("at: ", SecondsText(timed.at_seconds));
    const absl::StatusOr<v1::Fault> fault = ParseFaultText(timed.fault);
    if (fault.ok()) absl::StrAppend(&out, "\n  - ", FaultYaml(*fault, when));
  }
  return out + "\n";
}

}  // namespace semlink
