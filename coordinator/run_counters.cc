#include "coordinator/run_counters.h"

#include <utility>
#include <vector>

namespace semlink::coordinator {
namespace {

// From a tiny scenario's windows to those that wait for a slow link.
const std::vector<double>& SecondsBounds() {
  static const auto* const kBounds =
      new std::vector<double>{0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30};
  return *kBounds;
}

std::map<NodeId, v1::Report> WithoutTraffic(std::map<NodeId, v1::Report> reports) {
  for (auto& [node, report] : reports) {
    report.clear_traffic();
    report.clear_wire();
  }
  return reports;
}

}  // namespace

void RunCounters::Committed(const WindowRecord& record) {
  std::map<NodeId, v1::Report> reports = WithoutTraffic(record.reports);
  absl::MutexLock lock(&mutex_);
  totals_.seconds.try_emplace(KindName(record.open.kind()), SecondsBounds())
      .first->second.Observe(record.seconds());
  for (const auto& [reason, count] : record.refused) totals_.refusals[reason] += count;
  for (const v1::PairFailure& failure : record.failed()) {
    ++totals_.failures[{failure.transmitter(), failure.receiver(), Name(failure.stage())}];
  }
  if (reports.empty()) return;
  for (const auto& [node, report] : record.reports) {
    if (node.role != Role::kReceiver) continue;
    totals_.rounds_without_link[node.index] += report.rounds_without_link();
  }
  totals_.rounds = record.open.rounds();
  totals_.cpu_seconds = record.cpu_seconds();
  totals_.reports = std::move(reports);
}

void RunCounters::Aborted() {
  absl::MutexLock lock(&mutex_);
  ++totals_.aborted;
}

RunTotals RunCounters::Read() const {
  absl::MutexLock lock(&mutex_);
  return totals_;
}

}  // namespace semlink::coordinator
