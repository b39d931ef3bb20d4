#include "coordinator/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "coordinator/metrics.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;

WindowRecord Train(uint64_t window, double seconds, double probability) {
  WindowRecord record;
  record.open.set_window(window);
  record.open.set_kind(v1::TRAIN);
  record.open.set_rounds(4);
  record.open.set_batch_size(5);
  record.granted = {MakeLink(0, 0, 0, {0, 1, 2, 3}), MakeLink(0, 1, 0, {0}),
                    MakeLink(1, 0, 1, {0, 1})};
  record.reports[NodeId::Transmitter(0)] = TransmitterReport(
      window, {MakeLinkReport(0, 0, 0, 4, 2.0, probability), MakeLinkReport(0, 1, 0, 1, 4.0, 0.25),
               MakeLinkReport(0, 1, 1, 0, 0, 0.125)});
  record.reports[NodeId::Transmitter(1)] =
      TransmitterReport(window, {MakeLinkReport(1, 0, 1, 2, 1.0, 0.5)});
  record.reports[NodeId::Receiver(0)] = ReceiverReport(window, 2, 20, 15, 0.25);
  record.reports[NodeId::Receiver(1)] = ReceiverReport(window, 2, 20, 5, 1.5);
  record.elapsed = absl::Seconds(seconds);
  return record;
}

WindowRecord Evaluate(uint64_t window, uint32_t draw, uint64_t samples, double correct, double ce,
                      double rate) {
  WindowRecord record;
  record.open.set_window(window);
  record.open.set_kind(v1::EVALUATE);
  record.open.set_cr_draw(draw);
  record.open.set_samples(samples);
  record.open.set_batch_size(5);
  const int rounds = static_cast<int>(samples + 4) / 5;
  record.open.set_rounds(rounds);
  std::vector<uint32_t> all(rounds);
  for (int r = 0; r < rounds; ++r) all[r] = r;
  record.granted = {MakeLink(0, 0, 0, all)};
  record.reports[NodeId::Transmitter(0)] =
      TransmitterReport(window, {MakeLinkReport(0, 0, 0, rounds, rate, 1)});
  record.reports[NodeId::Transmitter(1)] = TransmitterReport(window);
  record.reports[NodeId::Receiver(0)] = ReceiverReport(window, 2, samples, correct, ce);
  record.reports[NodeId::Receiver(1)] =
      ReceiverReport(window, 2, samples, static_cast<double>(samples), 0.125);
  return record;
}

TEST(MetricsTest, LineHoldsTheWindow) {
  WindowRecord record = Train(12, 0.5, 1);
  record.refused = {{"receiver_limit", 2}};
  PairCosts costs;
  PairCost& cost = costs[{NodeId::Transmitter(0), NodeId::Receiver(1)}];
  cost.message_bytes = {{"feature", 640}, {"gradient", 600}};
  cost.wire_to_b = 700;
  cost.wire_to_a = 650;
  cost.retransmitted = 52;
  cost.round_trip_us = 80;
  costs[{NodeId::Coordinator(), NodeId::Receiver(1)}].messages_to_a = 30;
  const Json line = MetricsLine(SmallScenario(), record, costs);
  EXPECT_EQ(line["window"], 12);
  EXPECT_EQ(line["kind"], "train");
  EXPECT_EQ(line["seconds"], 0.5);
  EXPECT_EQ(line["cpu_seconds"], 1.5);
  EXPECT_EQ(line["loss"], Json({0.75, 2.0}));
  EXPECT_EQ(line["cross_entropy"], Json({0.25, 1.5}));
  EXPECT_EQ(line["accuracy"], Json({0.75, 0.25}));
  EXPECT_EQ(line["rate_nats"], 2.0 + 4.0 / 4 + 1.0 * 2 / 4);
  EXPECT_EQ(line["links"], Json({1.25, 0.5}));
  EXPECT_EQ(line["links_total"], 1.75);
  EXPECT_EQ(line["transmitter_probability"], Json({{0.5, 0.5}, {0.5, 0.5}}));
  EXPECT_EQ(line["rounds_without_link"], Json({0, 0}));
  ASSERT_EQ(line["link"].size(), 3u);  // the one that was drawn and trimmed carried nothing
  EXPECT_EQ(line["link"][2].dump(),
            R"({"transmitter":2,"modality":1,"receiver":2,"rounds":2,"rate_nats":1.0,)"
            R"("coded_bits":128.0})");
  EXPECT_EQ(line["refused"], 2);
  EXPECT_EQ(line["pair"].dump(),
            R"([{"transmitter":1,"receiver":2,"message_bytes":{"request":0,"feature":640,)"
            R"("gradient":600,"control":0},"wire_bytes":{"down":700,"up":650},)"
            R"("retransmitted_bytes":52,"round_trip_us":80.0}])");
  EXPECT_EQ(line["control"].dump(), R"([{"node":"receiver2","message_bytes":30,"wire_bytes":0}])");
}

TEST(MetricsTest, LogLikelihoodAddsWhatBothSidesDrew) {
  WindowRecord record = Train(0, 1, 1);
  EXPECT_FALSE(LogLikelihood(record, 0).has_value());
  record.reports[NodeId::Receiver(0)].add_log_likelihood(-0.5);
  record.reports[NodeId::Receiver(1)].add_log_likelihood(0.25);
  for (const double value : {-1.0, 2.0}) {
    record.reports[NodeId::Transmitter(0)].add_log_likelihood(value);
    record.reports[NodeId::Transmitter(1)].add_log_likelihood(value / 8);
  }
  EXPECT_EQ(LogLikelihood(record, 0), -0.5 - 1 - 0.125);
  EXPECT_EQ(LogLikelihood(record, 1), 0.25 + 2 + 0.25);
  Scenario scenario = SmallScenario();
  EXPECT_EQ(MetricsLine(scenario, record, {})["log_likelihood"], Json({-1.625, 2.5}));
  scenario.method.name = "rsdib";  // nothing is learned
  EXPECT_FALSE(MetricsLine(scenario, record, {}).contains("log_likelihood"));
}

TEST(MetricsTest, GrantedSetsAreCountedByRound) {
  using Rounds = std::map<std::string, int>;
  EXPECT_EQ(CountGrantedSets(Train(0, 1, 1)),
            (Rounds{{"1.1->1,1.2->1,2.1->2", 1}, {"1.1->1,2.1->2", 1}, {"1.1->1", 2}}));
  WindowRecord none = Train(0, 1, 1);
  none.granted.clear();
  EXPECT_EQ(CountGrantedSets(none), (Rounds{{"", 4}}));
}

TEST(MetricsTest, LimitsAreCountedFromTheLinksThemselves) {
  WindowRecord record = Train(0, 1, 1);
  Scenario scenario = SmallScenario();
  EXPECT_EQ(CountLinks(scenario, record).limits_exceeded, 0);
  EXPECT_EQ(CountLinks(scenario, record).links_max, 2);
  EXPECT_EQ(CountLinks(scenario, record).transmitters_max, 1);
  record.granted.push_back(MakeLink(0, 1, 1, {0}));  // third link of transmitter 1 in round 0,
                                                     // second transmitter of receiver 2
  EXPECT_EQ(CountLinks(scenario, record).limits_exceeded, 2);
  EXPECT_EQ(CountLinks(scenario, record).links_max, 3);
  EXPECT_EQ(CountLinks(scenario, record).transmitters_max, 2);
}

TEST(MetricsTest, QuantilesAreNearestRank) {
  EXPECT_EQ(Quantile({}, 0.5), 0);
  EXPECT_EQ(Quantile({3}, 0.99), 3);
  EXPECT_EQ(Quantile({4, 1, 3, 2}, 0.5), 2);
  EXPECT_EQ(Quantile({4, 1, 3, 2}, 0.9), 4);
  EXPECT_EQ(Quantile({4, 1, 3, 2}, 1.0), 4);
  EXPECT_EQ(Quantile({4, 1, 3, 2}, 0.0), 1);
}

TEST(SummaryTest, QualityIsWeightedBySamplesAndAveragedOverDraws) {
  Scenario scenario = SmallScenario();
  Summary summary(scenario);
  // Draw 0: 500 + 100 samples, 450 + 30 correct: 0.8. Draw 1: 600 correct of 600.
  summary.Add(Evaluate(0, 0, 500, 450, 0.2, 3.0));
  summary.Add(Evaluate(1, 0, 100, 30, 0.8, 9.0));
  summary.Add(Evaluate(2, 1, 500, 500, 0.1, 1.0));
  summary.Add(Evaluate(3, 1, 100, 100, 0.1, 1.0));
  const Json json = summary.ToJson();
  EXPECT_DOUBLE_EQ(json["accuracy"][0], 0.9);
  EXPECT_DOUBLE_EQ(json["accuracy"][1], 1.0);
  EXPECT_DOUBLE_EQ(json["accuracy_per_draw"][0][0], 0.8);
  EXPECT_DOUBLE_EQ(json["accuracy_per_draw"][1][0], 1.0);
  EXPECT_NEAR(json["accuracy_interval95"][0], 1.96 * std::sqrt(0.02) / std::sqrt(2), 1e-12);
  EXPECT_DOUBLE_EQ(json["accuracy_interval95"][1], 0.0);
  EXPECT_DOUBLE_EQ(json["nce_per_task"][0], -(0.3 + 0.1) / 2);
  EXPECT_DOUBLE_EQ(json["nce_per_task"][1], -0.125);
  EXPECT_DOUBLE_EQ(json["nce"], -0.2 - 0.125);
  EXPECT_DOUBLE_EQ(json["nce_per_draw"][0], -0.3 - 0.125);
  EXPECT_DOUBLE_EQ(json["rate_nats"], (4.0 + 1.0) / 2);  // (100 * 3 + 20 * 9) / 120 in draw 0
  EXPECT_DOUBLE_EQ(json["links_mean"], 1.0);
  EXPECT_EQ(json["cr_draws"], 2);
  EXPECT_EQ(json["windows"], 0);
  EXPECT_EQ(json["selection_probability_evaluation"],
            Json({{{1.0, 0.0}, {0.0}}, {{0.0, 0.0}, {0.0}}}));
  EXPECT_EQ(json["scenario"], "small");
  EXPECT_EQ(json["seed"], 7);
}

TEST(SummaryTest, ScoreIsTheMeanLossOverTheTestSamples) {
  Scenario scenario = SmallScenario();
  EXPECT_FALSE(Summary(scenario).ToJson().contains("score"));
  scenario.evaluation.score = true;
  Summary summary(scenario);
  // Batches of 5, 5 and 2 samples; two draws of u.
  const std::vector<std::vector<double>> first = {{1, 2, 6}, {0.5, 0.25, 4}};
  const std::vector<std::vector<double>> second = {{3, 2, 0}, {0.5, 0.75, 2}};
  for (uint32_t draw = 0; draw < 2; ++draw) {
    WindowRecord record = Evaluate(draw, draw, 12, 6, 0.2, 3.0);
    for (int t = 0; t < 2; ++t) {
      const std::vector<double>& loss = (draw == 0 ? first : second)[t];
      record.reports[NodeId::Receiver(t)].mutable_round_loss()->Add(loss.begin(), loss.end());
    }
    summary.Add(record);
  }
  const Json json = summary.ToJson();
  // Over the draws receiver 1 has 2, 2, 3 in its batches, receiver 2 0.5, 0.5, 3.
  EXPECT_DOUBLE_EQ(json["score_per_task"][0], (5 * 2 + 5 * 2 + 2 * 3) / 12.0);
  EXPECT_DOUBLE_EQ(json["score_per_task"][1], (5 * 0.5 + 5 * 0.5 + 2 * 3) / 12.0);
  EXPECT_DOUBLE_EQ(json["score"], (20 + 6 + 5 + 6) / 12.0);
  EXPECT_DOUBLE_EQ(json["score_per_draw"][0], (5 * 1.5 + 5 * 2.25 + 2 * 10) / 12.0);
  EXPECT_DOUBLE_EQ(json["score_per_draw"][1], (5 * 3.5 + 5 * 2.75 + 2 * 2) / 12.0);
  // The batches' sums are 2.5, 2.5 and 6: standard deviation sqrt(49 / 12).
  EXPECT_NEAR(json["score_interval95"], 1.96 * std::sqrt(49.0 / 12 / 3), 1e-12);
  EXPECT_EQ(json["link_sets_evaluation"].dump(), R"({"1.1->1":1.0})");
}

TEST(SummaryTest, TrainingGivesTimesAndSelections) {
  Scenario scenario = SmallScenario();
  Summary summary(scenario);
  summary.Add(Train(0, 9, 1));  // falls out of the last 100 windows
  for (int i = 1; i <= 100; ++i) summary.Add(Train(i, i < 60 ? 1 : 2, i <= 50 ? 0.0 : 1.0));
  const Json json = summary.ToJson();
  EXPECT_EQ(json["windows"], 101);
  EXPECT_EQ(json["seconds_per_window"], 1.0);
  EXPECT_EQ(json["cpu_seconds_per_window"], 1.5);
  EXPECT_NEAR(json["selection_probability"][0][0][0], 0.5, 1e-12);
  EXPECT_NEAR(json["selection_probability"][0][0][1], 0.25, 1e-12);
  EXPECT_NEAR(json["selection_probability"][1][0][1], 0.125, 1e-12);  // before the trim
  EXPECT_NEAR(json["selection_probability"][1][1][0], 0.5, 1e-12);
  EXPECT_EQ(json["links_max"], 2);
  EXPECT_EQ(json["transmitters_max"], 1);
  EXPECT_EQ(json["limits_exceeded"], 0);
  EXPECT_THAT(summary.RecentAccuracy(),
              ElementsAre(::testing::DoubleEq(0.75), ::testing::DoubleEq(0.25)));
}

TEST(MetricsTest, GrantedKindsAreCountedByRound) {
  WindowRecord record = Train(0, 1, 1);
  Scenario scenario = SmallScenario();
  // Receiver 1: image_fft in all 4 rounds, mel in the first. Receiver 2: noise in rounds 0 and 1.
  using Rounds = std::map<std::string, int>;
  EXPECT_THAT(CountGrantedKinds(scenario, record),
              ElementsAre(Rounds{{"image_fft", 3}, {"image_fft+mel", 1}},
                          Rounds{{"noise", 2}, {"none", 2}}));
  // Two links of one kind are one kind.
  scenario.transmitters[0].modalities[1] = ModalityKind::kImageFft;
  EXPECT_THAT(CountGrantedKinds(scenario, record),
              ElementsAre(Rounds{{"image_fft", 4}}, Rounds{{"noise", 2}, {"none", 2}}));
}

TEST(SummaryTest, GrantedKindsAreSharesOfRounds) {
  Summary summary(SmallScenario());
  EXPECT_EQ(summary.ToJson()["granted_kinds"].dump(), "[{},{}]");
  WindowRecord first = Train(0, 1, 1);  // falls out of the last 100 windows
  first.granted.clear();
  summary.Add(first);
  for (int i = 1; i <= 100; ++i) {
    WindowRecord record = Train(i, 1, 1);
    if (i > 50) record.granted = {MakeLink(0, 1, 1, {3})};
    summary.Add(record);
  }
  summary.Add(Evaluate(101, 0, 20, 10, 0.2, 3.0));
  WindowRecord last = Evaluate(102, 1, 60, 10, 0.2, 3.0);
  last.granted.front().set_modality(1);
  summary.Add(last);
  const Json json = summary.ToJson();
  EXPECT_EQ(json["granted_kinds"].dump(),
            R"([{"image_fft":0.375,"image_fft+mel":0.125,"none":0.5},)"
            R"({"mel":0.125,"noise":0.25,"none":0.625}])");
  EXPECT_EQ(json["granted_kinds_evaluation"].dump(),
            R"([{"image_fft":0.25,"mel":0.75},{"none":1.0}])");
}

TEST(SummaryTest, BoundOfTheRateIsTheEstimators) {
  Scenario scenario = SmallScenario();
  EXPECT_DOUBLE_EQ(Summary(scenario).ToJson()["rate_bound_nats"], 4 * std::log(5.0));
  scenario.rate.estimator = RateEstimator::kJoint;
  const Json json = Summary(scenario).ToJson();
  EXPECT_DOUBLE_EQ(json["rate_bound_nats"], std::log(5.0));
  EXPECT_EQ(json["rate_estimator"], "joint");
}

TEST(SummaryTest, AnEntropyHasNoBound) {
  Scenario scenario = SmallScenario();
  scenario.rate.estimator = RateEstimator::kKnnEntropy;
  const Json json = Summary(scenario).ToJson();
  EXPECT_TRUE(json["rate_bound_nats"].is_null());
  EXPECT_EQ(json["rate_estimator"], "knn_entropy");
}

TEST(SummaryTest, LimitsAreTheScenariosWhateverTheMethodKeeps) {
  Scenario scenario = SmallScenario();
  for (const char* method : {"pom2dib", "vddib"}) {
    scenario.method.name = method;
    scenario.limits = {2, 2};
    Summary within(scenario);
    within.Add(Train(0, 1, 1));
    EXPECT_EQ(within.ToJson()["limits_exceeded"], 0);
    EXPECT_EQ(within.ToJson()["under_limits"], true);
    EXPECT_EQ(within.ToJson()["method"], method);
    scenario.limits = {2, 1};
    Summary beyond(scenario);
    beyond.Add(Train(0, 1, 1));  // transmitter 1 serves two links in round 0
    EXPECT_EQ(beyond.ToJson()["limits_exceeded"], 1);
    EXPECT_EQ(beyond.ToJson()["under_limits"], false);
  }
}

TEST(SummaryTest, OperationsPerWindowAndPerSample) {
  const auto with_flops = [](WindowRecord record, uint64_t flops) {
    for (auto& [node, report] : record.reports) report.set_flops(flops);
    return record;
  };
  Summary summary(SmallScenario());
  for (uint64_t i = 0; i < 3; ++i) summary.Add(with_flops(Train(i, 1, 1), 100 * (i + 1)));
  summary.Add(with_flops(Evaluate(3, 0, 20, 10, 0.2, 3.0), 500));
  summary.Add(with_flops(Evaluate(4, 0, 60, 10, 0.2, 3.0), 1500));
  const Json json = summary.ToJson();
  EXPECT_EQ(json["flops_per_window"], 4 * 200);  // four nodes
  EXPECT_EQ(json["flops_per_inference"], 4.0 * 2000 / 80);
}

TEST(InferJsonTest, LatencyAndThroughputPerReceiver) {
  WindowRecord record;
  v1::InferReport report;
  report.set_samples(100);
  report.set_correct(90);
  report.set_seconds(0.5);
  for (int i = 100; i >= 1; --i) report.add_latency_us(i);
  record.infer_reports[0] = report;
  report.set_seconds(2);
  record.infer_reports[1] = report;
  v1::InferStart start;
  start.set_batch_size(1);
  start.set_in_flight(8);
  const Json json = InferJson(SmallScenario(), record, start);
  EXPECT_EQ(json["receivers"][0]["task"], "parity");
  EXPECT_EQ(json["receivers"][0]["accuracy"], 0.9);
  EXPECT_EQ(json["receivers"][0]["samples_per_second"], 200.0);
  EXPECT_EQ(json["receivers"][0]["latency_us"].dump(),
            R"({"p50":50.0,"p90":90.0,"p99":99.0,"max":100.0})");
  EXPECT_EQ(json["samples_per_second"], 250.0);
  EXPECT_EQ(json["in_flight"], 8);
}

}  // namespace
}  // namespace semlink::coordinator
