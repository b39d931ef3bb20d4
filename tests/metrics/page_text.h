#ifndef SEMLINK_TESTS_METRICS_PAGE_TEXT_H_
#define SEMLINK_TESTS_METRICS_PAGE_TEXT_H_

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/metrics/metrics_page.h"

namespace semlink {

// What a scrape gets. Every family must be in the table, with no other labels than it says, and no
// sample may be there twice.
inline std::string PageText(MetricsPage* page) {
  const std::vector<prometheus::MetricFamily> families = page->Take();
  for (const prometheus::MetricFamily& family : families) {
    std::set<std::string> allowed;
    for (const MetricSpec& spec : AllMetrics()) {
      if (family.name != spec.name) continue;
      for (absl::string_view label : absl::StrSplit(spec.labels, ", ")) allowed.emplace(label);
    }
    EXPECT_FALSE(allowed.empty()) << family.name << " is not in the table";
    std::set<std::vector<prometheus::ClientMetric::Label>> seen;
    for (const prometheus::ClientMetric& sample : family.metric) {
      EXPECT_TRUE(seen.insert(sample.label).second) << family.name << " twice";
      for (const auto& label : sample.label) {
        EXPECT_EQ(allowed.count(label.name), 1u) << family.name << " " << label.name;
      }
    }
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace semlink

#endif  // SEMLINK_TESTS_METRICS_PAGE_TEXT_H_
