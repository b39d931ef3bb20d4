#include "common/metrics/daemon_metrics.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "common/base/resource_usage.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

using namespace metrics;  // the table's names

MetricLabels With(MetricLabels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

void AddBoth(const MetricSpec& spec, const MetricLabels& labels, uint64_t sent, uint64_t received,
             MetricsPage* page) {
  page->Add(spec, With(labels, "direction", "sent"), static_cast<double>(sent));
  page->Add(spec, With(labels, "direction", "received"), static_cast<double>(received));
}

// Pages of this process in memory now, bytes; 0 if the kernel does not say.
double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return file ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

void AddTransportMetrics(const NodeId& self, const GrpcTransport& transport, MetricsPage* page) {
  AddTrafficMetrics(self, transport.TrafficSnapshot(), transport.WireSnapshot(), page);
  const uint64_t overflows = transport.overflows();  // read first: it is counted first
  page->Add(kRefusals, {{"reason", "mailbox_full"}}, static_cast<double>(overflows));
  page->Add(kRefusals, {{"reason", "transport"}},
            static_cast<double>(std::max(transport.refusals(), overflows) - overflows));
}

void AddTrafficMetrics(const NodeId& self, const std::vector<v1::Traffic>& messages,
                       const std::vector<v1::Wire>& wires, MetricsPage* page) {
  for (const v1::Traffic& traffic : messages) {
    const MetricLabels labels =
        With(NodeLabels(self, FromProto(traffic.peer())), "kind", traffic.kind());
    AddBoth(kMessageBytes, labels, traffic.bytes_sent(), traffic.bytes_received(), page);
    AddBoth(kMessages, labels, traffic.messages_sent(), traffic.messages_received(), page);
  }
  for (const v1::Wire& wire : wires) {
    const MetricLabels labels = NodeLabels(self, FromProto(wire.peer()));
    AddBoth(kWireBytes, labels, wire.bytes_sent(), wire.bytes_received(), page);
    AddBoth(kWirePayload, labels, wire.payload_sent(), wire.payload_received(), page);
    AddBoth(kWireSegments, labels, wire.segments_sent(), wire.segments_received(), page);
    page->Add(kRetransmitted, labels, static_cast<double>(wire.retransmitted()));
    page->Add(kRoundTrip, labels, wire.round_trip_us() / 1e6);
    page->Add(kConnections, labels, static_cast<double>(wire.connection()));
  }
}

void AddProcessMetrics(absl::Time started, MetricsPage* page) {
  page->Add(kCpu, {}, ProcessCpuSeconds());
  page->Add(kMemory, {}, ResidentBytes());
  page->Add(kStarted, {}, absl::ToDoubleSeconds(started - absl::UnixEpoch()));
}

void AddLinkMetrics(const v1::LinkReport& link, MetricsPage* page) {
  const MetricLabels labels = LinkLabels(link.transmitter(), link.modality(), link.task());
  page->Add(kLinkRate, labels, link.rate_nats());
  page->Add(kLinkCoded, labels, link.coded_bits() / 8);
}

void AddReceiverMetrics(const NodeId& receiver, const std::string& task, const v1::Report& report,
                        MetricsPage* page) {
  MetricLabels labels = NodeLabels(receiver);
  if (!task.empty()) labels.emplace_back("task", task);
  page->Add(kLoss, labels, report.loss());
  page->Add(kCrossEntropy, labels, report.cross_entropy());
  if (report.samples() > 0) {
    page->Add(kAccuracy, labels, report.correct() / static_cast<double>(report.samples()));
  }
  page->Add(kSelectionEntropy, labels, report.selection_entropy());
  for (int k = 0; k < report.transmitter_probability_size(); ++k) {
    page->Add(kRequested, NodeLabels(NodeId::Transmitter(k), receiver),
              report.transmitter_probability(k));
  }
}

void ReportMetrics::Sent(const v1::Message& message) {
  if (!message.has_report()) return;
  v1::Report report = message.report();
  report.clear_traffic();
  report.clear_wire();
  absl::MutexLock lock(&mutex_);
  without_link_ += report.rounds_without_link();
  last_ = std::move(report);
  ++reports_;
}

void ReportMetrics::AddTo(MetricsPage* page) const {
  std::optional<v1::Report> last;
  uint64_t reports = 0, without_link = 0;
  {
    absl::MutexLock lock(&mutex_);
    last = last_;
    reports = reports_;
    without_link = without_link_;
  }
  page->Add(kReports, {}, static_cast<double>(reports));
  if (self_.role == Role::kReceiver) {
    page->Add(kWithoutLink, NodeLabels(self_), static_cast<double>(without_link));
  }
  if (!last.has_value()) return;
  page->Add(kReportCpu, {}, last->compute_seconds());
  for (const v1::LinkReport& link : last->link()) {
    if (link.rounds() > 0) AddLinkMetrics(link, page);
  }
  if (self_.role == Role::kReceiver) AddReceiverMetrics(self_, "", *last, page);
}

}  // namespace semlink
