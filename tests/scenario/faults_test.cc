#include "common/scenario/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"
#include "tests/scenario/scenarios.h"

namespace semlink {
namespace {

using testing::HasSubstr;

absl::StatusOr<Scenario> Parse(const std::string& more, const Overrides& overrides = {}) {
  return ParseScenario(absl::StrCat(kSmall, more), "f.yaml", overrides);
}

TEST(ScenarioFaultsTest, ReadsBothTimesAndEveryOption) {
  const auto s = Parse(
      "faults:\n"
      "  - {at_window: 30, kind: drop, target: transmitter1:receiver2, probability: 0.1, for: "
      "10s}\n"
      "  - at: 12s\n"
      "    kind: delay\n"
      "    target: \"transmitter1,transmitter2\"\n"
      "    delay: 50 ms\n"
      "    jitter: 20ms\n"
      "    seed: 7\n"
      "  - {at_window: 0, kind: restart, target: coordinator}\n");
  ASSERT_TRUE(s.ok()) << s.status();
  ASSERT_EQ(s->faults.size(), 3u);
  EXPECT_EQ(s->faults[0].at_window, 30);
  EXPECT_LT(s->faults[0].at_seconds, 0);
  EXPECT_EQ(s->faults[0].fault, "drop transmitter1:receiver2 --probability 0.1 --for 10s");
  EXPECT_EQ(s->faults[1].at_seconds, 12);
  EXPECT_LT(s->faults[1].at_window, 0);
  EXPECT_EQ(s->faults[1].fault,
            "delay transmitter1,transmitter2 --delay 50ms --jitter 20ms --seed 7");
  EXPECT_EQ(s->faults[2].fault, "restart coordinator");
}

TEST(ScenarioFaultsTest, WhatIsEmittedReadsBack) {
  const auto s = Parse(
      "faults:\n"
      "  - {at: 0.3333333333333333s, kind: cut, target: \"transmitter1>receiver2\"}\n"
      "  - {at_window: 5, kind: pause, target: receiver1}\n");
  ASSERT_TRUE(s.ok()) << s.status();
  const std::string text = EmitScenario(*s);
  EXPECT_THAT(text, HasSubstr("\nfaults:\n  - {at: 333.3333333333333ms, kind: cut, target: "
                              "\"transmitter1>receiver2\"}\n  - {at_window: 5, kind: pause, "
                              "target: \"receiver1\", for: 10s}\n"));
  const auto again = ParseScenario(text, "emitted");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(EmitScenario(*again), text);
  EXPECT_EQ(again->faults[0].at_seconds, s->faults[0].at_seconds);
}

TEST(ScenarioFaultsTest, NoneIsNone) {
  EXPECT_TRUE(Parse("faults:\n")->faults.empty());
  EXPECT_TRUE(Parse("faults: []\n")->faults.empty());
  EXPECT_THAT(EmitScenario(*Parse("")), HasSubstr("\nfaults: []\n"));
}

TEST(ScenarioFaultsTest, MistakesHaveLineAndKey) {
  EXPECT_THAT(ErrorWith("faults: 3\n"), HasSubstr("f.yaml:8: faults: found '3'; expected a list"));
  EXPECT_THAT(ErrorWith("faults:\n  - kill\n"),
              HasSubstr("f.yaml:9: faults.1: found 'kill'; expected a group of keys"));
  EXPECT_THAT(ErrorWith("faults:\n  - at_window: 1\n    kind: kil\n    target: transmitter1\n"),
              HasSubstr("f.yaml:10: faults.1.kind: found 'kil'; expected one of kill, pause"));
  EXPECT_THAT(
      ErrorWith("faults:\n  - at_window: 1\n    kind: kill\n    targt: transmitter1\n"),
      HasSubstr("f.yaml:11: faults.1.targt: found an unknown key; expected a known one: did "
                "you mean target?"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at_window: -1, kind: kill, target: transmitter1}\n"),
              HasSubstr("f.yaml:9: faults.1.at_window: found '-1'; expected an integer from 0"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 12, kind: kill, target: transmitter1}\n"),
              HasSubstr("faults.1.at: found '12'; expected a time with its unit"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 12s, kind: [kill], target: transmitter1}\n"),
              HasSubstr("faults.1.kind: found a list of 1; expected a text or a number"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, at: 2s, kind: kill, target: transmitter1}\n"),
              HasSubstr("faults.1.at: found the key a second time"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, kind: drop, target: all, probability: 2}\n"),
              HasSubstr("f.yaml:9: faults.1.probability: found '2'; expected a number above 0"));
  EXPECT_THAT(ErrorWith("", {"faults=[{at_window: 1, kind: x, target: all}]"}),
              HasSubstr("--set faults="));
}

TEST(ScenarioFaultsTest, ImpossibleCombinations) {
  EXPECT_THAT(ErrorWith("faults:\n  - {kind: kill, target: transmitter1}\n"),
              HasSubstr("faults.1: found no time; expected at_window"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, at_window: 2, kind: kill, target: transmitter1}\n"),
              HasSubstr("faults.1: found both times; expected at_window"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, kind: drop, target: all}\n"),
              HasSubstr("f.yaml:9: faults.1.probability: found nothing; expected a number"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, kind: cut, target: transmitter1:transmitter2}\n"),
              HasSubstr("faults.1.target: found 'transmitter1:transmitter2'; expected a link"));
  EXPECT_THAT(
      ErrorWith("faults:\n  - {at: 1s, kind: kill, target: receiver3}\n"),
      HasSubstr("f.yaml:9: faults.1.target: found receiver3 (there are 2 transmitters and 2 "
                "receivers); expected nodes of this scenario"));
  EXPECT_THAT(ErrorWith("faults:\n  - {at: 1s, kind: kill, target: transmitter1, delay: 1s}\n"),
              HasSubstr("faults.1.delay: found '1s'; expected it to be left out: kill takes for"));
}

}  // namespace
}  // namespace semlink
