#include "report/groups.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace semlink::report {
namespace {

// Where the data lie and what computes does not make another scenario.
bool Distinguishes(const std::string& key) {
  return key != "seed" && key != "name" && key != "data.root" && !absl::EndsWith(key, ".device");
}

// Keys whose values differ between the groups.
std::vector<std::string> DifferingKeys(const std::vector<Group>& groups) {
  std::set<std::string> all;
  for (const Group& group : groups) {
    for (const auto& [key, value] : group.first().scenario) {
      if (Distinguishes(key) && key != "method.name") all.insert(key);
    }
  }
  std::vector<std::string> differing;
  for (const std::string& key : all) {
    const std::string value = groups.front().first().Value(key);
    const bool same = std::all_of(groups.begin(), groups.end(), [&](const Group& group) {
      return group.first().Value(key) == value;
    });
    if (!same) differing.push_back(key);
  }
  return differing;
}

// "training.beta" -> "beta"; a number counts the list's element: "receivers.1.baseline" stays.
std::string ShortKey(const std::string& key) {
  const size_t dot = key.rfind('.');
  const bool in_list = key.find_first_of("0123456789") != std::string::npos;
  return dot == std::string::npos || in_list ? key : key.substr(dot + 1);
}

// Keys that tell people most come first.
std::vector<std::string> TellingKeys(std::vector<std::string> keys) {
  const std::vector<std::string> first = {"method.preset",
                                          "training.beta",
                                          "training.gamma",
                                          "limits.e_t",
                                          "limits.e_k",
                                          "training.learning_rate_selector",
                                          "training.learning_rate_codec",
                                          "data.source",
                                          "data.pairing",
                                          "training.windows"};
  const auto rank = [&](const std::string& key) {
    return std::find(first.begin(), first.end(), key) - first.begin();
  };
  std::stable_sort(keys.begin(), keys.end(),
                   [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  return keys;
}

// Whether the key tells groups apart whose labels are alike so far.
bool Splits(const std::vector<Group>& groups, const std::string& key) {
  for (size_t i = 0; i < groups.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (groups[i].label == groups[j].label &&
          groups[i].first().Value(key) != groups[j].first().Value(key)) {
        return true;
      }
    }
  }
  return false;
}

// The method, and as few keys as tell the groups apart.
void LabelGroups(std::vector<Group>* groups) {
  for (Group& group : *groups) group.label = group.method().empty() ? "run" : group.method();
  for (const std::string& key : TellingKeys(DifferingKeys(*groups))) {
    if (!Splits(*groups, key)) continue;
    for (Group& group : *groups) {
      const std::string value = group.first().Value(key);
      absl::StrAppend(&group.label, ", ", ShortKey(key), " = ", value.empty() ? "unset" : value);
    }
  }
}

// Adds a run, unless one with its seed is there.
void AddRun(const RunData& run, Group* group, std::vector<Problem>* problems) {
  for (const RunData*& other : group->runs) {
    if (other->Seed() != run.Seed()) continue;
    const bool better = !other->summary.is_object() && run.summary.is_object();
    const RunData& dropped = better ? *other : run;
    const RunData& kept = better ? run : *other;
    problems->push_back({dropped.name, absl::StrCat("has the scenario and the seed of ", kept.name,
                                                    ": left out, one seed counts once")});
    if (better) other = &run;
    return;
  }
  group->runs.push_back(&run);
}

}  // namespace

std::string SettingKey(const RunData& run, const std::string& but) {
  std::string key;
  for (const auto& [name, value] : run.scenario) {
    if (Distinguishes(name) && name != but) absl::StrAppend(&key, name, "=", value, "\n");
  }
  return key;
}

std::vector<Group> GroupRuns(const std::vector<RunData>& runs, std::vector<Problem>* problems) {
  std::vector<Group> groups;
  std::map<std::string, size_t> by_key;
  std::map<std::string, int> methods;
  for (const RunData& run : runs) {
    const auto [found, added] = by_key.emplace(SettingKey(run), groups.size());
    if (added) groups.emplace_back();
    AddRun(run, &groups[found->second], problems);
    methods.emplace(run.Value("method.name"), static_cast<int>(methods.size()));
  }
  for (Group& group : groups) {
    std::stable_sort(group.runs.begin(), group.runs.end(), [](const RunData* a, const RunData* b) {
      return a->Number("seed", 0) < b->Number("seed", 0);
    });
    for (const RunData* run : group.runs) {
      if (run->summary.is_object()) group.finished.push_back(run);
    }
  }
  std::stable_sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
    return methods[a.method()] < methods[b.method()];
  });
  if (!groups.empty()) LabelGroups(&groups);
  return groups;
}

}  // namespace semlink::report
