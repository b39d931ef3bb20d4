#include "common/metrics/metric_table.h"

#include "absl/strings/str_cat.h"

namespace semlink {

const std::vector<MetricSpec>& AllMetrics() {
  using namespace metrics;
  static const auto* const kAll = new std::vector<MetricSpec>{
      kMessageBytes, kMessages,     kWireBytes, kWirePayload,      kWireSegments,  kRetransmitted,
      kRoundTrip,    kConnections,  kRefusals,  kLinkActive,       kLinkRate,      kLinkCoded,
      kLoss,         kCrossEntropy, kAccuracy,  kSelectionEntropy, kRequested,     kWithoutLink,
      kReports,      kReportCpu,    kCommitted, kAborted,          kWindowSeconds, kRunWindows,
      kRunPlanned,   kCheckpoint,   kNodeUp,    kPairUp,           kPairFailures,  kFaults,
      kCpu,          kMemory,       kStarted};
  return *kAll;
}

const char* Name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "";
}

std::string MetricTableMarkdown() {
  std::string text =
      "| metric | type | labels | served by | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const MetricSpec& spec : AllMetrics()) {
    absl::StrAppend(&text, "| `", spec.name, "` | ", Name(spec.type), " | ", spec.labels, " | ",
                    spec.served, " | ", spec.help, " |\n");
  }
  return text;
}

}  // namespace semlink
