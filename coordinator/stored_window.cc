#include "coordinator/stored_window.h"

#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// absl's durations are whole quarters of a nanosecond.
absl::Duration Quarter() { return absl::Nanoseconds(1) / 4; }

v1::StoredTime ToStored(absl::Duration duration) {
  v1::StoredTime stored;
  const absl::Duration whole = absl::Floor(duration, absl::Seconds(1));
  stored.set_seconds(absl::ToInt64Seconds(whole));
  absl::Duration rest;
  stored.set_quarter_nanoseconds(absl::IDivDuration(duration - whole, Quarter(), &rest));
  return stored;
}

absl::Duration FromStored(const v1::StoredTime& stored) {
  return absl::Seconds(stored.seconds()) + stored.quarter_nanoseconds() * Quarter();
}

}  // namespace

v1::StoredWindow ToStored(const WindowRecord& record) {
  v1::StoredWindow stored;
  *stored.mutable_open() = record.open;
  stored.set_attempt(record.attempt);
  stored.mutable_granted()->Add(record.granted.begin(), record.granted.end());
  for (const auto& [node, report] : record.reports) {
    v1::StoredReport* entry = stored.add_report();
    *entry->mutable_node() = ToProto(node);
    *entry->mutable_report() = report;
  }
  for (const auto& [receiver, report] : record.infer_reports) {
    v1::StoredInferReport* entry = stored.add_infer_report();
    entry->set_receiver(receiver);
    *entry->mutable_report() = report;
  }
  for (const auto& [reason, count] : record.refused) {
    v1::StoredRefusal* entry = stored.add_refused();
    entry->set_reason(reason);
    entry->set_count(count);
  }
  stored.set_refused_links(record.refused_links);
  *stored.mutable_opened_at() = ToStored(record.opened_at - absl::UnixEpoch());
  *stored.mutable_committed_at() = ToStored(record.committed_at - absl::UnixEpoch());
  *stored.mutable_elapsed() = ToStored(record.elapsed);
  return stored;
}

WindowRecord FromStored(const v1::StoredWindow& stored) {
  WindowRecord record;
  record.open = stored.open();
  record.attempt = stored.attempt();
  record.granted.assign(stored.granted().begin(), stored.granted().end());
  for (const v1::StoredReport& entry : stored.report()) {
    record.reports[FromProto(entry.node())] = entry.report();
  }
  for (const v1::StoredInferReport& entry : stored.infer_report()) {
    record.infer_reports[static_cast<int>(entry.receiver())] = entry.report();
  }
  for (const v1::StoredRefusal& entry : stored.refused()) {
    record.refused[entry.reason()] = entry.count();
  }
  record.refused_links = stored.refused_links();
  record.opened_at = absl::UnixEpoch() + FromStored(stored.opened_at());
  record.committed_at = absl::UnixEpoch() + FromStored(stored.committed_at());
  record.elapsed = FromStored(stored.elapsed());
  return record;
}

}  // namespace semlink::coordinator
