#include "coordinator/run_recorder.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/resource_usage.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"
#include "coordinator/environment.h"

namespace semlink::coordinator {

absl::StatusOr<std::unique_ptr<RunRecorder>> RunRecorder::Create(const std::string& dir,
                                                                 const Scenario& scenario,
                                                                 const Job& job, Clock* clock) {
  auto recorder = std::unique_ptr<RunRecorder>(new RunRecorder(scenario, job, clock));
  RunInfo run;
  run.scenario = scenario.name;
  run.scenario_sha256 = ScenarioHash(scenario);
  run.seed = scenario.seed;
  run.job = Name(job.kind());
  run.software = kSoftware;
  run.started_at = clock->WallTime();
  run.id = absl::StrCat(absl::FormatTime("%Y%m%dT%H%M%SZ", run.started_at, absl::UTCTimeZone()),
                        "-", run.scenario_sha256.substr(0, 8));
  recorder->run_id_ = run.id;
  ASSIGN_OR_RETURN(recorder->folder_, RunFolder::Create(dir, scenario));
  ASSIGN_OR_RETURN(recorder->ledger_, Ledger::Create(recorder->folder_->ledger_path(), run));
  return recorder;
}

absl::Status RunRecorder::Event(const std::string& event, const Json& fields) {
  return folder_->AppendEvent(clock_->WallTime(), event, fields);
}

absl::Status RunRecorder::Started(const Membership& membership) {
  RETURN_IF_ERROR(folder_->WriteJson("env.json", EnvironmentJson(scenario_, membership)));
  return MembersChanged(membership);
}

absl::Status RunRecorder::MembersChanged(const Membership& membership) {
  return ledger_->RecordMembers(membership, clock_->WallTime());
}

absl::Status RunRecorder::CommitWindow(const WindowRecord& record) {
  RETURN_IF_ERROR(ledger_->CommitWindow(record));
  for (const auto& [node, report] : record.reports) traffic_.Update(node, report);
  if (record.open.kind() == v1::INFER) {
    infer_ = InferJson(scenario_, record, job_.InferStart(record.open.window()));
    return absl::OkStatus();
  }
  summary_.Add(record);
  if (record.open.kind() != v1::TRAIN) return absl::OkStatus();
  return folder_->AppendMetrics(MetricsLine(scenario_, record));
}

absl::Status RunRecorder::AbortWindow(const WindowRecord& record, const std::string& reason) {
  RETURN_IF_ERROR(Event("aborted", {{"window", record.open.window()}, {"reason", reason}}));
  return ledger_->AbortWindow(record);
}

absl::Status RunRecorder::Parameters(const ParametersByNode& parameters) {
  RETURN_IF_ERROR(folder_->WriteParameters(parameters));
  StartedFrom(parameters);
  return Event("parameters_written", {{"sha256", parameters_sha256_}});
}

void RunRecorder::ObserveTraffic(const Transport& transport) {
  v1::Report own;
  for (const v1::Traffic& traffic : transport.TrafficSnapshot()) *own.add_traffic() = traffic;
  for (const v1::Wire& wire : transport.WireSnapshot()) *own.add_wire() = wire;
  traffic_.Update(NodeId::Coordinator(), own);
}

void RunRecorder::StartedFrom(const ParametersByNode& parameters) {
  parameters_sha256_ = ParametersSha256(parameters);
}

absl::Status RunRecorder::WriteSummary(const Membership& membership) {
  Json summary = summary_.ToJson();
  summary["test_samples"] = job_.samples();
  summary["message_bytes"] = traffic_.MessageBytes();
  summary["wire_bytes"] = traffic_.WireBytes();
  summary["parameters_sha256"] = parameters_sha256_;
  Json memory;
  for (const Member& member : membership.members()) {
    memory[member.id.ToString()] = member.peak_rss_bytes;
  }
  memory["coordinator"] = PeakRssBytes();
  summary["peak_rss_bytes"] = std::move(memory);
  return folder_->WriteJson("summary.json", summary);
}

absl::Status RunRecorder::Finish(const Membership& membership, const Transport& transport) {
  if (job_.kind() == JobKind::kInfer) {
    RETURN_IF_ERROR(folder_->WriteJson("infer.json", infer_));
  } else {
    ObserveTraffic(transport);
    RETURN_IF_ERROR(WriteSummary(membership));
  }
  RETURN_IF_ERROR(ledger_->FinishRun("finished", "", clock_->WallTime()));
  return Event("finished", Json::object());
}

void RunRecorder::Fail(const std::string& reason) {
  for (const absl::Status& status : {ledger_->FinishRun("failed", reason, clock_->WallTime()),
                                     Event("failed", {{"reason", reason}})}) {
    if (!status.ok()) {
      spdlog::error("the failure could not be recorded: {}", status.ToString());
    }
  }
}

}  // namespace semlink::coordinator
