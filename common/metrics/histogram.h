#ifndef SEMLINK_COMMON_METRICS_HISTOGRAM_H_
#define SEMLINK_COMMON_METRICS_HISTOGRAM_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace semlink {

// Counts of values up to given bounds. Not thread-safe.
class HistogramCounts {
 public:
  explicit HistogramCounts(std::vector<double> bounds)  // ascending
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void Observe(double value) {
    ++counts_[std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin()];
    sum_ += value;
  }

  const std::vector<double>& bounds() const { return bounds_; }
  // counts()[i]: values above bounds()[i - 1], up to bounds()[i]; the last one: above all bounds.
  const std::vector<uint64_t>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;
  double sum_ = 0;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_METRICS_HISTOGRAM_H_
