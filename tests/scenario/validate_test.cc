#include "common/scenario/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"
#include "tests/scenario/scenarios.h"

namespace semlink {
namespace {

using testing::HasSubstr;

TEST(ValidateTest, RequestsNeedTransmitters) {
  EXPECT_THAT(ErrorWith("limits: {e_t: 3}\n"),
              HasSubstr("f.yaml:8: limits.e_t: found 3; expected at most K, the number of "
                        "transmitters (2)"));
  EXPECT_EQ(ErrorWith("limits: {e_t: 2}\n"), "");
}

TEST(ValidateTest, RealDataNeedAFolder) {
  EXPECT_THAT(ErrorWith("data: {source: av_mnist}\n"),
              HasSubstr("f.yaml:8: data.root: found nothing; expected the folder with mnist/ and"));
  EXPECT_EQ(ErrorWith("data: {source: av_mnist}\n", {"data.root=/d"}), "");
}

TEST(ValidateTest, LinksAreBounded) {
  std::string text = "transmitters:\n";
  for (int k = 0; k < 33; ++k) text += "  - {modalities: [mel]}\n";
  text += "receivers:\n";
  for (int t = 0; t < 32; ++t) text += "  - {task: ring}\n";
  const auto too_many = ParseScenario(text, "f.yaml");
  ASSERT_FALSE(too_many.ok());
  EXPECT_THAT(std::string(too_many.status().message()),
              HasSubstr("1056 links; expected at most 1024 links"));
}

TEST(ValidateTest, MessagesAreBounded) {
  EXPECT_THAT(ErrorWith("training: {rounds_per_window: 1000, batch_size: 4096}\n"),
              HasSubstr("in one message; expected at most 128 MiB"));
}

TEST(ValidateTest, SplitsHoldWhatIsAskedOfThem) {
  EXPECT_THAT(ErrorWith("data: {train_samples: 19}\n"),
              HasSubstr("expected 0 (all) or at least training.batch_size (20)"));
  EXPECT_THAT(ErrorWith("data: {test_samples: 100}\nevaluation: {samples: 101}\n"),
              HasSubstr("f.yaml:9: evaluation.samples: found 101; expected at most "
                        "data.test_samples (100)"));
}

TEST(ValidateTest, NoCrExcludesOtherSources) {
  EXPECT_THAT(
      ErrorWith("method: {name: pom2dib_nocr}\ncommon_randomness: {source: derived}\n"),
      HasSubstr("common_randomness.source: found a source that changes; expected constant"));
}

TEST(ValidateTest, TheRateIsTheMethods) {
  EXPECT_THAT(
      ErrorWith("method: {name: dlsc}\nrate: {estimator: joint}\n"),
      HasSubstr("f.yaml:9: rate.estimator: found an estimate of I(X;Z), which is infinite for "
                "deterministic encoders; expected knn_entropy: method.name is dlsc"));
  EXPECT_THAT(ErrorWith("rate: {estimator: knn_entropy}\n"),
              HasSubstr("expected marginal or joint: method.name is pom2dib"));
  EXPECT_EQ(ErrorWith("method: {name: vddib}\nrate: {estimator: joint}\n"), "");
}

TEST(ValidateTest, RandomSelectionsHaveToBeCountable) {
  std::string text = "transmitters: [{modalities: [mel]}, {modalities: [mel]}]\nreceivers:\n";
  for (int t = 0; t < 12; ++t) text += "  - {task: ring}\n";
  text += "limits: {e_t: 2}\n";
  EXPECT_TRUE(ParseScenario(text, "f.yaml").ok());
  for (const char* name : {"rsdib", "rsdib_once", "midib"}) {
    const auto many = ParseScenario(text, "f.yaml", {absl::StrCat("method.name=", name)});
    ASSERT_FALSE(many.ok());
    EXPECT_THAT(std::string(many.status().message()),
                HasSubstr("receivers: found 12 of them with E_t = 2; expected fewer receivers"));
  }
  EXPECT_TRUE(ParseScenario(text, "f.yaml", {"method.name=vddib"}).ok());
}

TEST(ValidateTest, ListedLinksAreThoseOfFixedAndKeepItsLimits) {
  const auto with = [](const char* links) {
    return ErrorWith("method: {name: fixed}\n", {absl::StrCat("method.links=", links)});
  };
  EXPECT_EQ(with("2.1->1, 1.1->1"), "");
  EXPECT_THAT(ErrorWith("method: {name: fixed}\n"),
              HasSubstr("f.yaml:8: method.links: found nothing; expected its links, as in"));
  EXPECT_THAT(ErrorWith("method: {links: \"1.1->1\"}\n"),
              HasSubstr("method.links: found 1.1->1; expected none: they are those of fixed, and "
                        "method.name is pom2dib"));
  EXPECT_THAT(with("3.1->1"), HasSubstr("expected at most 2 transmitters (3.1->1)"));
  EXPECT_THAT(with("1.1->9"), HasSubstr("receivers (1.1->9)"));
  EXPECT_THAT(with("1.1-1"), HasSubstr("('1.1-1' is no TRANSMITTER.MODALITY->RECEIVER, numbered"));
  EXPECT_THAT(with("1.1->1,1.1->1"), HasSubstr("(1.1->1 is there twice)"));
  EXPECT_THAT(ErrorWith("method: {name: fixed, links: \"1.1->1,2.1->1\"}\nlimits: {e_t: 1}\n"),
              HasSubstr("expected at most E_t = 1 transmitters for receiver 1"));
}

}  // namespace
}  // namespace semlink
