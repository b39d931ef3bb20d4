#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/metrics/daemon_metrics.h"
#include "common/metrics/metrics_server.h"
#include "common/transport/protocol.h"
#include "tests/metrics/page_text.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricTableTest, NamesFollowTheConventions) {
  std::set<std::string> names;
  for (const MetricSpec& spec : AllMetrics()) {
    const std::string name = spec.name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(absl::EndsWith(name, "_total"), spec.type == MetricType::kCounter) << name;
    EXPECT_TRUE(absl::StartsWith(name, "semlink_") || absl::StartsWith(name, "process_")) << name;
    EXPECT_THAT(name, Not(HasSubstr("_us")));
    EXPECT_THAT(name, Not(HasSubstr("_bits")));
    EXPECT_TRUE(absl::EndsWith(spec.help, ".")) << name;
  }
}

TEST(MetricTableTest, TheDocumentationHasTheSameTable) {
  std::ifstream file(SEMLINK_SOURCE_DIR "/docs/metrics.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(absl::StrContains(text.str(), MetricTableMarkdown()))
      << "put this into docs/metrics.md:\n"
      << MetricTableMarkdown();
}

TEST(MetricsPageTest, WritesSamplesAndHistograms) {
  MetricsPage page;
  page.Add(metrics::kRetransmitted, NodeLabels(NodeId::Receiver(1), NodeId::Transmitter(0)), 52);
  page.Add(metrics::kNodeUp, NodeLabels(NodeId::Receiver(1)), 1);
  HistogramCounts seconds({0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) seconds.Observe(value);
  page.Add(metrics::kWindowSeconds, {{"kind", "train"}}, seconds);
  const std::string text = PageText(&page);
  EXPECT_THAT(text, HasSubstr("# TYPE semlink_retransmitted_bytes_total counter\n"
                              "semlink_retransmitted_bytes_total{transmitter=\"1\",receiver=\"2\"} "
                              "52\n"));
  EXPECT_THAT(text, HasSubstr("semlink_node_up{receiver=\"2\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("semlink_window_seconds_bucket{kind=\"train\",le=\"0.1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("semlink_window_seconds_bucket{kind=\"train\",le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("semlink_window_seconds_bucket{kind=\"train\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("semlink_window_seconds_sum{kind=\"train\"} 7.65"));
}

TEST(TrafficMetricsTest, ServesBothDirectionsInBaseUnits) {
  v1::Traffic traffic;
  *traffic.mutable_peer() = ToProto(NodeId::Receiver(2));
  traffic.set_kind("feature");
  traffic.set_bytes_sent(4000);
  traffic.set_messages_sent(5);
  v1::Wire wire;
  *wire.mutable_peer() = ToProto(NodeId::Coordinator());
  wire.set_bytes_received(700);
  wire.set_retransmitted(60);
  wire.set_round_trip_us(250000);
  wire.set_connection(2);
  MetricsPage page;
  AddTrafficMetrics(NodeId::Transmitter(0), {traffic}, {wire}, &page);
  const std::string text = PageText(&page);
  for (const char* line : {
           "semlink_message_bytes_total{transmitter=\"1\",receiver=\"3\",kind=\"feature\","
           "direction=\"sent\"} 4000\n",
           "semlink_message_bytes_total{transmitter=\"1\",receiver=\"3\",kind=\"feature\","
           "direction=\"received\"} 0\n",
           "semlink_messages_total{transmitter=\"1\",receiver=\"3\",kind=\"feature\","
           "direction=\"sent\"} 5\n",
           "semlink_wire_bytes_total{transmitter=\"1\",direction=\"received\"} 700\n",
           "semlink_retransmitted_bytes_total{transmitter=\"1\"} 60\n",
           "semlink_round_trip_seconds{transmitter=\"1\"} 0.25\n",
           "semlink_connections_total{transmitter=\"1\"} 2\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

v1::Message ReportMessage() {
  v1::Message message;
  v1::Report* report = message.mutable_report();
  report->set_loss(0.75);
  report->set_correct(30);
  report->set_samples(40);
  report->set_rounds_without_link(3);
  report->add_transmitter_probability(0.25);
  report->add_traffic();  // is served by the transport
  return message;
}

TEST(ReportMetricsTest, ServesTheLastReport) {
  ReportMetrics receiver(NodeId::Receiver(1));
  MetricsPage page;
  receiver.AddTo(&page);
  EXPECT_THAT(PageText(&page), HasSubstr("semlink_windows_reported_total 0\n"));
  receiver.Sent(v1::Message());
  receiver.Sent(ReportMessage());
  receiver.Sent(ReportMessage());
  receiver.AddTo(&page);
  const std::string text = PageText(&page);
  EXPECT_THAT(text, HasSubstr("semlink_windows_reported_total 2\n"));
  EXPECT_THAT(text, HasSubstr("semlink_rounds_without_link_total{receiver=\"2\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("semlink_accuracy_ratio{receiver=\"2\"} 0.75\n"));
  EXPECT_THAT(text, HasSubstr("semlink_requested_ratio{transmitter=\"1\",receiver=\"2\"} 0.25\n"));
  EXPECT_THAT(text, Not(HasSubstr("message_bytes")));
}

TEST(ReportMetricsTest, ATransmitterServesLinksThatWereActive) {
  ReportMetrics transmitter(NodeId::Transmitter(0));
  v1::Message message;
  for (const uint32_t rounds : {0, 4}) {
    v1::LinkReport* link = message.mutable_report()->add_link();
    link->set_modality(rounds / 4);
    link->set_task(2);
    link->set_rounds(rounds);
    link->set_rate_nats(20.5);
    link->set_coded_bits(768);
  }
  transmitter.Sent(message);
  MetricsPage page;
  transmitter.AddTo(&page);
  const std::string text = PageText(&page);
  EXPECT_THAT(text, HasSubstr("semlink_link_rate_nats{transmitter=\"1\",modality=\"2\",receiver="
                              "\"3\"} 20.5\n"));
  EXPECT_THAT(text, HasSubstr("semlink_link_coded_bytes{transmitter=\"1\",modality=\"2\",receiver="
                              "\"3\"} 96\n"));
  EXPECT_THAT(text, Not(HasSubstr("modality=\"1\"")));
  EXPECT_THAT(text, Not(HasSubstr("loss")));
}

// What is at http://127.0.0.1:PORT/metrics.
std::string Fetch(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, got);
  close(fd);
  return answer;
}

TEST(MetricsServerTest, ServesAllSources) {
  const auto server = MetricsServer::Start(
      "127.0.0.1:0", {[](MetricsPage* page) { page->Add(metrics::kRunWindows, {}, 12); },
                      [](MetricsPage* page) { AddProcessMetrics(absl::UnixEpoch(), page); }});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string text = Fetch((*server)->address());
  EXPECT_THAT(text, HasSubstr("200 OK"));
  EXPECT_THAT(text, HasSubstr("\nsemlink_run_windows 12\n"));
  EXPECT_THAT(text, HasSubstr("\nprocess_cpu_seconds_total "));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
  const auto second = MetricsServer::Start((*server)->address(), {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr((*server)->address()));
}

TEST(MetricsServerTest, AnAddressThatMakesNoSense) {
  EXPECT_EQ(MetricsServer::Start("9464", {}).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace semlink
