#include "coordinator/progress_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Scenario TwoTasks() {
  Scenario scenario;
  scenario.name = "s";
  scenario.seed = 7;
  scenario.receivers.resize(2);
  scenario.receivers[0].task = TaskKind::kParity;
  scenario.receivers[1].task = TaskKind::kDigit;
  return scenario;
}

TEST(ProgressTextTest, SaysHowFarTheRunIs) {
  RunStatus status;
  status.phase = "training";
  status.window = 120;
  status.windows = 300;
  status.seconds_per_window = 0.3514;
  EXPECT_EQ(ProgressText(TwoTasks(), status), "training: window 120 of 300, 0.351 s per window");
  status.accuracy = {0.981, 0.5};
  EXPECT_EQ(
      ProgressText(TwoTasks(), status),
      "training: window 120 of 300, 0.351 s per window; accuracy parity 98.1 %, digit 50.0 %");
}

TEST(SummaryLinesTest, SayWhatTheRunCameTo) {
  const Json summary = Json::parse(R"({"windows": 300, "seconds_per_window": 0.3494,
      "accuracy": [0.9862, 0.9661], "accuracy_interval95": [0.0006, 0.0003],
      "nce_per_task": [-0.036, -0.1047], "rate_nats": 228.86, "links_mean": 8.12,
      "limits_exceeded": 0, "parameters_sha256": "ab12"})");
  EXPECT_THAT(SummaryLines(TwoTasks(), summary),
              ElementsAre("s, seed 7: 300 training windows, median 0.349 s per window",
                          "receiver1, parity: accuracy 98.62 ± 0.06 %, N-CE -0.0360 nats",
                          "receiver2, digit: accuracy 96.61 ± 0.03 %, N-CE -0.1047 nats",
                          "sum-rate 228.86 nats per sample, 8.12 links per round; limits exceeded "
                          "0 times",
                          "parameters ab12"));
  EXPECT_THAT(SummaryLines(TwoTasks(), Json::parse(R"({"receivers": []})")), IsEmpty());
}

// Counts its ticks.
struct Ticking final : Node {
  absl::Status Handle(const NodeId&, const v1::Message&) override { return absl::OkStatus(); }
  absl::Status Tick() override {
    ++ticks;
    return absl::UnknownError("told");
  }
  bool done() const override { return ticks > 1; }
  int ticks = 0;
};

TEST(LoggingNodeTest, IsTheNodeThatItLogs) {
  const Scenario scenario = TwoTasks();
  StatusBoard board;
  FakeClock clock;
  Ticking node;
  LoggingNode logging(scenario, board, &clock, &node);
  EXPECT_EQ(logging.Tick().message(), "told");
  EXPECT_FALSE(logging.done());
  clock.Advance(absl::Minutes(1));
  RunStatus status;
  status.window = 3;
  board.Publish(status);
  EXPECT_EQ(logging.Tick().message(), "told");
  EXPECT_TRUE(logging.done());
  EXPECT_EQ(node.ticks, 2);
}

}  // namespace
}  // namespace semlink::coordinator
