#include "common/faults/fault_spec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_quantity.h"

namespace semlink {
namespace {

constexpr int kMaxIndex = 1024;
constexpr char kAll[] = "all";

using Kind = v1::Fault::Kind;
using Names = google::protobuf::RepeatedPtrField<v1::NodeName>;

struct KindRow {
  Kind kind;
  const char* name;
};

constexpr std::array<KindRow, 10> kKinds = {{{v1::Fault::KILL, "kill"},
                                             {v1::Fault::PAUSE, "pause"},
                                             {v1::Fault::RESTART, "restart"},
                                             {v1::Fault::CUT, "cut"},
                                             {v1::Fault::DROP, "drop"},
                                             {v1::Fault::DELAY, "delay"},
                                             {v1::Fault::THROTTLE, "throttle"},
                                             {v1::Fault::DUPLICATE, "duplicate"},
                                             {v1::Fault::REORDER, "reorder"},
                                             {v1::Fault::CORRUPT, "corrupt"}}};

bool Probable(Kind kind) {
  return kind == v1::Fault::DROP || kind == v1::Fault::DUPLICATE || kind == v1::Fault::REORDER ||
         kind == v1::Fault::CORRUPT;
}
bool Delays(Kind kind) { return kind == v1::Fault::DELAY; }
bool Throttles(Kind kind) { return kind == v1::Fault::THROTTLE; }
bool Lasts(Kind kind) { return kind != v1::Fault::RESTART; }
bool Draws(Kind kind) { return Probable(kind) || Delays(kind); }

// An option with a number. The seed, an integer, and the level are read beside this table.
struct OptionRow {
  const char* name;
  bool (*takes)(Kind kind);
  bool required;
  double low, high;
  bool above_low;
  const char* expected;
  std::optional<double> (*read)(absl::string_view);
  std::string (*write)(double);
  double (v1::Fault::*get)() const;
  void (v1::Fault::*set)(double);
};

constexpr char kSeed[] = "seed";
constexpr char kLevel[] = "level";
constexpr char kKernel[] = "kernel";
constexpr char kMessage[] = "message";
// Of a token bucket that must hold a whole packet: tc counts the time that it takes to fill up to
// 275 s only.
constexpr double kSlowestKernelRate = 1000;
const std::array<OptionRow, 5>& Options() {
  static const auto& rows = *new std::array<OptionRow, 5>{{
      {"probability", Probable, true, 0, 1, true, "a number above 0, up to 1", ReadPlainNumber,
       WritePlainNumber, &v1::Fault::probability, &v1::Fault::set_probability},
      {"delay", Delays, true, 0, 3600, true, "a time such as 50ms or 2s, above 0, up to 1h",
       ReadSeconds, WriteSeconds, &v1::Fault::delay_seconds, &v1::Fault::set_delay_seconds},
      {"jitter", Delays, false, 0, 3600, false, "a time such as 20ms or 1s, up to 1h", ReadSeconds,
       WriteSeconds, &v1::Fault::jitter_seconds, &v1::Fault::set_jitter_seconds},
      {"rate", Throttles, true, 1, 1e12, false,
       "a rate such as 20kB/s or 1Mbit/s, from 1B/s to 1000GB/s", ReadBytesPerSecond,
       WriteBytesPerSecond, &v1::Fault::bytes_per_second, &v1::Fault::set_bytes_per_second},
      {"for", Lasts, false, 0, 1e6, true,
       "a time with its unit such as 500ms, 10s or 2min, above 0, up to 1000000s", ReadSeconds,
       WriteSeconds, &v1::Fault::duration_seconds, &v1::Fault::set_duration_seconds},
  }};
  return rows;
}

std::string Quote(absl::string_view text) {
  return text.empty() ? "nothing" : absl::StrCat("'", text, "'");
}

std::optional<v1::NodeName> ReadNode(absl::string_view text) {
  v1::NodeName node;
  if (text == "coordinator") {
    node.set_role(v1::COORDINATOR);
    return node;
  }
  if (absl::ConsumePrefix(&text, "transmitter")) {
    node.set_role(v1::TRANSMITTER);
  } else if (absl::ConsumePrefix(&text, "receiver")) {
    node.set_role(v1::RECEIVER);
  } else {
    return std::nullopt;
  }
  int number = 0;
  if (text.empty() || text[0] < '1' || text[0] > '9' || !absl::SimpleAtoi(text, &number) ||
      number > kMaxIndex || absl::StrCat(number) != text) {
    return std::nullopt;
  }
  node.set_index(static_cast<uint32_t>(number - 1));
  return node;
}

std::string NodeText(const v1::NodeName& node) {
  switch (node.role()) {
    case v1::COORDINATOR:
      return "coordinator";
    case v1::TRANSMITTER:
      return absl::StrCat("transmitter", uint64_t{node.index()} + 1);
    case v1::RECEIVER:
      return absl::StrCat("receiver", uint64_t{node.index()} + 1);
    default:
      return "unknown";
  }
}

std::string NodesText(const Names& nodes) {
  if (nodes.empty()) return kAll;
  return absl::StrJoin(nodes, ",", [](std::string* out, const v1::NodeName& node) {
    absl::StrAppend(out, NodeText(node));
  });
}

NodeId IdOf(const v1::NodeName& node) {
  if (node.role() == v1::TRANSMITTER) return NodeId::Transmitter(static_cast<int>(node.index()));
  if (node.role() == v1::RECEIVER) return NodeId::Receiver(static_cast<int>(node.index()));
  return NodeId::Coordinator();
}

// Every two nodes of different roles have a link, no two of the same role.
bool IsLink(Role a, Role b) { return a != b; }

class WordsReader {
 public:
  WordsReader(const FaultWords& words, std::vector<FaultMistake>* mistakes)
      : words_(words), mistakes_(mistakes) {}

  v1::Fault Read() {
    ReadKind();
    if (fault_.kind() == v1::Fault::KIND_UNSPECIFIED) return fault_;  // the rest hangs on it
    ReadTarget();
    for (const auto& [name, value] : words_.options) ReadOption(name, value);
    for (const OptionRow& row : Options()) {
      if (row.required && row.takes(fault_.kind()) && seen_.count(row.name) == 0) {
        Wrong(row.name, "nothing", row.expected);
      }
    }
    if (fault_.kind() == v1::Fault::PAUSE && fault_.duration_seconds() == 0) {
      fault_.set_duration_seconds(kDefaultPauseSeconds);
    }
    if (IsKernelFault(fault_) && seen_.count(kSeed) > 0) {
      Wrong(kSeed, absl::StrCat("a seed at ", kLevel, " ", kKernel),
            "it to be left out: the kernel draws its own random numbers");
    }
    if (IsKernelFault(fault_) && Throttles(fault_.kind()) && fault_.bytes_per_second() > 0 &&
        fault_.bytes_per_second() < kSlowestKernelRate) {
      Wrong("rate", WriteBytesPerSecond(fault_.bytes_per_second()),
            "at least 1kB/s at level kernel");
    }
    return fault_;
  }

 private:
  void Wrong(const std::string& key, const std::string& found, const std::string& expected) {
    mistakes_->push_back({key, found, expected});
  }

  void ReadKind() {
    for (const KindRow& row : kKinds) {
      if (words_.kind == row.name) fault_.set_kind(row.kind);
    }
    if (fault_.kind() == v1::Fault::KIND_UNSPECIFIED) {
      Wrong("kind", Quote(words_.kind),
            absl::StrCat("one of ", absl::StrJoin(FaultKindNames(), ", ")));
    }
  }

  // False if it is wrong, which has been said then. "all" gives no nodes.
  bool ReadNodes(absl::string_view text, Names* nodes) {
    if (text == kAll) return true;
    std::set<NodeId> seen;
    for (const absl::string_view part : absl::StrSplit(text, ',')) {
      const std::optional<v1::NodeName> node = ReadNode(absl::StripAsciiWhitespace(part));
      if (!node.has_value()) {
        Wrong("target", absl::StrCat(Quote(part), " in ", Quote(words_.target)),
              "transmitterN, receiverN or coordinator, N from 1");
        return false;
      }
      if (seen.insert(IdOf(*node)).second) *nodes->Add() = *node;
    }
    return true;
  }

  void ReadTarget() {
    const absl::string_view target = absl::StripAsciiWhitespace(words_.target);
    if (IsProcessFault(fault_.kind())) {
      ReadProcesses(target);
      return;
    }
    const size_t mark = target.find_first_of(":>");
    if (target.empty() ||
        (mark != absl::string_view::npos && target.find_first_of(":>", mark + 1) != target.npos)) {
      Wrong("target", Quote(target), kLinkExpected);
      return;
    }
    const bool two = mark != absl::string_view::npos;
    fault_.set_both_directions(!two || target[mark] == ':');
    if (!ReadNodes(target.substr(0, mark), fault_.mutable_from())) return;
    if (two && !ReadNodes(target.substr(mark + 1), fault_.mutable_to())) return;
    // One spelling for one meaning: "all:X" is "X", and "all>all" is "all".
    if (fault_.from().empty() && fault_.both_directions())
      fault_.mutable_from()->Swap(fault_.mutable_to());
    if (fault_.from().empty() && fault_.to().empty()) fault_.set_both_directions(true);
    if (!HasLink()) Wrong("target", Quote(target), kLinkExpected);
  }

  void ReadProcesses(absl::string_view target) {
    if (target.empty() || target == kAll || target.find_first_of(":>") != target.npos) {
      Wrong("target", Quote(target),
            absl::StrCat("the nodes to ", words_.kind,
                         ", such as transmitter1 or transmitter1,receiver2"));
      return;
    }
    ReadNodes(target, fault_.mutable_node());
  }

  // Whether there is a link between the two sets at all, whatever the scenario.
  bool HasLink() const {
    if (fault_.from().empty() || fault_.to().empty()) return true;
    for (const v1::NodeName& a : fault_.from()) {
      for (const v1::NodeName& b : fault_.to()) {
        if (IsLink(IdOf(a).role, IdOf(b).role)) return true;
      }
    }
    return false;
  }

  void ReadOption(const std::string& name, const std::string& value) {
    const std::vector<std::string>& known = FaultOptionNames();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Wrong(name, "an unknown option", absl::StrCat("one of ", absl::StrJoin(known, ", ")));
    } else if (!Takes(name)) {
      Wrong(name, Quote(value),
            absl::StrCat("it to be left out: ", words_.kind, " takes ", Taken()));
    } else if (!seen_.insert(name).second) {
      Wrong(name, "the option a second time", "it once");
    } else if (name == kSeed) {
      uint64_t seed = 0;
      if (!absl::SimpleAtoi(value, &seed) || seed == 0) {
        Wrong(name, Quote(value), "an integer from 1 to 2^64 - 1");
      }
      fault_.set_seed(seed);
    } else if (name == kLevel) {
      if (value != kKernel && value != kMessage) {
        Wrong(name, Quote(value), absl::StrCat(kMessage, " or ", kKernel));
      }
      fault_.set_level(value == kKernel ? v1::Fault::KERNEL : v1::Fault::MESSAGE);
    } else {
      ReadNumber(name, value);
    }
  }

  void ReadNumber(const std::string& name, const std::string& value) {
    for (const OptionRow& row : Options()) {
      if (name != row.name) continue;
      const std::optional<double> number = row.read(value);
      if (!number.has_value() || *number < row.low || *number > row.high ||
          (row.above_low && *number == row.low)) {
        Wrong(name, Quote(value), row.expected);
        return;
      }
      (fault_.*row.set)(*number);
    }
  }

  bool Takes(const std::string& name) const {
    if (name == kSeed) return Draws(fault_.kind());
    if (name == kLevel) return !IsProcessFault(fault_.kind());
    for (const OptionRow& row : Options()) {
      if (name == row.name) return row.takes(fault_.kind());
    }
    return false;
  }

  std::string Taken() const {
    std::vector<std::string> names;
    for (const std::string& name : FaultOptionNames()) {
      if (Takes(name)) names.push_back(name);
    }
    return names.empty() ? "no options" : absl::StrJoin(names, ", ");
  }

  static constexpr char kLinkExpected[] =
      "a link such as transmitter1:receiver2 or receiver1:coordinator, \"transmitter1>receiver2\" "
      "for one direction, nodes to set apart from the rest, or all";

  const FaultWords& words_;
  std::vector<FaultMistake>* mistakes_;
  v1::Fault fault_;
  std::set<std::string> seen_;
};

std::string TargetText(const v1::Fault& fault) {
  if (IsProcessFault(fault.kind())) return NodesText(fault.node());
  if (!fault.both_directions()) {
    return absl::StrCat(NodesText(fault.from()), ">", NodesText(fault.to()));
  }
  if (fault.to().empty()) return NodesText(fault.from());
  if (fault.from().empty()) return NodesText(fault.to());
  return absl::StrCat(NodesText(fault.from()), ":", NodesText(fault.to()));
}

absl::Status ToStatus(const std::vector<FaultMistake>& mistakes) {
  if (mistakes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrJoin(mistakes, "\n", [](std::string* out, const FaultMistake& mistake) {
        absl::StrAppend(out, mistake.key, ": found ", mistake.found, "; expected ",
                        mistake.expected);
      }));
}

bool Contains(const Names& nodes, const NodeId& id) {
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const v1::NodeName& node) { return IdOf(node) == id; });
}

// Whether `id` is meant by `nodes`, or, if these are empty, by "all the rest" beside `others`.
bool Meant(const Names& nodes, const Names& others, const NodeId& id) {
  if (!nodes.empty()) return Contains(nodes, id);
  return others.empty() || !Contains(others, id);
}

}  // namespace

const std::vector<std::string>& FaultKindNames() {
  static const auto& names = *[] {
    auto* list = new std::vector<std::string>;
    for (const KindRow& row : kKinds) list->push_back(row.name);
    return list;
  }();
  return names;
}

const std::vector<std::string>& FaultOptionNames() {
  static const auto& names = *[] {
    auto* list = new std::vector<std::string>;
    for (const OptionRow& row : Options()) list->push_back(row.name);
    list->push_back(kSeed);
    list->push_back(kLevel);
    return list;
  }();
  return names;
}

std::string FaultKindName(v1::Fault::Kind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row.name;
  }
  return "";
}

bool IsProcessFault(v1::Fault::Kind kind) {
  return kind == v1::Fault::KILL || kind == v1::Fault::PAUSE || kind == v1::Fault::RESTART;
}

bool IsKernelFault(const v1::Fault& fault) {
  return !IsProcessFault(fault.kind()) && fault.level() == v1::Fault::KERNEL;
}

v1::Fault ReadFaultWords(const FaultWords& words, std::vector<FaultMistake>* mistakes) {
  return WordsReader(words, mistakes).Read();
}

FaultWords ToWords(const v1::Fault& fault) {
  FaultWords words;
  words.kind = FaultKindName(fault.kind());
  words.target = TargetText(fault);
  for (const OptionRow& row : Options()) {
    const double value = (fault.*row.get)();
    // Zero stands for an option that was left out.
    if (row.takes(fault.kind()) && (value != 0 || row.required)) {
      words.options.emplace_back(row.name, row.write(value));
    }
  }
  if (fault.seed() != 0 && Draws(fault.kind())) {
    words.options.emplace_back(kSeed, absl::StrCat(fault.seed()));
  }
  if (fault.level() != v1::Fault::MESSAGE && !IsProcessFault(fault.kind())) {
    words.options.emplace_back(kLevel, kKernel);
  }
  return words;
}

std::string FaultText(const v1::Fault& fault) {
  const FaultWords words = ToWords(fault);
  std::string text = absl::StrCat(words.kind, " ", words.target);
  for (const auto& [name, value] : words.options) absl::StrAppend(&text, " --", name, " ", value);
  return text;
}

absl::StatusOr<v1::Fault> ParseFaultText(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ', absl::SkipEmpty());
  FaultWords words;
  if (!parts.empty()) words.kind = parts[0];
  if (parts.size() > 1) words.target = parts[1];
  for (size_t i = 2; i < parts.size(); i += 2) {
    absl::string_view name = parts[i];
    if (!absl::ConsumePrefix(&name, "--") || i + 1 == parts.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("found ", Quote(parts[i]), "; expected --name value"));
    }
    words.options.emplace_back(name, parts[i + 1]);
  }
  std::vector<FaultMistake> mistakes;
  v1::Fault fault = ReadFaultWords(words, &mistakes);
  RETURN_IF_ERROR(ToStatus(mistakes));
  return fault;
}

std::string FaultYaml(const v1::Fault& fault, const std::string& when) {
  const FaultWords words = ToWords(fault);
  std::string text = absl::StrCat("{", when, when.empty() ? "" : ", ", "kind: ", words.kind,
                                  ", target: \"", words.target, "\"");
  for (const auto& [name, value] : words.options) absl::StrAppend(&text, ", ", name, ": ", value);
  return text + "}";
}

absl::StatusOr<v1::Fault> CheckFault(const v1::Fault& fault, int transmitters, int receivers) {
  if (!v1::Fault::Level_IsValid(fault.level())) {  // words can't say it
    return absl::InvalidArgumentError(absl::StrCat("level: found ", static_cast<int>(fault.level()),
                                                   "; expected ", kMessage, " or ", kKernel));
  }
  std::vector<FaultMistake> mistakes;
  v1::Fault canonical = ReadFaultWords(ToWords(fault), &mistakes);
  RETURN_IF_ERROR(ToStatus(mistakes));
  const std::string missing = MissingNodes(canonical, transmitters, receivers);
  if (!missing.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("target: found ", missing, "; expected nodes of the scenario"));
  }
  return canonical;
}

std::string MissingNodes(const v1::Fault& fault, int transmitters, int receivers) {
  std::vector<std::string> missing;
  for (const Names* nodes : {&fault.node(), &fault.from(), &fault.to()}) {
    for (const v1::NodeName& node : *nodes) {
      const bool transmitter = node.role() == v1::TRANSMITTER;
      const int count = transmitter ? transmitters : node.role() == v1::RECEIVER ? receivers : 1;
      if (node.index() >= static_cast<uint32_t>(count)) missing.push_back(NodeText(node));
    }
  }
  if (missing.empty()) return "";
  return absl::StrCat(absl::StrJoin(missing, ", "), " (there are ", transmitters,
                      " transmitters and ", receivers, " receivers)");
}

std::vector<std::pair<NodeId, NodeId>> FaultLinks(const v1::Fault& fault, int transmitters,
                                                  int receivers) {
  if (IsProcessFault(fault.kind())) return {};
  std::vector<NodeId> all = MembersOf(transmitters, receivers);
  all.insert(all.begin(), NodeId::Coordinator());
  const auto forward = [&](const NodeId& a, const NodeId& b) {
    return Meant(fault.from(), fault.to(), a) && Meant(fault.to(), fault.from(), b);
  };
  std::vector<std::pair<NodeId, NodeId>> links;
  for (const NodeId& a : all) {
    for (const NodeId& b : all) {
      if (!IsLink(a.role, b.role)) continue;
      if (forward(a, b) || (fault.both_directions() && forward(b, a))) links.emplace_back(a, b);
    }
  }
  return links;
}

absl::StatusOr<double> ParseSeconds(absl::string_view text) {
  const std::optional<double> seconds = ReadSeconds(text);
  if (seconds.has_value() && *seconds >= 0) return *seconds;
  return absl::InvalidArgumentError(
      absl::StrCat("found ", Quote(text), "; expected a time such as 500ms, 10s or 2min"));
}

std::string SecondsText(double seconds) { return WriteSeconds(seconds); }

}  // namespace semlink
