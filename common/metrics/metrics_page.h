// One answer to a scrape.
#ifndef SEMLINK_COMMON_METRICS_METRICS_PAGE_H_
#define SEMLINK_COMMON_METRICS_METRICS_PAGE_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/metrics/histogram.h"
#include "common/metrics/metric_table.h"

namespace semlink {

using MetricLabels = std::vector<std::pair<const char*, std::string>>;

// {{"transmitter", "1"}, {"receiver", "2"}} of two nodes; the coordinator has no label.
MetricLabels NodeLabels(const NodeId& one, const NodeId& other = NodeId::Coordinator());
// Of a link; the arguments count from 0, the labels from 1.
MetricLabels LinkLabels(int transmitter, int modality, int receiver);

class MetricsPage {
 public:
  // One sample. Two with the same labels must not be added.
  void Add(const MetricSpec& spec, const MetricLabels& labels, double value);
  void Add(const MetricSpec& spec, const MetricLabels& labels, const HistogramCounts& counts);

  std::vector<prometheus::MetricFamily> Take();

 private:
  prometheus::ClientMetric& NewSample(const MetricSpec& spec, const MetricLabels& labels);

  std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_METRICS_METRICS_PAGE_H_
