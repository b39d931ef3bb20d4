#include "coordinator/run_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/messages.h"
#include "tests/metrics/page_text.h"

namespace semlink::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

WindowRecord Record() {
  WindowRecord record;
  record.open.set_kind(v1::TRAIN);
  record.open.set_rounds(4);
  record.elapsed = absl::Milliseconds(250);
  record.reports[NodeId::Transmitter(0)] =
      TransmitterReport(0, {MakeLinkReport(0, 1, 1, 2, 20.5, 1)});
  record.reports[NodeId::Receiver(1)] = ReceiverReport(0, 0.5, 40, 30, 0.25);
  record.reports[NodeId::Receiver(1)].set_loss(0.5);
  record.reports[NodeId::Receiver(1)].set_rounds_without_link(1);
  v1::PairFailure* failure = record.reports[NodeId::Receiver(1)].add_failed();
  failure->set_transmitter(1);
  failure->set_receiver(1);
  failure->set_stage(v1::PairFailure::FEATURES);
  record.refused = {{"receiver_limit", 3}};
  return record;
}

TEST(RunMetricsTest, NothingIsKnownAtTheStart) {
  StatusBoard board;
  MetricsPage page;
  AddRunMetrics(&board, PeerCheck(), &page);
  const std::string text = PageText(&page);
  EXPECT_THAT(text, HasSubstr("semlink_run_windows 0\n"));
  EXPECT_THAT(text, HasSubstr("semlink_refusals_total{reason=\"no_certificate\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("semlink_faults_active{kind=\"cut\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("loss")));
}

TEST(RunMetricsTest, ServesTheRun) {
  StatusBoard board;
  Membership membership(SmallScenario());
  membership.Join(NodeId::Transmitter(1), HelloFrom(NodeId::Transmitter(1)).hello(),
                  absl::ZeroDuration());
  RunStatus status;
  status.window = 7;
  status.members = membership.members();
  status.tasks = {"ring", "digit"};
  status.modalities = {2, 1};
  board.Publish(status);
  board.counters().Committed(Record());
  board.counters().Committed(Record());
  board.counters().Aborted();
  MetricsPage page;
  AddRunMetrics(&board, PeerCheck(), &page);
  const std::string text = PageText(&page);
  for (const char* line : {
           "semlink_run_windows 7\n",
           "semlink_node_up{transmitter=\"2\"} 1\n",
           "semlink_node_up{receiver=\"1\"} 0\n",
           "semlink_pair_up{transmitter=\"2\",receiver=\"1\"} 0\n",
           "semlink_windows_committed_total{kind=\"train\"} 2\n",
           "semlink_windows_aborted_total 1\n",
           "semlink_window_seconds_bucket{kind=\"train\",le=\"0.3\"} 2\n",
           "semlink_window_seconds_sum{kind=\"train\"} 0.5\n",
           "semlink_refusals_total{reason=\"receiver_limit\"} 6\n",
           "semlink_accuracy_ratio{receiver=\"2\",task=\"digit\"} 0.75\n",
           "semlink_loss_nats{receiver=\"2\",task=\"digit\"} 0.5\n",
           "semlink_rounds_without_link_total{receiver=\"2\",task=\"digit\"} 2\n",
           "semlink_link_active_ratio{transmitter=\"1\",modality=\"2\",receiver=\"2\"} 0.5\n",
           "semlink_link_active_ratio{transmitter=\"2\",modality=\"1\",receiver=\"1\"} 0\n",
           "semlink_link_rate_nats{transmitter=\"1\",modality=\"2\",receiver=\"2\"} 20.5\n",
           "semlink_pair_failures_total{transmitter=\"2\",receiver=\"2\",kind=\"features\"} 2\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace semlink::coordinator
