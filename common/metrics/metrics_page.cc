#include "common/metrics/metrics_page.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace semlink {
namespace {

prometheus::MetricType TypeOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

MetricLabels NodeLabels(const NodeId& one, const NodeId& other) {
  MetricLabels labels;
  for (const Role role : {Role::kTransmitter, Role::kReceiver}) {
    for (const NodeId& node : {one, other}) {
      if (node.role != role) continue;
      labels.emplace_back(role == Role::kTransmitter ? "transmitter" : "receiver",
                          absl::StrCat(node.index + 1));
    }
  }
  return labels;
}

MetricLabels LinkLabels(int transmitter, int modality, int receiver) {
  return {{"transmitter", absl::StrCat(transmitter + 1)},
          {"modality", absl::StrCat(modality + 1)},
          {"receiver", absl::StrCat(receiver + 1)}};
}

prometheus::ClientMetric& MetricsPage::NewSample(const MetricSpec& spec,
                                                 const MetricLabels& labels) {
  prometheus::MetricFamily& family = families_[spec.name];
  family.name = spec.name;
  family.help = spec.help;
  family.type = TypeOf(spec.type);
  prometheus::ClientMetric& sample = family.metric.emplace_back();
  for (const auto& [name, value] : labels) sample.label.push_back({name, value});
  return sample;
}

void MetricsPage::Add(const MetricSpec& spec, const MetricLabels& labels, double value) {
  prometheus::ClientMetric& sample = NewSample(spec, labels);
  (spec.type == MetricType::kCounter ? sample.counter.value : sample.gauge.value) = value;
}

void MetricsPage::Add(const MetricSpec& spec, const MetricLabels& labels,
                      const HistogramCounts& counts) {
  prometheus::ClientMetric::Histogram& histogram = NewSample(spec, labels).histogram;
  uint64_t total = 0;
  for (size_t i = 0; i < counts.counts().size(); ++i) {
    total += counts.counts()[i];
    const bool last = i == counts.bounds().size();
    histogram.bucket.push_back(
        {total, last ? std::numeric_limits<double>::infinity() : counts.bounds()[i]});
  }
  histogram.sample_count = total;
  histogram.sample_sum = counts.sum();
}

std::vector<prometheus::MetricFamily> MetricsPage::Take() {
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, family] : families_) families.push_back(std::move(family));
  families_.clear();
  return families;
}

}  // namespace semlink
