#include "common/method/node_report.h"

#include <gtest/gtest.h>

#include "tests/method/tiny_scenario.h"
#include "tests/transport/recording_transport.h"

namespace semlink::method {
namespace {

class NodeReportTest : public ::testing::Test {
 protected:
  NodeReportTest() { transport_.traffic.resize(2); }
  int Counters(const v1::OpenWindow& open) {
    return StartReport(Plan(scenario_, open), transport_, 0).traffic_size();
  }
  Scenario scenario_ = TinyScenario();
  RecordingTransport transport_;
};

TEST_F(NodeReportTest, CarriesTheCosts) {
  const v1::Report report = StartReport(Plan(scenario_, OpenTrain(scenario_, 3)), transport_, 0.25);
  EXPECT_EQ(report.window(), 3u);
  EXPECT_EQ(report.compute_seconds(), 0.25);
  EXPECT_GT(report.peak_rss_bytes(), 1u << 20);
}

TEST_F(NodeReportTest, TrafficInEveryWindow) {
  EXPECT_EQ(Counters(OpenTrain(scenario_, 0)), 2);
  EXPECT_EQ(Counters(OpenTrain(scenario_, 1)), 2);
  EXPECT_EQ(Counters(OpenEvaluate(scenario_, 31, 0, 8, 0)), 2);
}

}  // namespace
}  // namespace semlink::method
