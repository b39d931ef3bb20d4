#include "common/faults/fault_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ErrorOf(const std::string& text) {
  const auto fault = ParseFaultText(text);
  return fault.ok() ? "" : std::string(fault.status().message());
}

std::string Again(const std::string& text) {
  const auto fault = ParseFaultText(text);
  return fault.ok() ? FaultText(*fault) : std::string(fault.status().message());
}

TEST(FaultSpecTest, CanonicalTextsComeBackAsTheyAre) {
  for (const char* text :
       {"kill transmitter2", "kill coordinator --for 5s", "pause receiver1 --for 10s",
        "restart transmitter3,receiver12", "cut transmitter3:receiver2",
        "cut transmitter3>receiver2", "cut transmitter1,transmitter2", "cut all",
        "cut all>coordinator", "cut receiver1>all",
        "drop transmitter1:receiver2 --probability 0.1 --for 2.5s --seed 18446744073709551615",
        "delay transmitter1:receiver2 --delay 50ms --jitter 20ms",
        "throttle transmitter1:receiver2,receiver3 --rate 20kB/s",
        "throttle transmitter1 --rate 1.5MB/s", "duplicate receiver1:coordinator --probability 1",
        "cut transmitter1:receiver2 --for 10s --level kernel",
        "drop transmitter1 --probability 0.1 --level kernel", "reorder all --probability 0.25",
        "corrupt transmitter1>receiver1 --probability 1e-05"}) {
    EXPECT_EQ(Again(text), text);
  }
}

TEST(FaultSpecTest, OneMeaningHasOneSpelling) {
  EXPECT_EQ(Again("cut all:transmitter1"), "cut transmitter1");
  EXPECT_EQ(Again("cut transmitter1:all"), "cut transmitter1");
  EXPECT_EQ(Again("cut all>all"), "cut all");
  EXPECT_EQ(Again("kill transmitter1,transmitter1"), "kill transmitter1");
  EXPECT_EQ(Again("pause transmitter1"), "pause transmitter1 --for 10s");
  EXPECT_EQ(Again("pause transmitter1 --for 2min"), "pause transmitter1 --for 120s");
  EXPECT_EQ(Again("delay all --delay 0.05s --for 1h"), "delay all --delay 50ms --for 3600s");
  EXPECT_EQ(Again("throttle all --rate 1Mbit/s"), "throttle all --rate 125kB/s");
}

TEST(FaultSpecTest, NumbersSurviveToTheLastBit) {
  for (const double value : {1.0 / 3, 0.1 + 0.2, 1e-300, 0.0501, 123.456789012345678}) {
    v1::Fault fault = *ParseFaultText("delay all --delay 1s");
    fault.set_delay_seconds(value);
    const auto again = ParseFaultText(FaultText(fault));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->delay_seconds(), value) << FaultText(fault);
  }
  v1::Fault fault = *ParseFaultText("throttle all --rate 1B/s");
  fault.set_bytes_per_second(20000.1);
  EXPECT_EQ(ParseFaultText(FaultText(fault))->bytes_per_second(), 20000.1);
}

TEST(FaultSpecTest, ReadsWhatItSays) {
  const v1::Fault fault =
      *ParseFaultText("drop transmitter2>receiver1,coordinator --probability 0.5 --seed 9");
  EXPECT_EQ(fault.kind(), v1::Fault::DROP);
  ASSERT_EQ(fault.from_size(), 1);
  EXPECT_EQ(fault.from(0).role(), v1::TRANSMITTER);
  EXPECT_EQ(fault.from(0).index(), 1u);
  ASSERT_EQ(fault.to_size(), 2);
  EXPECT_EQ(fault.to(1).role(), v1::COORDINATOR);
  EXPECT_FALSE(fault.both_directions());
  EXPECT_EQ(fault.probability(), 0.5);
  EXPECT_EQ(fault.seed(), 9u);
  EXPECT_EQ(fault.id(), 0u);
}

TEST(FaultSpecTest, SaysWhatWasExpected) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("kind: found nothing; expected one of kill, pause, restart"));
  EXPECT_THAT(ErrorOf("explode transmitter1"), HasSubstr("kind: found 'explode'; expected one of"));
  EXPECT_THAT(ErrorOf("kill"), HasSubstr("target: found nothing; expected the nodes to kill"));
  EXPECT_THAT(ErrorOf("kill transmitter1:receiver2"), HasSubstr("expected the nodes to kill"));
  EXPECT_THAT(ErrorOf("kill all"), HasSubstr("expected the nodes to kill"));
  EXPECT_THAT(ErrorOf("kill transmiter1"),
              HasSubstr("target: found 'transmiter1' in 'transmiter1'; expected transmitterN"));
  for (const char* name : {"transmitter0", "transmitter", "transmitter01", "receiver-1",
                           "receiver99999999999", "coordinator1", "operator"}) {
    EXPECT_THAT(ErrorOf(std::string("kill ") + name), HasSubstr("expected transmitterN")) << name;
  }
  EXPECT_THAT(ErrorOf("cut"), HasSubstr("target: found nothing; expected a link"));
  EXPECT_THAT(ErrorOf("cut transmitter1:transmitter2"), HasSubstr("expected a link"));
  EXPECT_THAT(ErrorOf("cut transmitter1:receiver1:receiver2"), HasSubstr("expected a link"));
  EXPECT_THAT(ErrorOf("cut transmitter1:"), HasSubstr("expected transmitterN"));
}

TEST(FaultSpecTest, OptionsFitTheKind) {
  EXPECT_THAT(ErrorOf("drop all"),
              HasSubstr("probability: found nothing; expected a number above"));
  EXPECT_THAT(ErrorOf("drop all --probability 1.1"), HasSubstr("probability: found '1.1'"));
  EXPECT_THAT(ErrorOf("drop all --probability 0"), HasSubstr("probability: found '0'"));
  EXPECT_THAT(ErrorOf("drop all --probability nan"), HasSubstr("probability: found 'nan'"));
  EXPECT_THAT(ErrorOf("drop all --probability 0.1 --seed 0"), HasSubstr("seed: found '0'"));
  EXPECT_THAT(ErrorOf("drop all --probability 0.1 --probability 0.2"),
              HasSubstr("the option a second time"));
  EXPECT_THAT(ErrorOf("delay all"), HasSubstr("delay: found nothing; expected a time such as"));
  EXPECT_THAT(ErrorOf("delay all --delay 5"), HasSubstr("delay: found '5'; expected a time"));
  EXPECT_THAT(ErrorOf("delay all --delay 2h"), HasSubstr("delay: found '2h'"));
  EXPECT_THAT(ErrorOf("throttle all --rate 5"), HasSubstr("rate: found '5'; expected a rate"));
  EXPECT_THAT(ErrorOf("throttle all --rate 0B/s"), HasSubstr("rate: found '0B/s'"));
  EXPECT_THAT(ErrorOf("kill transmitter1 --for 0s"), HasSubstr("for: found '0s'"));
  EXPECT_THAT(ErrorOf("kill transmitter1 --probability 1"),
              HasSubstr("expected it to be left out: kill takes for"));
  EXPECT_THAT(ErrorOf("restart transmitter1 --for 1s"), HasSubstr("restart takes no options"));
  EXPECT_THAT(ErrorOf("cut all --seed 1"), HasSubstr("cut takes for"));
  EXPECT_THAT(ErrorOf("cut all --fro 1s"),
              HasSubstr("fro: found an unknown option; expected one of probability, delay"));
  EXPECT_THAT(ErrorOf("cut all --for"), HasSubstr("found '--for'; expected --name value"));
  EXPECT_THAT(ErrorOf("cut all for 1s"), HasSubstr("found 'for'; expected --name value"));
}

TEST(FaultSpecTest, AllMistakesAtOnce) {
  const std::string error = ErrorOf("drop transmiter1 --probability 2 --rate 1B/s");
  EXPECT_THAT(error, HasSubstr("target:"));
  EXPECT_THAT(error, HasSubstr("probability:"));
  EXPECT_THAT(error, HasSubstr("rate:"));
}

TEST(FaultSpecTest, FaultsFromTheNetworkAreChecked) {
  v1::Fault fault = *ParseFaultText("drop transmitter2 --probability 0.1");
  ASSERT_TRUE(CheckFault(fault, 2, 1).ok());
  EXPECT_THAT(std::string(CheckFault(fault, 1, 1).status().message()),
              HasSubstr("transmitter2 (there are 1 transmitters and 1 receivers)"));
  fault.set_probability(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(CheckFault(fault, 2, 1).ok());
  fault.set_probability(0.1);
  fault.set_duration_seconds(-1);
  EXPECT_FALSE(CheckFault(fault, 2, 1).ok());
  fault.set_duration_seconds(0);
  fault.mutable_from(0)->set_index(4'000'000'000u);
  EXPECT_FALSE(CheckFault(fault, 2, 1).ok());
  fault.mutable_from(0)->set_role(v1::OPERATOR);
  EXPECT_FALSE(CheckFault(fault, 2, 1).ok());
  EXPECT_FALSE(CheckFault(v1::Fault(), 2, 1).ok());
  // What does not belong to the kind is left out.
  v1::Fault kill = *ParseFaultText("kill transmitter1");
  kill.set_probability(7);
  kill.set_id(3);
  EXPECT_EQ(FaultText(*CheckFault(kill, 1, 1)), "kill transmitter1");
  EXPECT_EQ(CheckFault(kill, 1, 1)->probability(), 0);
}

std::vector<std::string> Links(const std::string& text, int transmitters, int receivers) {
  std::vector<std::string> links;
  for (const auto& [from, to] : FaultLinks(*ParseFaultText(text), transmitters, receivers)) {
    links.push_back(from.ToString() + ">" + to.ToString());
  }
  return links;
}

TEST(FaultSpecTest, LinksAreThoseThatExist) {
  EXPECT_THAT(Links("cut transmitter1>receiver1", 2, 2), ElementsAre("transmitter1>receiver1"));
  EXPECT_THAT(Links("cut transmitter1:receiver1", 2, 2),
              ElementsAre("transmitter1>receiver1", "receiver1>transmitter1"));
  EXPECT_THAT(
      Links("cut transmitter1>all", 2, 2),
      ElementsAre("transmitter1>coordinator", "transmitter1>receiver1", "transmitter1>receiver2"));
  EXPECT_THAT(
      Links("cut all>receiver2", 2, 2),
      ElementsAre("coordinator>receiver2", "transmitter1>receiver2", "transmitter2>receiver2"));
  EXPECT_THAT(
      Links("cut transmitter1,receiver1", 1, 2),
      ElementsAre("coordinator>transmitter1", "coordinator>receiver1", "transmitter1>coordinator",
                  "transmitter1>receiver2", "receiver1>coordinator", "receiver2>transmitter1"));
  // Coordinator with 2 + 2 nodes, and 2 x 2 pairs, both ways.
  EXPECT_EQ(Links("cut all", 2, 2).size(), 16u);
  EXPECT_THAT(Links("kill transmitter1", 2, 2), IsEmpty());
}

TEST(FaultSpecTest, TheLevelIsOfLinksOnly) {
  EXPECT_EQ(Again("cut all --level message"), "cut all");
  EXPECT_FALSE(IsKernelFault(*ParseFaultText("cut all")));
  EXPECT_TRUE(IsKernelFault(*ParseFaultText("cut all --level kernel")));
  EXPECT_THAT(ErrorOf("cut all --level tcp"), HasSubstr("expected message or kernel"));
  EXPECT_THAT(ErrorOf("kill transmitter1 --level kernel"), HasSubstr("level"));
  EXPECT_THAT(ErrorOf("drop all --probability 1 --seed 3 --level kernel"), HasSubstr("left out"));
  EXPECT_THAT(ErrorOf("throttle all --rate 999B/s --level kernel"), HasSubstr("at least 1kB/s"));
  EXPECT_EQ(ErrorOf("throttle all --rate 1kB/s --level kernel"), "");
  v1::Fault unknown = *ParseFaultText("cut all");
  unknown.set_level(static_cast<v1::Fault::Level>(7));
  EXPECT_THAT(std::string(CheckFault(unknown, 1, 1).status().message()), HasSubstr("level"));
}

TEST(FaultSpecTest, YamlIsOneMap) {
  const v1::Fault fault = *ParseFaultText("drop transmitter1:receiver2 --probability 0.1 --for 1s");
  EXPECT_EQ(FaultYaml(fault, "at_window: 3"),
            "{at_window: 3, kind: drop, target: \"transmitter1:receiver2\", probability: 0.1, for: "
            "1s}");
  EXPECT_EQ(FaultYaml(*ParseFaultText("restart receiver1"), ""),
            "{kind: restart, target: \"receiver1\"}");
}

TEST(FaultSpecTest, Times) {
  EXPECT_EQ(*ParseSeconds("500ms"), 0.5);
  EXPECT_EQ(*ParseSeconds("10 s"), 10);
  EXPECT_EQ(*ParseSeconds("2min"), 120);
  EXPECT_EQ(*ParseSeconds("0s"), 0);
  for (const char* text : {"", "s", "5", "-1s", "1e999s", "5 parsecs", "inf s"}) {
    EXPECT_FALSE(ParseSeconds(text).ok()) << text;
  }
  EXPECT_EQ(SecondsText(12), "12s");
}

}  // namespace
}  // namespace semlink
