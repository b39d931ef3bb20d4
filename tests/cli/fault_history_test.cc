#include "cli/fault_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/scenario/reader.h"
#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

constexpr char kScenario[] =
    "name: tiny\ntransmitters: [{modalities: [mel]}, {modalities: [mel]}]\n"
    "receivers: [{task: ring}]\n";

class FaultHistoryTest : public testing::Test {
 protected:
  void Write(const std::string& faults, const std::string& events) {
    WriteText(folder_ / "scenario.yaml", kScenario + faults);
    WriteText(folder_ / "events.jsonl", events);
  }
  std::string Replay() {
    const absl::StatusOr<std::string> text = FaultsAsScenario(folder_.path());
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  }

  TempDir folder_;
};

TEST_F(FaultHistoryTest, WhatWasInjectedComesBackInItsPlace) {
  Write(
      "faults:\n"
      "  - {at_window: 2, kind: kill, target: transmitter1, for: 3s}\n"
      "  - {at: 500s, kind: cut, target: all}\n",
      R"({"time":"2026-01-31T10:00:00.000Z","event":"training_started","windows":9}
{"time":"2026-01-31T10:00:01.000Z","event":"fault_began","id":3,"fault":"drop all --probability 0.1 --seed 7","window":1,"kind":"drop"}
{"time":"2026-01-31T10:00:02.000Z","event":"fault_began","id":1,"fault":"kill transmitter1 --for 3s","window":2,"kind":"kill"}
not json
{"time":"2026-01-31T10:00:03.500Z","event":"fault_ended","id":3,"window":4,"reason":"cleared"}
{"time":"2026-01-31T10:00:05.000Z","event":"fault_ended","id":1,"window":5,"reason":"its time is up"}
{"time":"2026-01-31T10:00:06.000Z","event":"fault_began","id":"odd","fault":5}
{"time":"2026-01-31T10:00:0)");
  EXPECT_THAT(Replay(),
              HasSubstr("faults:\n"
                        "  - {at_window: 2, kind: kill, target: \"transmitter1\", for: 3s}\n"
                        "  - {at: 500s, kind: cut, target: \"all\"}\n"
                        "  - {at_window: 1, kind: drop, target: \"all\", probability: 0.1, for: "
                        "2.5s, seed: 7}\n"));
  EXPECT_TRUE(ParseScenario(kScenario + Replay(), "replay").ok());
}

TEST_F(FaultHistoryTest, OneThatFailedLaterWasThereUntilThen) {
  Write(
      "",
      R"({"time":"2026-01-31T10:00:01.000Z","event":"fault_began","id":1,"fault":"cut all --level kernel","window":3}
{"time":"2026-01-31T10:00:01.000Z","event":"fault_began","id":2,"fault":"drop all --probability 0.1 --level kernel","window":3}
{"time":"2026-01-31T10:00:02.000Z","event":"fault_failed","id":1,"fault":"cut all --level kernel","window":3,"node":"receiver1"}
{"time":"2026-01-31T10:00:02.000Z","event":"fault_ended","id":1,"window":3,"reason":"receiver1 can't carry it out: x"}
{"time":"2026-01-31T10:00:03.500Z","event":"fault_failed","id":2,"fault":"drop all --probability 0.1 --level kernel","window":7,"node":"receiver1"}
{"time":"2026-01-31T10:00:04.000Z","event":"fault_ended","id":2,"window":7,"reason":"receiver1 can't carry it out: x"}
)");
  EXPECT_THAT(Replay(), HasSubstr("faults:\n  - {at_window: 3, kind: drop, target: \"all\", "
                                  "probability: 0.1, for: 2.5s, level: kernel}\n"));
}

TEST_F(FaultHistoryTest, NothingIsAnEmptyList) {
  Write("", "");
  EXPECT_THAT(Replay(), HasSubstr("faults: []"));
}

TEST_F(FaultHistoryTest, WantsARunFolder) { EXPECT_FALSE(FaultsAsScenario(folder_ / "none").ok()); }

}  // namespace
}  // namespace semlink::cli
