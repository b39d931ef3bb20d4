#include "common/scenario/method_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/scenario/extensions.h"

namespace semlink {

const std::vector<MethodRow>& BuiltInMethods() {
  using E = EncoderRule;
  using S = SelectionRule;
  using L = LimitRule;
  using R = RateRule;
  // clang-format off
  static const auto& rows = *new std::vector<MethodRow>{
      // name             encoder            selection        const. u  limits         rate
      {"pom2dib",         E::kGaussian,      S::kPolicy,      false,    L::kKept,      R::kInformation},
      {"pom2dib_nocr",    E::kGaussian,      S::kPolicy,      true,     L::kKept,      R::kInformation},
      {"rsdib",           E::kGaussian,      S::kRandom,      false,    L::kKept,      R::kInformation},
      {"rsdib_once",      E::kGaussian,      S::kRandomOnce,  false,    L::kKept,      R::kInformation},
      {"midib",           E::kGaussian,      S::kRanked,      false,    L::kKept,      R::kInformation},
      {"midib_published", E::kGaussian,      S::kRanked,      false,    L::kReceiver,  R::kInformation},
      {"fixed",           E::kGaussian,      S::kListed,      false,    L::kKept,      R::kInformation},
      {"vddib",           E::kGaussian,      S::kFull,        false,    L::kIgnored,   R::kInformation},
      {"dlsc",            E::kDeterministic, S::kFull,        false,    L::kIgnored,   R::kCodeEntropy},
  };
  // clang-format on
  return rows;
}

const std::vector<MethodRow>& Methods() {
  static const auto& rows = *[] {
    auto* all = new std::vector<MethodRow>(BuiltInMethods());
    const std::vector<MethodRow>& more = InstalledExtensions().methods;
    all->insert(all->end(), more.begin(), more.end());
    return all;
  }();
  return rows;
}

const MethodRow* FindMethod(const std::string& name) {
  for (const MethodRow& row : Methods()) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

const std::vector<std::string>& PlannedMethods() {
  static const auto& names = *new std::vector<std::string>{"cmt", "tosc"};
  return names;
}

const MethodRow& MethodOf(const Scenario& scenario) {
  const MethodRow* row = FindMethod(scenario.method.name);
  if (row == nullptr) {
    std::fprintf(stderr, "scenario with method.name '%s', which the reader does not let pass\n",
                 scenario.method.name.c_str());
    std::abort();
  }
  return *row;
}

void ApplyMethod(const MethodRow& row, Scenario* scenario) {
  scenario->method.name = row.name;
  if (row.constant_randomness) scenario->common_randomness.source = CrSource::kConstant;
  if (row.rate == RateRule::kCodeEntropy) scenario->rate.estimator = RateEstimator::kKnnEntropy;
}

LimitOptions LimitsInForce(const Scenario& scenario) {
  int modalities = 0;
  for (int k = 0; k < scenario.K(); ++k) modalities = std::max(modalities, scenario.M(k));
  LimitOptions limits = scenario.limits;
  const LimitRule rule = MethodOf(scenario).limits;
  if (rule != LimitRule::kKept) limits.e_k = std::max(1, modalities * scenario.T());
  if (rule == LimitRule::kIgnored) limits.e_t = std::max(1, scenario.K());
  return limits;
}

SelectionSpace SpaceInForce(const Scenario& scenario) {
  const LimitOptions limits = LimitsInForce(scenario);
  SelectionSpace space{limits.e_t, limits.e_k, {}, {}};
  for (int k = 0; k < scenario.K(); ++k) space.modalities.push_back(scenario.M(k));
  space.linked.assign(scenario.K(), std::vector<bool>(scenario.T(), true));
  return space;
}

}  // namespace semlink
