#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "common/scenario/fields.h"
#include "common/scenario/reader.h"
#include "common/scenario/values.h"
#include "tests/scenario/scenarios.h"

namespace semlink {
namespace {

// A scenario in which no field has its default value.
Scenario Unusual() {
  Scenario s;
  s.name = "unusual-1.0";
  s.seed = std::numeric_limits<uint64_t>::max();
  s.data.source = DataSource::kAvMnist;
  s.data.root = "/a folder/with \"quotes\" \\ # and: more \xc3\xa4";
  s.data.pairing = Pairing::kReference;
  s.data.image_scale = ImageScale::kBatch;
  s.data.audio_variants = 3;
  s.data.train_samples = 1000;
  s.data.test_samples = 900;
  s.data.difficulty = 0.1 + 0.2;
  s.transmitters = {{{ModalityKind::kMel, ModalityKind::kNoise}, "cuda:1"},
                    {{ModalityKind::kImageFft}, "cuda"}};
  s.receivers = {{TaskKind::kRing, 1.0 / 3, "cuda:2"}};
  s.method = {"fixed", "paper", 0.3, {{0, 0, 0}, {0, 1, 0}}};
  s.model = {48, 100, 50, true};
  s.limits = {1, 7};
  s.training = {11, 3, 5, 1e-300, 5e-324, 1e-5, 0.1, 1e-17, 123456789.123, Schedule::kCosine};
  s.policy = {Baseline::kRunningMean, Credit::kShared, 0.3, 1e-3, 0.7, 2.5};
  s.rate.estimator = RateEstimator::kJoint;
  s.common_randomness.source = CrSource::kConstant;
  s.evaluation = {33, false, 800, true};
  s.on_failure = OnFailure::kWait;
  s.policy.renormalise = false;
  s.checkpoint = {7, 2};
  s.timeouts.silence_seconds = 2.5;
  return s;
}

TEST(EmitTest, RoundTripsEveryFieldExactly) {
  const Scenario before = Unusual();
  const std::string text = EmitScenario(before);
  absl::StatusOr<Scenario> after = ParseScenario(text, "emitted");
  ASSERT_TRUE(after.ok()) << after.status() << "\n" << text;
  EXPECT_EQ(EmitScenario(*after), text);
  // Not only the text: the values too, to the last bit.
  EXPECT_EQ(after->seed, before.seed);
  EXPECT_EQ(after->data.root, before.data.root);
  EXPECT_EQ(after->data.difficulty, before.data.difficulty);
  EXPECT_EQ(after->receivers[0].baseline, before.receivers[0].baseline);
  EXPECT_EQ(after->training.beta, before.training.beta);
  EXPECT_EQ(after->training.gamma, before.training.gamma);
  EXPECT_EQ(after->training.weight_decay, before.training.weight_decay);
  EXPECT_EQ(after->training.selector_gradient_clip, before.training.selector_gradient_clip);
  EXPECT_EQ(after->common_randomness.source, before.common_randomness.source);
  EXPECT_EQ(after->method.links, before.method.links);
}

TEST(EmitTest, UnusualDiffersFromTheDefaultsEverywhere) {
  // Guards the test above: a field that keeps its default there is not tested.
  Scenario unusual = Unusual(), fresh;
  const std::vector<Field> a = ScenarioFields(&unusual), b = ScenarioFields(&fresh);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NE(WriteValue(a[i]), WriteValue(b[i])) << a[i].Path();
  }
}

TEST(EmitTest, WritesEveryKeyOnceWithHelp) {
  const Scenario parsed = *ParseScenario(kSmall, "f.yaml");
  const std::string text = EmitScenario(parsed);
  Scenario copy = parsed;
  std::set<std::string> paths;
  for (const Field& field : ScenarioFields(&copy)) {
    EXPECT_TRUE(paths.insert(field.Path()).second) << field.Path() << " is in the table twice";
    EXPECT_FALSE(field.help.empty()) << field.Path();
    EXPECT_THAT(text, testing::HasSubstr(field.key + ": "));
  }
}

TEST(EmitTest, TextsThatLookLikeSomethingElseAreQuoted) {
  for (const char* name : {"true", "12", "1e5", "no", "null", "-"}) {
    Scenario s = *ParseScenario(kSmall, "f.yaml");
    s.name = name;
    const absl::StatusOr<Scenario> after = ParseScenario(EmitScenario(s), "emitted");
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_EQ(after->name, name);
  }
}

TEST(EmitTest, NumbersAreNumbersToYaml11ReadersToo) {
  Scenario s = *ParseScenario(kSmall, "f.yaml", {"training.beta=1e-05"});
  EXPECT_THAT(EmitScenario(s), testing::HasSubstr("beta: 1.0e-05 "));
}

TEST(HashTest, TellsScenariosApart) {
  const Scenario a = *ParseScenario(kSmall, "f.yaml");
  const Scenario b = *ParseScenario(kSmall, "f.yaml", {"seed=2"});
  EXPECT_EQ(ScenarioHash(a).size(), 64u);
  EXPECT_EQ(ScenarioHash(a), ScenarioHash(*ParseScenario(EmitScenario(a), "emitted")));
  EXPECT_NE(ScenarioHash(a), ScenarioHash(b));
}

}  // namespace
}  // namespace semlink
