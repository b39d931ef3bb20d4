#include "common/method/node_report.h"

#include "common/base/resource_usage.h"

namespace semlink::method {

v1::Report StartReport(const WindowPlan& plan, const Transport& transport, double cpu_seconds) {
  v1::Report report;
  report.set_window(plan.window);
  report.set_compute_seconds(cpu_seconds);
  report.set_peak_rss_bytes(PeakRssBytes());
  for (v1::Traffic& traffic : transport.TrafficSnapshot()) {
    *report.add_traffic() = std::move(traffic);
  }
  for (v1::Wire& wire : transport.WireSnapshot()) *report.add_wire() = std::move(wire);
  return report;
}

}  // namespace semlink::method
