#include "common/scenario/method_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"
#include "tests/scenario/scenarios.h"

namespace semlink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void ExpectRow(const char* name, EncoderRule encoder, SelectionRule selection,
               bool constant_randomness, LimitRule limits, RateRule rate) {
  const MethodRow* row = FindMethod(name);
  ASSERT_NE(row, nullptr) << name;
  EXPECT_EQ(row->encoder, encoder) << name;
  EXPECT_EQ(row->selection, selection) << name;
  EXPECT_EQ(row->constant_randomness, constant_randomness) << name;
  EXPECT_EQ(row->limits, limits) << name;
  EXPECT_EQ(row->rate, rate) << name;
}

TEST(MethodTableTest, EveryRow) {
  using E = EncoderRule;
  using S = SelectionRule;
  using L = LimitRule;
  using R = RateRule;
  ExpectRow("pom2dib", E::kGaussian, S::kPolicy, false, L::kKept, R::kInformation);
  ExpectRow("pom2dib_nocr", E::kGaussian, S::kPolicy, true, L::kKept, R::kInformation);
  ExpectRow("rsdib", E::kGaussian, S::kRandom, false, L::kKept, R::kInformation);
  ExpectRow("rsdib_once", E::kGaussian, S::kRandomOnce, false, L::kKept, R::kInformation);
  ExpectRow("midib", E::kGaussian, S::kRanked, false, L::kKept, R::kInformation);
  ExpectRow("midib_published", E::kGaussian, S::kRanked, false, L::kReceiver, R::kInformation);
  ExpectRow("fixed", E::kGaussian, S::kListed, false, L::kKept, R::kInformation);
  ExpectRow("vddib", E::kGaussian, S::kFull, false, L::kIgnored, R::kInformation);
  ExpectRow("dlsc", E::kDeterministic, S::kFull, false, L::kIgnored, R::kCodeEntropy);
  std::vector<std::string> names;
  for (const MethodRow& row : Methods()) names.push_back(row.name);
  EXPECT_THAT(names, ElementsAre("pom2dib", "pom2dib_nocr", "rsdib", "rsdib_once", "midib",
                                 "midib_published", "fixed", "vddib", "dlsc"));
}

TEST(MethodTableTest, UnknownNamesAreNotFound) {
  EXPECT_EQ(FindMethod("pom3dib"), nullptr);
  for (const std::string& name : PlannedMethods()) EXPECT_EQ(FindMethod(name), nullptr);
}

TEST(MethodTableTest, TheScenarioSaysTheRow) {
  for (const MethodRow& row : Methods()) {
    Overrides overrides = {absl::StrCat("method.name=", row.name)};
    if (row.selection == SelectionRule::kListed) overrides.push_back("method.links=1.1->1");
    const auto s = ParseScenario(kSmall, "f.yaml", overrides);
    ASSERT_TRUE(s.ok()) << s.status();
    EXPECT_EQ(&MethodOf(*s), &row);
    EXPECT_EQ(s->common_randomness.source,
              row.constant_randomness ? CrSource::kConstant : CrSource::kDerived);
    EXPECT_EQ(s->rate.estimator == RateEstimator::kKnnEntropy, row.rate == RateRule::kCodeEntropy);
    // What a node gets from the coordinator is the resolved file.
    const auto again = ParseScenario(EmitScenario(*s), "resolved.yaml");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(EmitScenario(*again), EmitScenario(*s));
  }
}

TEST(MethodTableTest, LimitsInForce) {
  Scenario s;
  s.transmitters = {{{ModalityKind::kNoise}, "cpu"},
                    {{ModalityKind::kNoise, ModalityKind::kMel}, "cpu"},
                    {{ModalityKind::kNoise}, "cpu"}};
  s.receivers.resize(4);
  s.limits = {2, 3};
  const auto limits = [&](const char* method) {
    s.method.name = method;
    const LimitOptions in_force = LimitsInForce(s);
    return std::make_pair(in_force.e_t, in_force.e_k);
  };
  EXPECT_EQ(limits("pom2dib"), std::make_pair(2, 3));
  EXPECT_EQ(limits("midib"), std::make_pair(2, 3));
  EXPECT_EQ(limits("midib_published"), std::make_pair(2, 8));
  EXPECT_EQ(limits("vddib"), std::make_pair(3, 8));
}

}  // namespace
}  // namespace semlink
