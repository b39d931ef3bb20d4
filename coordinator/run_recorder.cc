#include "coordinator/run_recorder.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/resource_usage.h"
#include "common/base/status_macros.h"
#include "common/scenario/method_table.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"
#include "coordinator/environment.h"
#include "coordinator/stored_window.h"

namespace semlink::coordinator {
namespace {

RunInfo MakeRunInfo(const Scenario& scenario, const Job& job, absl::Time now) {
  RunInfo run;
  run.scenario = scenario.name;
  run.scenario_sha256 = ScenarioHash(scenario);
  run.scenario_yaml = EmitScenario(scenario);
  run.seed = scenario.seed;
  run.limits = LimitsInForce(scenario);
  run.job = job.options();
  run.software = kSoftware;
  run.started_at = now;
  run.id = absl::StrCat(absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()), "-",
                        run.scenario_sha256.substr(0, 8));
  return run;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunRecorder>> RunRecorder::Create(const std::string& dir,
                                                                 const Scenario& scenario,
                                                                 const Job& job, Clock* clock) {
  auto recorder = std::unique_ptr<RunRecorder>(new RunRecorder(scenario, job, clock));
  const RunInfo run = MakeRunInfo(scenario, job, clock->WallTime());
  recorder->run_id_ = run.id;
  ASSIGN_OR_RETURN(recorder->folder_, RunFolder::Create(dir, scenario));
  ASSIGN_OR_RETURN(recorder->ledger_, Ledger::Create(recorder->folder_->ledger_path(), run));
  recorder->starts_ = 1;
  return recorder;
}

absl::StatusOr<std::unique_ptr<RunRecorder>> RunRecorder::Resume(const std::string& dir,
                                                                 Clock* clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<RunFolder> folder, RunFolder::Open(dir));
  ASSIGN_OR_RETURN(std::unique_ptr<Ledger> ledger, Ledger::Open(folder->ledger_path()));
  if (ledger->run().state == "finished") {
    return absl::FailedPreconditionError(
        absl::StrCat(dir, " is finished: there is nothing to resume"));
  }
  RETURN_IF_ERROR(folder->CheckScenario(ledger->run().scenario_yaml));
  ASSIGN_OR_RETURN(const Scenario scenario, ParseScenario(ledger->run().scenario_yaml,
                                                          folder->ledger_path() + " (scenario)"));
  ASSIGN_OR_RETURN(const Job job, Job::Make(scenario, ledger->run().job));
  auto recorder = std::unique_ptr<RunRecorder>(new RunRecorder(scenario, job, clock));
  recorder->folder_ = std::move(folder);
  recorder->ledger_ = std::move(ledger);
  RETURN_IF_ERROR(recorder->Rebuild());
  ASSIGN_OR_RETURN(recorder->starts_, recorder->ledger_->AddStart(kSoftware, clock->WallTime()));
  return recorder;
}

// Everything in memory, and metrics.jsonl, from the ledger.
absl::Status RunRecorder::Rebuild() {
  run_id_ = ledger_->run().id;
  has_parameters_ = !ledger_->run().parameters_sha256.empty() && folder_->has_parameters();
  if (has_parameters_) parameters_sha256_ = ledger_->run().parameters_sha256;
  ASSIGN_OR_RETURN(const std::vector<RecordedEpoch> epochs, ledger_->Epochs());
  ASSIGN_OR_RETURN(const std::vector<uint64_t> starts, ledger_->Starts());
  size_t next_epoch = 0, next_start = 1;
  std::vector<Json> metrics;
  // To committed_windows() itself: what began there began before the window that never came.
  for (uint64_t window = 0; window <= committed_windows(); ++window) {
    while (next_epoch < epochs.size() && epochs[next_epoch].committed <= window) {
      BeginIncarnation(epochs[next_epoch++].epoch);
    }
    for (; next_start < starts.size() && starts[next_start] <= window; ++next_start) {
      traffic_.Restarted(NodeId::Coordinator());
    }
    if (window == committed_windows()) break;
    ASSIGN_OR_RETURN(const v1::StoredWindow stored, ledger_->Stored(window));
    const WindowRecord record = FromStored(stored);
    const std::vector<TrafficGrowth> growth = UpdateTraffic(record);
    for (const v1::Report& own : stored.coordinator()) {
      traffic_.Update(NodeId::Coordinator(), own);
    }
    Remember(record);
    if (record.open.kind() == v1::TRAIN) {
      metrics.push_back(MetricsLine(scenario_, record, CostsOf(growth)));
    }
  }
  traffic_.Restarted(NodeId::Coordinator());
  return folder_->ReplaceMetrics(metrics);
}

void RunRecorder::BeginIncarnation(const MemberEpoch& epoch) {
  const auto [known, first] = incarnations_.emplace(epoch.node, epoch.incarnation);
  if (first || known->second == epoch.incarnation) return;
  known->second = epoch.incarnation;
  traffic_.Restarted(epoch.node);
}

void RunRecorder::Remember(const WindowRecord& record) {
  if (record.open.kind() == v1::INFER) {
    infer_ = InferJson(scenario_, record, job_.InferStart(record.open.window()));
  } else {
    summary_.Add(record);
  }
}

uint64_t RunRecorder::committed_windows() const { return ledger_->committed(); }

absl::StatusOr<std::optional<uint64_t>> RunRecorder::CommittedAttempt(uint64_t window) {
  return ledger_->CommittedAttempt(window);
}

absl::StatusOr<WindowRecord> RunRecorder::Committed(uint64_t window) {
  ASSIGN_OR_RETURN(const v1::StoredWindow stored, ledger_->Stored(window));
  return FromStored(stored);
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

absl::StatusOr<std::optional<ViewState>> RunRecorder::LastView() { return ledger_->LastView(); }

absl::Status RunRecorder::Epoch(const MemberEpoch& epoch) {
  RETURN_IF_ERROR(ledger_->AddEpoch(epoch, clock_->WallTime()));
  BeginIncarnation(epoch);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MemberEpoch>> RunRecorder::Epochs() {
  ASSIGN_OR_RETURN(std::vector<RecordedEpoch> recorded, ledger_->Epochs());
  std::vector<MemberEpoch> epochs;
  for (RecordedEpoch& entry : recorded) epochs.push_back(std::move(entry.epoch));
  return epochs;
}

absl::Status RunRecorder::CheckpointFile(const NodeId& node, const v1::Checkpointed& written) {
  const v1::CheckpointId& checkpoint = written.checkpoint();
  if (checkpoint.sha256().empty()) {
    return Event(
        "checkpoint_failed",
        {{"node", node.ToString()}, {"window", checkpoint.window()}, {"reason", written.detail()}});
  }
  return ledger_->AddCheckpoint(node, checkpoint, written.bytes(), clock_->WallTime());
}

absl::StatusOr<std::vector<uint64_t>> RunRecorder::CompleteCheckpoints() {
  return ledger_->CheckpointsOf(scenario_.K() + scenario_.T());
}

absl::StatusOr<std::optional<v1::CheckpointId>> RunRecorder::FileOf(uint64_t window,
                                                                    const NodeId& node) {
  return ledger_->Checkpoint(window, node);
}

absl::Status RunRecorder::CheckpointsDropped(uint64_t below) {
  return ledger_->DropCheckpoints(below);
}

absl::Status RunRecorder::FaultBegan(const v1::Fault& fault, const std::string& text,
                                     uint64_t window) {
  return ledger_->BeginFault(fault, text, window, clock_->WallTime());
}

absl::Status RunRecorder::FaultEnded(uint64_t id, uint64_t window) {
  return ledger_->EndFault(id, window, clock_->WallTime());
}

absl::StatusOr<std::vector<FaultState>> RunRecorder::Faults() { return ledger_->Faults(); }

absl::Status RunRecorder::CommitWindow(const WindowRecord& record) {
  std::vector<TrafficGrowth> growth = UpdateTraffic(record);
  last_costs_ = CostsOf(growth);
  for (TrafficGrowth& own : std::exchange(own_growth_, {})) growth.push_back(std::move(own));
  RETURN_IF_ERROR(ledger_->CommitWindow(record, growth, std::exchange(own_traffic_, {})));
  Remember(record);
  if (record.open.kind() != v1::TRAIN) return absl::OkStatus();
  return folder_->AppendMetrics(MetricsLine(scenario_, record, last_costs_));
}

std::vector<TrafficGrowth> RunRecorder::UpdateTraffic(const WindowRecord& record) {
  std::vector<TrafficGrowth> growth;
  for (const auto& [node, report] : record.reports) {
    growth.push_back(traffic_.Update(node, report));
  }
  return growth;
}

absl::Status RunRecorder::AbortWindow(const WindowRecord& record, const std::string& reason) {
  return ledger_->AbortWindow(record, reason, clock_->WallTime());
}

void RunRecorder::ObserveTraffic(const Transport& transport) {
  v1::Report& own = own_traffic_.emplace_back();
  for (const v1::Traffic& traffic : transport.TrafficSnapshot()) *own.add_traffic() = traffic;
  for (const v1::Wire& wire : transport.WireSnapshot()) *own.add_wire() = wire;
  own_growth_.push_back(traffic_.Update(NodeId::Coordinator(), own));
}

absl::Status RunRecorder::Parameters(const ParametersByNode& parameters) {
  RETURN_IF_ERROR(folder_->WriteParameters(parameters));
  StartedFrom(parameters);
  RETURN_IF_ERROR(ledger_->SetParameters(parameters_sha256_));
  has_parameters_ = true;
  return Event("parameters_written", {{"sha256", parameters_sha256_}});
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
