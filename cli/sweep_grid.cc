#include "cli/sweep_grid.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/file_system.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/scenario/document.h"
#include "common/scenario/mistakes.h"

namespace semlink::cli {
namespace {

constexpr size_t kMaxNameLength = 120;
constexpr uint64_t kMaxRange = 10000;

// Short names of the keys that are swept most.
const std::map<std::string, std::string>& ShortNames() {
  static const auto* const kNames = new std::map<std::string, std::string>{
      {"beta", "training.beta"},   {"gamma", "training.gamma"}, {"windows", "training.windows"},
      {"e_t", "limits.e_t"},       {"e_k", "limits.e_k"},       {"method", "method.name"},
      {"preset", "method.preset"}, {"seeds", "seed"},
  };
  return *kNames;
}

std::string FullKey(const std::string& key) {
  const auto found = ShortNames().find(key);
  return found == ShortNames().end() ? key : found->second;
}

// "1..5": whole numbers, both ends included. False if it is no range.
bool ExpandRange(const std::string& text, std::vector<std::string>* values) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(text, absl::MaxSplits("..", 1));
  int64_t first = 0, last = 0;
  if (!absl::SimpleAtoi(ends.first, &first) || !absl::SimpleAtoi(ends.second, &last)) return false;
  // Unsigned: the difference of any two fits.
  const uint64_t steps = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  if (last < first || steps >= kMaxRange) return false;
  for (uint64_t i = 0; i <= steps; ++i) {
    values->push_back(absl::StrCat(first + static_cast<int64_t>(i)));
  }
  return true;
}

// A text in quotes stays one when --set reads it as YAML again.
std::string SetText(const YamlNode& value) {
  if (!value.quoted) return value.text;
  return absl::StrCat("'", absl::StrReplaceAll(value.text, {{"'", "''"}}), "'");
}

class GridReader {
 public:
  explicit GridReader(const std::string& path) : path_(path) {}

  absl::StatusOr<SweepGrid> Read(const YamlNode& root) {
    if (root.kind != YamlNode::Kind::kMap) {
      mistakes_.Add(root.origin, "", root.Describe(), "a grid: scenario, grid, ...");
      RETURN_IF_ERROR(mistakes_.ToStatus());
    }
    for (const YamlNode& item : root.items) Take(item);
    if (grid_.scenario.empty() && root.Find("scenario") == nullptr) {
      mistakes_.Add(path_, "scenario", "nothing", "the path of a scenario file");
    }
    if (root.Find("grid") == nullptr) {
      mistakes_.Add(path_, "grid", "nothing", "keys with the values to combine");
    }
    RETURN_IF_ERROR(mistakes_.ToStatus());
    return std::move(grid_);
  }

 private:
  void Take(const YamlNode& item) {
    if (item.key == "scenario") {
      std::string scenario = TextOf(item);
      if (scenario.empty()) return;
      const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
      grid_.scenario = (folder / scenario).lexically_normal().string();
    } else if (item.key == "out") {
      grid_.out = TextOf(item);
    } else if (item.key == "transport") {
      grid_.transport = TextOf(item);
      if (grid_.transport != "grpc" && grid_.transport != "inproc") {
        mistakes_.Add(item.origin, "transport", item.Describe(), "grpc or inproc");
      }
    } else if (item.key == "jobs") {
      if (!absl::SimpleAtoi(TextOf(item), &grid_.jobs) || grid_.jobs < 1) {
        mistakes_.Add(item.origin, "jobs", item.Describe(), "a number of 1 or more");
      }
    } else if (item.key == "set") {
      TakeSet(item);
    } else if (item.key == "grid") {
      TakeGrid(item);
    } else {
      const std::vector<std::string> known = {"scenario", "out", "transport",
                                              "jobs",     "set", "grid"};
      const std::string nearest = Nearest(item.key, known);
      mistakes_.Add(item.key_origin, item.key, "an unknown key",
                    nearest.empty() ? absl::StrCat("one of ", absl::StrJoin(known, ", "))
                                    : absl::StrCat("perhaps ", nearest));
    }
  }

  std::string TextOf(const YamlNode& item) {
    if (item.kind == YamlNode::Kind::kScalar && !item.text.empty()) return item.text;
    mistakes_.Add(item.origin, item.key, item.Describe(), "a text");
    return "";
  }

  void TakeSet(const YamlNode& item) {
    if (item.kind != YamlNode::Kind::kMap) {
      mistakes_.Add(item.origin, "set", item.Describe(), "keys with one value each");
      return;
    }
    for (const YamlNode& value : item.items) {
      if (value.kind != YamlNode::Kind::kScalar) {
        mistakes_.Add(value.origin, absl::StrCat("set.", value.key), value.Describe(),
                      "one value; lists go into grid");
        continue;
      }
      grid_.set.push_back(absl::StrCat(FullKey(value.key), "=", SetText(value)));
      grid_.set_origin[grid_.set.back()] = value.origin;
    }
  }

  void TakeGrid(const YamlNode& item) {
    if (item.kind == YamlNode::Kind::kMap) {
      grid_.blocks.push_back(BlockOf(item, "grid"));
    } else if (item.kind == YamlNode::Kind::kList) {
      for (size_t i = 0; i < item.items.size(); ++i) {
        const std::string path = absl::StrCat("grid.", i + 1);
        if (item.items[i].kind == YamlNode::Kind::kMap) {
          grid_.blocks.push_back(BlockOf(item.items[i], path));
        } else {
          mistakes_.Add(item.items[i].origin, path, item.items[i].Describe(),
                        "keys with the values to combine");
        }
      }
    } else {
      mistakes_.Add(item.origin, "grid", item.Describe(),
                    "keys with the values to combine, or a list of such");
    }
  }

  SweepBlock BlockOf(const YamlNode& map, const std::string& path) {
    SweepBlock block;
    for (const YamlNode& item : map.items) {
      SweepAxis axis{FullKey(item.key), {}, item.origin};
      const std::string at = absl::StrCat(path, ".", item.key);
      const bool twice = std::any_of(block.begin(), block.end(),
                                     [&](const SweepAxis& a) { return a.key == axis.key; });
      if (twice) mistakes_.Add(item.key_origin, at, "a second axis of this key", "each key once");
      AddValues(item, at, &axis);
      if (!axis.values.empty()) block.push_back(std::move(axis));
    }
    return block;
  }

  void AddValues(const YamlNode& item, const std::string& at, SweepAxis* axis) {
    if (item.kind == YamlNode::Kind::kScalar) {
      if (item.quoted || !ExpandRange(item.text, &axis->values)) {
        axis->values.push_back(SetText(item));
      }
      return;
    }
    if (item.kind != YamlNode::Kind::kList || item.items.empty()) {
      mistakes_.Add(item.origin, at, item.Describe(), "a value, a list of values, or a range 1..5");
      return;
    }
    for (const YamlNode& value : item.items) {
      if (value.kind == YamlNode::Kind::kScalar) {
        axis->values.push_back(SetText(value));
      } else {
        mistakes_.Add(value.origin, at, value.Describe(), "a number, a word or a text");
      }
    }
  }

  const std::string& path_;
  SweepGrid grid_;
  Mistakes mistakes_;
};

// The last part of a key, or its short name: "beta".
std::string NameOfKey(const std::string& key) {
  for (const auto& [name, full] : ShortNames()) {
    if (full == key && name != "seeds") return name;
  }
  return key.substr(key.rfind('.') + 1);
}

// Keys of a block whose short forms are alike are written out.
std::vector<std::string> NamesOfKeys(const SweepBlock& block) {
  std::multiset<std::string> used;
  for (const SweepAxis& axis : block) used.insert(NameOfKey(axis.key));
  std::vector<std::string> names;
  for (const SweepAxis& axis : block) {
    const std::string name = NameOfKey(axis.key);
    names.push_back(used.count(name) > 1 ? axis.key : name);
  }
  return names;
}

// A name for a folder. Where something had to be left out, a digest keeps different names apart.
std::string FolderName(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                       std::string("._=+,-").find(c) != std::string::npos;
    name += plain ? c : '_';
  }
  if (name.size() > kMaxNameLength) name.resize(kMaxNameLength);
  if (name == text && name.front() != '.') return name;
  if (name.front() == '.') name.front() = '_';
  return absl::StrCat(name, "-", Sha256Hex(text).substr(0, 8));
}

absl::Status ExpandBlock(const SweepGrid& grid, const SweepBlock& block, std::set<Overrides>* seen,
                         std::vector<SweepRun>* runs) {
  const std::vector<std::string> names = NamesOfKeys(block);
  std::vector<size_t> at(block.size(), 0);
  for (;;) {
    SweepRun run;
    run.overrides = grid.set;
    std::vector<std::string> parts;
    for (size_t i = 0; i < block.size(); ++i) {
      const std::string& value = block[i].values[at[i]];
      run.overrides.push_back(absl::StrCat(block[i].key, "=", value));
      parts.push_back(absl::StrCat(names[i], "=", value));
    }
    run.name = parts.empty() ? "run" : FolderName(absl::StrJoin(parts, ","));
    if (seen->insert(run.overrides).second) runs->push_back(std::move(run));
    if (runs->size() > kMaxSweepRuns) {
      return absl::InvalidArgumentError(
          absl::StrCat("the grid has more than ", kMaxSweepRuns, " runs; make it smaller"));
    }
    size_t axis = block.size();
    while (axis > 0 && ++at[axis - 1] == block[axis - 1].values.size()) at[--axis] = 0;
    if (axis == 0) return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<SweepGrid> ParseGrid(const std::string& text, const std::string& path) {
  ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(text, path, true));
  return GridReader(path).Read(root);
}

absl::StatusOr<SweepGrid> ReadGridFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (text.size() > kMaxScenarioBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": larger than any grid"));
  }
  return ParseGrid(text, path);
}

absl::StatusOr<SweepAxis> ParseGridFlag(const std::string& flag) {
  const size_t equals = flag.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == flag.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--grid ", flag, ": expected KEY=VALUE,VALUE,... or KEY=1..5"));
  }
  SweepAxis axis{FullKey(flag.substr(0, equals)), {}, absl::StrCat("--grid ", flag)};
  const std::string text = flag.substr(equals + 1);
  if (ExpandRange(text, &axis.values)) return axis;
  axis.values = absl::StrSplit(text, ',');
  if (std::find(axis.values.begin(), axis.values.end(), "") != axis.values.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--grid ", flag, ": one of its values is empty"));
  }
  return axis;
}

absl::StatusOr<std::vector<SweepRun>> ExpandGrid(const SweepGrid& grid) {
  std::vector<SweepRun> runs;
  std::set<Overrides> seen;
  if (grid.blocks.empty()) RETURN_IF_ERROR(ExpandBlock(grid, {}, &seen, &runs));
  for (const SweepBlock& block : grid.blocks) {
    RETURN_IF_ERROR(ExpandBlock(grid, block, &seen, &runs));
  }
  // Blocks with other keys may still give a name twice.
  std::set<std::string> names;
  for (SweepRun& run : runs) {
    if (names.insert(run.name).second) continue;
    run.name =
        absl::StrCat(run.name, "-", Sha256Hex(absl::StrJoin(run.overrides, "\n")).substr(0, 8));
    names.insert(run.name);
  }
  return runs;
}

std::string WithGridPlaces(const SweepGrid& grid, const std::string& message) {
  std::vector<std::pair<std::string, std::string>> places;
  for (const auto& [set, origin] : grid.set_origin) {
    places.emplace_back(absl::StrCat("--set ", set), origin);
  }
  for (const SweepBlock& block : grid.blocks) {
    for (const SweepAxis& axis : block) {
      for (const std::string& value : axis.values) {
        places.emplace_back(absl::StrCat("--set ", axis.key, "=", value), axis.origin);
      }
    }
  }
  return absl::StrReplaceAll(message, places);
}

}  // namespace semlink::cli
