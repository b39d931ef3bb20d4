#include "common/scenario/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/scenario/scenarios.h"

namespace semlink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ErrorOf(const std::string& text, const Overrides& overrides = {}) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(text, "f.yaml", overrides);
  if (scenario.ok()) return "";
  EXPECT_EQ(scenario.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(scenario.status().message());
}

TEST(ReaderTest, ReadsTheShortestScenario) {
  const absl::StatusOr<Scenario> s = ParseScenario(kSmall, "f.yaml");
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->name, "small");
  EXPECT_EQ(s->K(), 2);
  EXPECT_EQ(s->T(), 2);
  EXPECT_THAT(s->transmitters[0].modalities,
              ElementsAre(ModalityKind::kNoise, ModalityKind::kImageFft));
  EXPECT_EQ(s->receivers[1].task, TaskKind::kDigit);
  EXPECT_EQ(s->receivers[0].baseline, 0.6);
  EXPECT_EQ(s->receivers[1].baseline, 2.1);
  EXPECT_EQ(s->method.preset, "default");
  EXPECT_TRUE(s->model.missing_slot_learned);
}

TEST(ReaderTest, ReadsEveryKindOfValue) {
  const absl::StatusOr<Scenario> s = ParseScenario(absl::StrCat(kSmall, R"(
seed: 18446744073709551615
data: {source: av_mnist, root: "/data/av mnist", pairing: reference, image_scale: batch}
training: {windows: 7, beta: 2.5e-3, schedule: constant}
policy: {penalty_no_link: 2 nats, baseline: constant}
rate: {estimator: joint}
common_randomness: {source: broadcast}
evaluation: {mean_feature: false}
limits:
)"),
                                                   "f.yaml");
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->seed, 18446744073709551615u);
  EXPECT_EQ(s->data.source, DataSource::kAvMnist);
  EXPECT_EQ(s->data.root, "/data/av mnist");
  EXPECT_EQ(s->data.pairing, Pairing::kReference);
  EXPECT_EQ(s->data.image_scale, ImageScale::kBatch);
  EXPECT_EQ(s->training.windows, 7);
  EXPECT_EQ(s->training.beta, 2.5e-3);
  EXPECT_EQ(s->training.schedule, Schedule::kConstant);
  EXPECT_EQ(s->policy.penalty_no_link, 2);
  EXPECT_EQ(s->policy.baseline, Baseline::kConstant);
  EXPECT_EQ(s->rate.estimator, RateEstimator::kJoint);
  EXPECT_EQ(s->common_randomness.source, CrSource::kBroadcast);
  EXPECT_FALSE(s->evaluation.mean_feature);
}

TEST(ReaderTest, KeysOfTheFileBeatThePreset) {
  const std::string text =
      absl::StrCat("training: {schedule: cosine}\n", kSmall, "method: {preset: paper}\n");
  const absl::StatusOr<Scenario> s = ParseScenario(text, "f.yaml");
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->training.schedule, Schedule::kCosine);
  EXPECT_EQ(s->data.image_scale, ImageScale::kBatch);
  EXPECT_FALSE(s->model.missing_slot_learned);
}

TEST(ReaderTest, NoCrMeansConstantRandomness) {
  const Overrides nocr = {"method.name=pom2dib_nocr"};
  const absl::StatusOr<Scenario> s = ParseScenario(kSmall, "f.yaml", nocr);
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->common_randomness.source, CrSource::kConstant);
}

TEST(ReaderTest, ListsAllMistakesWithLineKeyFoundAndExpected) {
  const std::string error = ErrorOf(R"(name: bad
seed: -1
transmitters:
  - {modalities: [noise, lidar]}
  - {device: tpu, modalities: [mel]}
receivers:
  - {task: pose}
  - {baseline: 0.6 bits, task: ring}
training:
  windows: 0
  batch_size: 1
  beta: lots
  rounds_per_window: 2.5
  learning_rate_codec: 0
  schedule: [cosine]
evaluation: {mean_feature: 1}
limits: 3
)");
  EXPECT_THAT(
      std::vector<std::string>(absl::StrSplit(error, '\n')),
      ElementsAre(
          "f.yaml:2: seed: found '-1'; expected an integer from 0 to 2^64 - 1",
          "f.yaml:4: transmitters.1.modalities: found a list of 2; expected a list of one or more "
          "of image_fft, mel, noise (not 'lidar')",
          "f.yaml:5: transmitters.2.device: found 'tpu'; expected cpu, cuda or cuda:N",
          "f.yaml:7: receivers.1.task: found 'pose'; expected parity or ring or digit",
          "f.yaml:8: receivers.2.baseline: found '0.6 bits'; expected a number of nats from "
          "-1000000 to 1000000",
          "f.yaml:10: training.windows: found '0'; expected an integer from 1 to 10000000",
          "f.yaml:11: training.batch_size: found '1'; expected an integer from 2 to 4096",
          "f.yaml:12: training.beta: found 'lots'; expected a number from 0 to 1000000",
          "f.yaml:13: training.rounds_per_window: found '2.5'; expected an integer from 1 to 1000",
          "f.yaml:14: training.learning_rate_codec: found '0'; expected a number above 0, up to 1",
          "f.yaml:15: training.schedule: found a list of 1; expected constant or cosine",
          "f.yaml:16: evaluation.mean_feature: found '1'; expected true or false",
          "f.yaml:17: limits: found '3'; expected a group of keys"));
}

TEST(ReaderTest, SuggestsForUnknownKeys) {
  const std::string error = ErrorOf(absl::StrCat(kSmall, R"(trainning: {windows: 3}
batch_size: 10
training: {windws: 3, temperature: 1}
)"));
  EXPECT_THAT(error, HasSubstr("f.yaml:8: trainning: found an unknown key; expected a known one: "
                               "did you mean training?"));
  EXPECT_THAT(error, HasSubstr("f.yaml:9: batch_size: found an unknown key; expected a known one: "
                               "did you mean training.batch_size?"));
  EXPECT_THAT(error, HasSubstr("f.yaml:10: training.windws: found an unknown key; expected a known "
                               "one: did you mean training.windows?"));
  EXPECT_THAT(error, HasSubstr("training.temperature: found an unknown key; expected one of "));
  EXPECT_THAT(ErrorOf("transmitters: [{modalites: [mel]}]\nreceivers: [{task: ring}]\n"),
              HasSubstr("did you mean transmitters.1.modalities?"));
}

TEST(ReaderTest, RefusesDuplicateKeys) {
  EXPECT_THAT(ErrorOf(absl::StrCat(kSmall, "seed: 1\nseed: 2\n")),
              HasSubstr("f.yaml:9: seed: found the key a second time; expected it once (first at "
                        "f.yaml:8)"));
  EXPECT_THAT(ErrorOf(absl::StrCat(kSmall, "limits: {e_t: 1}\nlimits: {e_k: 2}\n")),
              HasSubstr("limits: found the key a second time"));
}

TEST(ReaderTest, NeedsNodesWithTheirKeys) {
  const std::string none = ErrorOf("name: x\n");
  EXPECT_THAT(none, HasSubstr("f.yaml:1: transmitters: found nothing; expected a list of one"));
  EXPECT_THAT(none, HasSubstr("f.yaml:1: receivers: found nothing; expected a list of one"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("found nothing; expected a scenario"));
  EXPECT_THAT(ErrorOf("- 1\n"), HasSubstr("found a list of 1; expected a scenario"));
  EXPECT_THAT(ErrorOf("transmitters: [3]\nreceivers: []\n"),
              testing::AllOf(HasSubstr("transmitters.1: found '3'"),
                             HasSubstr("receivers: found a list of 0")));
  EXPECT_THAT(ErrorOf("transmitters: [{device: cpu}]\nreceivers: [{device: cpu}]\n"),
              testing::AllOf(HasSubstr("transmitters.1.modalities: found nothing"),
                             HasSubstr("receivers.1.task: found nothing")));
}

TEST(ReaderTest, TakesNumbersInDecimalOnly) {
  for (const char* value :
       {"nan", ".inf", "inf", "0x10", "1e999", "1 2", "''", "'3'", "1e-3x", "~"}) {
    EXPECT_THAT(ErrorOf(kSmall, {absl::StrCat("training.beta=", value)}),
                HasSubstr("expected a number"))
        << value;
  }
  for (const char* value : {"0x10", "1e3", "99999999999999999999", "3.0", "'3'", " ", "+3"}) {
    EXPECT_THAT(ErrorOf(kSmall, {absl::StrCat("training.windows=", value)}),
                HasSubstr("expected an integer"))
        << value;
  }
  EXPECT_EQ(ErrorOf(kSmall, {"training.beta=1E-4"}), "");
  EXPECT_EQ(ErrorOf(kSmall, {"policy.penalty_no_link=1.5   nats"}), "");
  EXPECT_THAT(ErrorOf(kSmall, {"policy.entropy_bonus=0.01 nats"}), HasSubstr("a number from"));
}

TEST(ReaderTest, RefusesMethodsThatAreNotBuilt) {
  constexpr char kBuilt[] =
      "pom2dib or pom2dib_nocr or rsdib or rsdib_once or midib or midib_published or "
      "fixed or vddib or dlsc";
  for (const char* name : {"cmt", "tosc"}) {
    EXPECT_THAT(ErrorOf(kSmall, {absl::StrCat("method.name=", name)}),
                HasSubstr(absl::StrCat("expected ", kBuilt, " (", name, " is not built yet)")));
  }
  EXPECT_THAT(ErrorOf(kSmall, {"method.name=magic"}),
              testing::EndsWith(absl::StrCat("expected ", kBuilt)));
  EXPECT_THAT(ErrorOf(kSmall, {"method.preset=fast"}), HasSubstr("expected default or paper"));
}

TEST(ReaderTest, ChecksDevices) {
  for (const char* device : {"cpu", "cuda", "cuda:0", "cuda:12"}) {
    EXPECT_EQ(ErrorOf(kSmall, {absl::StrCat("transmitters.2.device=", device)}), "") << device;
  }
  for (const char* device : {"gpu", "'cuda:'", "cuda:x", "cuda:-1", "CPU", "cuda:1234", "''"}) {
    EXPECT_THAT(ErrorOf(kSmall, {absl::StrCat("transmitters.2.device=", device)}),
                HasSubstr("expected cpu, cuda or cuda:N"))
        << device;
  }
}

TEST(ReaderTest, ChecksNames) {
  for (const char* name : {"../x", ".hidden", "a/b", "''", "a b", "\"a\\nb\""}) {
    EXPECT_THAT(ErrorOf(kSmall, {absl::StrCat("name=", name)}), HasSubstr("letters, digits"))
        << name;
  }
}

TEST(OverridesTest, ReplaceAddAndIndexFromOne) {
  const absl::StatusOr<Scenario> s =
      ParseScenario(kSmall, "f.yaml",
                    {"name=other", "training.windows=12", "transmitters.2.device=cuda:0",
                     "transmitters.1.modalities=[mel, mel]", "receivers.3={task: ring}",
                     "receivers.3.device=cuda"});
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->name, "other");
  EXPECT_EQ(s->training.windows, 12);
  EXPECT_EQ(s->transmitters[1].device, "cuda:0");
  EXPECT_THAT(s->transmitters[0].modalities, ElementsAre(ModalityKind::kMel, ModalityKind::kMel));
  ASSERT_EQ(s->T(), 3);
  EXPECT_EQ(s->receivers[2].task, TaskKind::kRing);
  EXPECT_EQ(s->receivers[2].device, "cuda");
}

TEST(OverridesTest, LaterOnesWinAndMendTheFile) {
  const std::string text = absl::StrCat(kSmall, "training: {windows: nonsense}\n");
  const absl::StatusOr<Scenario> s =
      ParseScenario(text, "f.yaml", {"training.windows=1", "training.windows=2"});
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->training.windows, 2);
}

TEST(OverridesTest, MistakesNameTheOverride) {
  const std::string error =
      ErrorOf(kSmall, {"training.windows=none", "wibble.x=1", "nothing", "=3", "name.x=1",
                       "transmitters.4.device=cpu", "training.beta=[1", "a=*x"});
  EXPECT_THAT(error, HasSubstr("--set training.windows=none: training.windows: found 'none'; "
                               "expected an integer from 1"));
  EXPECT_THAT(error, HasSubstr("--set wibble.x=1: wibble: found an unknown key"));
  EXPECT_THAT(error, HasSubstr("--set nothing: found 'nothing'; expected key.path=value"));
  EXPECT_THAT(error, HasSubstr("--set =3: found '=3'; expected key.path=value"));
  EXPECT_THAT(error, HasSubstr("--set name.x=1: name.x: found 'small'; expected a group"));
  EXPECT_THAT(error, HasSubstr("--set transmitters.4.device=cpu: transmitters.4: found a list of "
                               "2; expected an index from 1 to 3"));
  EXPECT_THAT(error,
              HasSubstr("--set training.beta=[1: found a list or a group as a key, or a bracket"));
}

TEST(ReadScenarioFileTest, ReadsFilesAndSaysWhatItCannotRead) {
  const std::string path = testing::TempDir() + "/semlink_reader_test.yaml";
  std::ofstream(path) << kSmall;
  EXPECT_TRUE(ReadScenarioFile(path).ok());
  std::ofstream(path) << std::string(2 << 20, ' ');
  EXPECT_EQ(ReadScenarioFile(path).status().code(), absl::StatusCode::kInvalidArgument);
  std::remove(path.c_str());
  EXPECT_EQ(ReadScenarioFile(path).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadScenarioFile(testing::TempDir()).status().code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);  // would block a careless reader
  EXPECT_EQ(ReadScenarioFile(path).status().code(), absl::StatusCode::kNotFound);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace semlink
