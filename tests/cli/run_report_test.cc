#include "cli/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/scenario/reader.h"
#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

Scenario TwoTasks() {
  return *ParseScenario(
      "name: two\nseed: 7\ntransmitters: [{modalities: [mel]}, {modalities: [noise]}]\n"
      "receivers: [{task: parity}, {task: digit}]\n",
      "two.yaml");
}

constexpr char kSummary[] = R"({
  "windows": 400, "accuracy": [0.986, 0.965], "accuracy_interval95": [0.001, 0.0025],
  "nce": -0.39, "nce_per_task": [-0.1, -0.29], "rate_nats": 166.78, "rate_estimator": "marginal",
  "links_mean": 8.0, "links_max": 4, "transmitters_max": 2, "limits_exceeded": 0,
  "seconds_per_window": 0.27, "test_samples": 2000, "cr_draws": 16,
  "message_bytes": [
    {"transmitter": 1, "receiver": 1, "kind": "request", "bytes": 512, "messages": 4},
    {"transmitter": 1, "receiver": 1, "kind": "feature", "bytes": 2000000, "messages": 4},
    {"transmitter": 2, "receiver": 1, "kind": "feature", "bytes": 3000, "messages": 4},
    {"node": "receiver1", "kind": "control", "bytes": 77, "messages": 4}],
  "wire_bytes": [{"transmitter": 1, "receiver": 1, "sent": 2500000, "received": 500000}]
})";

TEST(SummaryTextTest, ShowsAllFigures) {
  EXPECT_EQ(SummaryText(TwoTasks(), Json::parse(kSummary)),
            R"(two: seed 7, 400 training windows, median 0.270 s per window

receiver  task    accuracy    95 %  N-CE, nats
1         parity   98.60 %  ± 0.10     -0.1000
2         digit    96.50 %  ± 0.25     -0.2900
Mean over 16 draws of u, each over 2000 test samples; ± is the 95 % interval of that mean over the draws.

N-CE      -0.390 nats, sum over the tasks
sum-rate  166.78 nats per sample (marginal estimator; in batches of 20 it can't show more than 24 log 20, 71.90 nats per link)
links     8.00 per round
limits    a receiver drew on at most 2 transmitters (E_t = 2); a transmitter served at most 4 links (E_k = 4); exceeded 0 times

Bytes of messages, both directions, and what TCP made of them:
transmitter  receiver  request  feature  gradient  control    wire
1            1           512 B   2.0 MB         -        -  3.0 MB
2            1               -   3.0 kB         -        -       -
)");
}

TEST(SummaryTextTest, BoundsTheJointEstimatorByOneLogB) {
  Scenario scenario = TwoTasks();
  scenario.rate.estimator = RateEstimator::kJoint;
  EXPECT_THAT(SummaryText(scenario, Json::parse(kSummary)),
              HasSubstr("can't show more than log 20, 3.00 nats per link"));
}

TEST(SummaryTextTest, AnEvaluationHasNoTrainingWindows) {
  Json summary = Json::parse(kSummary);
  summary["windows"] = 0;
  EXPECT_THAT(SummaryText(TwoTasks(), summary),
              testing::StartsWith("two: seed 7, evaluation only, median"));
}

TEST(SummaryTextTest, MissingOrOddKeysAreShownAsMissing) {
  const std::string empty = SummaryText(TwoTasks(), Json::object());
  EXPECT_THAT(empty, HasSubstr("sum-rate  - nats"));
  const Json odd = Json::parse(
      R"({"accuracy": 3, "nce": "x", "message_bytes": [1, {"transmitter": "a"}], "wire_bytes": {}})");
  EXPECT_THAT(SummaryText(TwoTasks(), odd), HasSubstr("N-CE      - nats"));
}

TEST(InferenceTextTest, ShowsReceiversAndTheTotal) {
  const Json infer = Json::parse(R"({"receivers": [
      {"task": "parity", "samples": 1000, "correct": 986, "seconds": 0.5, "samples_per_second": 2000,
       "latency_us": {"p50": 400, "p90": 510.4, "p99": 999, "max": 1200}},
      {"task": "digit", "samples": 0}],
      "samples_per_second": 3500.4, "batch": 1, "in_flight": 4})");
  EXPECT_EQ(InferenceText(infer),
            R"(receiver  task    samples  accuracy  samples/s  p50, us  p90, us  p99, us
1         parity     1000   98.60 %       2000      400      510      999
2         digit         0         -          -        -        -        -
All receivers together: 3500 samples per second, in requests of 1 with 4 under way at once
)");
  EXPECT_THAT(InferenceText(Json::object()), HasSubstr("receiver"));
}

TEST(ReadJsonFileTest, TellsMissingFromBroken) {
  TempDir folder;
  EXPECT_EQ(ReadJsonFile(folder / "a.json").status().code(), absl::StatusCode::kNotFound);
  WriteText(folder / "a.json", "{\"a\": ");
  EXPECT_EQ(ReadJsonFile(folder / "a.json").status().code(), absl::StatusCode::kDataLoss);
  WriteText(folder / "a.json", "{\"b\": 1, \"a\": 2}");
  EXPECT_EQ(ReadJsonFile(folder / "a.json")->dump(), "{\"b\":1,\"a\":2}");
}

}  // namespace
}  // namespace semlink::cli
