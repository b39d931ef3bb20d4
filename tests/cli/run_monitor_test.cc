#include "cli/run_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

void Append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

std::string TrainLine(int window, const std::string& accuracy) {
  return R"({"window":)" + std::to_string(window) +
         R"(,"kind":"train","seconds":0.5,"loss":[1.0,2.0],)" + R"("accuracy":[)" + accuracy +
         R"(],"rate_nats":100.0,"links":[2.0,3.0],"links_total":5.0})" + "\n";
}

std::string Joined(const std::string& node) {
  return "{\"event\":\"node_joined\",\"node\":\"" + node + "\"}\n";
}

std::string Lost(const std::string& node) {
  return "{\"event\":\"node_lost\",\"node\":\"" + node + "\"}\n";
}

constexpr char kTraining[] = "{\"event\":\"training_started\",\"windows\":9}\n";

TEST(LineFollowerTest, GivesWholeLinesOnly) {
  TempDir folder;
  LineFollower follower(folder / "a.jsonl");
  EXPECT_THAT(follower.ReadNew(), IsEmpty());
  Append(folder / "a.jsonl", "one\ntw");
  EXPECT_THAT(follower.ReadNew(), ElementsAre("one"));
  EXPECT_THAT(follower.ReadNew(), IsEmpty());
  Append(folder / "a.jsonl", "o\nthree\n");
  EXPECT_THAT(follower.ReadNew(), ElementsAre("two", "three"));
}

TEST(LineFollowerTest, ForgetsHalfALineThatACoordinatorCutsOff) {
  TempDir folder;
  LineFollower follower(folder / "a.jsonl");
  WriteText(folder / "a.jsonl", "one\nhalf of a li");
  EXPECT_THAT(follower.ReadNew(), ElementsAre("one"));
  WriteText(folder / "a.jsonl", "one\n");
  EXPECT_THAT(follower.ReadNew(), IsEmpty());
  Append(folder / "a.jsonl", "two\n");
  EXPECT_THAT(follower.ReadNew(), ElementsAre("two"));
}

TEST(LineFollowerTest, ReadsLinesLongerThanItsBuffer) {
  TempDir folder;
  const std::string line(200'000, 'x');
  Append(folder / "a.jsonl", line + "\nend\n");
  LineFollower follower(folder / "a.jsonl");
  EXPECT_THAT(follower.ReadNew(), ElementsAre(line, "end"));
}

TEST(RunMonitorTest, FollowsARunFromStartToEnd) {
  TempDir folder;
  RunMonitor monitor(folder.path());
  monitor.Poll();
  EXPECT_EQ(ProgressLine(monitor.progress()), "starting the nodes");

  Append(folder / "events.jsonl", "{\"event\":\"node_joined\",\"node\":\"receiver1\"}\n");
  monitor.Poll();
  EXPECT_EQ(ProgressLine(monitor.progress()), "waiting for nodes, 1 joined");

  Append(folder / "events.jsonl", "{\"event\":\"training_started\",\"windows\":10}\n");
  Append(folder / "metrics.jsonl", TrainLine(0, "0.5,0.1") + TrainLine(1, "0.7,0.3"));
  monitor.Poll();
  EXPECT_EQ(monitor.progress().windows, 2u);
  EXPECT_THAT(monitor.progress().accuracy,
              ElementsAre(DoubleNear(0.6, 1e-9), DoubleNear(0.2, 1e-9)));
  EXPECT_EQ(
      ProgressLine(monitor.progress()),
      "training 2/10 windows, 4 s left | loss 1.00 2.00 nats | rate 100.0 nats | links 2.0 3.0 "
      "| accuracy 60 20 %");

  Append(folder / "events.jsonl",
         "{\"event\":\"evaluation_started\",\"windows\":16,\"draws\":16}\n"
         "{\"event\":\"evaluation_progress\",\"done\":5,\"total\":16}\n");
  monitor.Poll();
  EXPECT_EQ(ProgressLine(monitor.progress()), "evaluating 5/16 windows");

  Append(folder / "events.jsonl", "{\"event\":\"finished\"}\n");
  monitor.Poll();
  EXPECT_EQ(ProgressLine(monitor.progress()), "finished");
}

TEST(RunMonitorTest, MeansAreOverTheLastTwentyWindows) {
  TempDir folder;
  for (int w = 0; w < 30; ++w) {
    Append(folder / "metrics.jsonl", TrainLine(w, w < 10 ? "0,0" : "1,0.5"));
  }
  RunMonitor monitor(folder.path());
  monitor.Poll();
  EXPECT_EQ(monitor.progress().windows, 30u);
  EXPECT_THAT(monitor.progress().accuracy, ElementsAre(DoubleNear(1, 1e-9), DoubleNear(0.5, 1e-9)));
}

TEST(RunMonitorTest, KeepsTheReasonOfAFailure) {
  TempDir folder;
  Append(folder / "events.jsonl", "{\"event\":\"failed\",\"reason\":\"receiver2 was lost\"}\n");
  RunMonitor monitor(folder.path());
  monitor.Poll();
  EXPECT_EQ(monitor.progress().phase, "failed");
  EXPECT_EQ(monitor.progress().failure, "receiver2 was lost");
}

TEST(RunMonitorTest, SurvivesLinesThatAreNotWhatItExpects) {
  TempDir folder;
  Append(folder / "metrics.jsonl",
         "garbage\n[1,2]\n{\"kind\":\"train\",\"loss\":\"x\",\"links\":[null]}\n"
         "{\"kind\":\"evaluate\"}\n\n{\"kind\":3}\n");
  Append(folder / "events.jsonl", "{\"event\":7}\n{\"event\":\"failed\",\"reason\":3}\nnull\n");
  RunMonitor monitor(folder.path());
  monitor.Poll();
  EXPECT_EQ(monitor.progress().windows, 1u);
  EXPECT_EQ(monitor.progress().unreadable_lines, 4);
  EXPECT_FALSE(ProgressLine(monitor.progress()).empty());
}

TEST(HeldDownTest, FollowsKillsToTheirEnd) {
  TempDir folder;
  RunMonitor monitor(folder.path());
  const absl::Time began =
      absl::FromCivil(absl::CivilSecond(2026, 1, 31, 10, 0, 0), absl::UTCTimeZone());
  std::string events =
      R"({"time":"2026-01-31T10:00:00.000Z","event":"fault_began","id":1,"kind":"kill","nodes":["transmitter1","receiver2"],"seconds":5}
{"time":"2026-01-31T10:00:00.000Z","event":"fault_began","id":2,"kind":"kill","nodes":["coordinator"],"seconds":3}
{"time":"2026-01-31T10:00:00.000Z","event":"fault_began","id":3,"kind":"kill","nodes":["coordinator"]}
{"time":"2026-01-31T10:00:00.000Z","event":"fault_began","id":4,"kind":"restart","nodes":["receiver1"]}
)";
  WriteText(folder / "events.jsonl", events);
  monitor.Poll();
  EXPECT_THAT(HeldDown(monitor.progress(), began + absl::Seconds(1)),
              testing::ElementsAre("coordinator", "receiver2", "transmitter1"));
  // Nobody could tell that the coordinator's time is up but the clock; the others' the coordinator.
  EXPECT_THAT(HeldDown(monitor.progress(), began + absl::Seconds(60)),
              testing::ElementsAre("receiver2", "transmitter1"));
  events += "{\"event\":\"fault_ended\",\"id\":1,\"reason\":\"cleared\"}\n";
  WriteText(folder / "events.jsonl", events);
  monitor.Poll();
  EXPECT_THAT(HeldDown(monitor.progress(), began + absl::Seconds(60)), testing::IsEmpty());
}

TEST(RunMonitorTest, KnowsWhoIsAway) {
  TempDir folder;
  RunMonitor monitor(folder.path());
  const std::string events = folder / "events.jsonl";
  Append(events, Joined("transmitter1") + Joined("transmitter2"));
  monitor.Poll();
  EXPECT_FALSE(monitor.progress().started);
  EXPECT_EQ(monitor.progress().nodes_joined, 2);
  Append(events, kTraining + Lost("transmitter1") + Lost("transmitter2") + Joined("transmitter2"));
  monitor.Poll();
  EXPECT_TRUE(monitor.progress().started);
  EXPECT_EQ(monitor.progress().phase, "training") << "whoever comes back does not start it anew";
  EXPECT_THAT(monitor.progress().absent, ElementsAre("transmitter1"));
  Append(events, Joined("transmitter1"));
  monitor.Poll();
  EXPECT_THAT(monitor.progress().absent, IsEmpty());
}

TEST(RunMonitorTest, AFailureIsTheEndUntilARunIsResumed) {
  TempDir folder;
  RunMonitor monitor(folder.path());
  const std::string events = folder / "events.jsonl";
  Append(events, Joined("transmitter1") + Joined("receiver1") + kTraining);
  Append(folder / "metrics.jsonl", TrainLine(0, "0.5") + TrainLine(1, "0.7"));
  Append(events, Lost("receiver1") + "{\"event\":\"failed\",\"reason\":\"interrupted\"}\n");
  monitor.Poll();
  EXPECT_EQ(monitor.progress().phase, "failed");
  EXPECT_FALSE(monitor.progress().started);
  EXPECT_EQ(monitor.progress().failure, "interrupted");
  EXPECT_EQ(monitor.progress().windows, 2u);
  // Of a node that did not know yet.
  Append(events, Joined("receiver1"));
  monitor.Poll();
  EXPECT_EQ(monitor.progress().phase, "failed");

  Append(events, "{\"event\":\"resumed\",\"window\":2,\"starts\":2}\n");
  monitor.Poll();
  EXPECT_EQ(ProgressLine(monitor.progress()), "waiting for nodes, 0 joined");
  EXPECT_EQ(monitor.progress().failure, "");
  EXPECT_THAT(monitor.progress().absent, IsEmpty());
  EXPECT_FALSE(monitor.progress().started) << "the nodes have to join once more";
  Append(events, Joined("receiver1") + Joined("transmitter1") + kTraining);
  Append(folder / "metrics.jsonl", TrainLine(2, "0.9"));
  monitor.Poll();
  EXPECT_TRUE(monitor.progress().started);
  EXPECT_EQ(monitor.progress().nodes_joined, 2);
  EXPECT_EQ(monitor.progress().windows, 3u);
  EXPECT_THAT(monitor.progress().accuracy, ElementsAre(DoubleNear(0.7, 1e-9)));
}

// A coordinator that was killed goes on: no `failed` comes before its `resumed`.
TEST(RunMonitorTest, ARestartOfTheCoordinatorForgetsWhoWasAway) {
  TempDir folder;
  RunMonitor monitor(folder.path());
  Append(folder / "events.jsonl", Joined("receiver1") + kTraining + Lost("receiver1"));
  monitor.Poll();
  EXPECT_THAT(monitor.progress().absent, ElementsAre("receiver1"));
  Append(folder / "events.jsonl", "{\"event\":\"resumed\",\"window\":2,\"starts\":2}\n");
  monitor.Poll();
  EXPECT_THAT(monitor.progress().absent, IsEmpty());
  EXPECT_EQ(monitor.progress().phase, "waiting");
  EXPECT_TRUE(monitor.progress().started) << "its nodes ran: one that dies is started again";
}

}  // namespace
}  // namespace semlink::cli
