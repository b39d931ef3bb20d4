#include "coordinator/run_metrics.h"

#include <array>
#include <map>
#include <numeric>
#include <string>
#include <tuple>

#include "absl/strings/str_replace.h"
#include "common/faults/fault_spec.h"
#include "common/metrics/daemon_metrics.h"

namespace semlink::coordinator {
namespace {

using namespace metrics;  // the table's names

std::string TaskOf(const RunStatus& status, int receiver) {
  return receiver < static_cast<int>(status.tasks.size()) ? status.tasks[receiver] : "";
}

void AddStatus(const RunStatus& status, MetricsPage* page) {
  page->Add(kRunWindows, {}, static_cast<double>(status.window));
  page->Add(kRunPlanned, {}, static_cast<double>(status.windows));
  if (status.checkpoint.has_value()) {
    page->Add(kCheckpoint, {}, static_cast<double>(*status.checkpoint));
  }
  for (const Member& member : status.members) {
    page->Add(kNodeUp, NodeLabels(member.id), Connected(member.state) ? 1 : 0);
  }
  for (const PairView& pair : status.pairs) {
    if (pair.a.role == Role::kCoordinator) continue;
    page->Add(kPairUp, NodeLabels(pair.a, pair.b), pair.up ? 1 : 0);
  }
}

void AddReceivers(const RunStatus& status, const RunTotals& totals, MetricsPage* page) {
  for (const auto& [node, report] : totals.reports) {
    if (node.role != Role::kReceiver) continue;
    AddReceiverMetrics(node, TaskOf(status, node.index), report, page);
  }
  for (const auto& [receiver, rounds] : totals.rounds_without_link) {
    MetricLabels labels = NodeLabels(NodeId::Receiver(receiver));
    labels.emplace_back("task", TaskOf(status, receiver));
    page->Add(kWithoutLink, labels, static_cast<double>(rounds));
  }
}

// A link that was not active has a share of 0, and neither rate nor size.
void AddLinks(const RunStatus& status, const RunTotals& totals, MetricsPage* page) {
  if (totals.rounds == 0) return;
  std::map<std::tuple<int, int, int>, double> active;  // transmitter, modality, receiver
  for (int k = 0; k < static_cast<int>(status.modalities.size()); ++k) {
    for (int m = 0; m < status.modalities[k]; ++m) {
      for (int t = 0; t < static_cast<int>(status.tasks.size()); ++t) active[{k, m, t}] = 0;
    }
  }
  for (const auto& [node, report] : totals.reports) {
    for (const v1::LinkReport& link : report.link()) {
      if (link.rounds() == 0) continue;
      active[{link.transmitter(), link.modality(), link.task()}] =
          static_cast<double>(link.rounds()) / totals.rounds;
      AddLinkMetrics(link, page);
    }
  }
  for (const auto& [link, share] : active) {
    const auto [transmitter, modality, receiver] = link;
    page->Add(kLinkActive, LinkLabels(transmitter, modality, receiver), share);
  }
}

void AddTotals(const RunTotals& totals, MetricsPage* page) {
  for (const auto& [kind, seconds] : totals.seconds) {
    page->Add(kWindowSeconds, {{"kind", kind}}, seconds);
    const auto windows =
        std::accumulate(seconds.counts().begin(), seconds.counts().end(), uint64_t{0});
    page->Add(kCommitted, {{"kind", kind}}, static_cast<double>(windows));
  }
  page->Add(kAborted, {}, static_cast<double>(totals.aborted));
  if (!totals.reports.empty()) page->Add(kReportCpu, {}, totals.cpu_seconds);
  for (const auto& [failure, windows] : totals.failures) {
    const auto& [transmitter, receiver, stage] = failure;
    MetricLabels labels = NodeLabels(NodeId::Transmitter(transmitter), NodeId::Receiver(receiver));
    labels.emplace_back("kind", stage);
    page->Add(kPairFailures, labels, static_cast<double>(windows));
  }
}

void AddRefusals(const RunTotals& totals, const PeerCheck& check, MetricsPage* page) {
  for (const auto& [reason, count] : totals.refusals) {
    page->Add(kRefusals, {{"reason", reason}}, static_cast<double>(count));
  }
  const std::array<uint64_t, kIdentityRefusals> identity = check.refusals();
  for (int reason = 0; reason < kIdentityRefusals; ++reason) {
    const std::string name = IdentityRefusalName(static_cast<IdentityRefusal>(reason));
    page->Add(kRefusals, {{"reason", absl::StrReplaceAll(name, {{" ", "_"}})}},
              static_cast<double>(identity[reason]));
  }
}

void AddFaults(const std::vector<FaultView>& faults, MetricsPage* page) {
  std::map<std::string, int> active;
  for (const std::string& kind : FaultKindNames()) active[kind] = 0;
  for (const FaultView& fault : faults) ++active[FaultKindName(fault.fault.kind())];
  for (const auto& [kind, count] : active) page->Add(kFaults, {{"kind", kind}}, count);
}

}  // namespace

void AddRunMetrics(StatusBoard* board, const PeerCheck& check, MetricsPage* page) {
  const RunStatus status = board->Read();
  const RunTotals totals = board->counters().Read();
  AddStatus(status, page);
  AddReceivers(status, totals, page);
  AddLinks(status, totals, page);
  AddTotals(totals, page);
  AddRefusals(totals, check, page);
  AddFaults(board->faults().List(), page);
}

}  // namespace semlink::coordinator
