// The course of a run: phases, windows, parameters, the end.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/randomness/common_randomness.h"
#include "coordinator/checkpoint_plan.h"
#include "coordinator/coordinator_node.h"

namespace semlink::coordinator {

const Phase* CoordinatorNode::phase() const {
  return phase_ < job_.phases().size() ? &job_.phases()[phase_] : nullptr;
}

absl::StatusOr<bool> CoordinatorNode::Continue() {
  if (checkpoint_.has_value()) {
    if (!checkpoint_->awaited.empty()) return false;
    RETURN_IF_ERROR(FinishCheckpoint());
    return true;
  }
  const Phase* now = phase();
  if (now == nullptr) {
    RETURN_IF_ERROR(Finish());
    return false;
  }
  if (!MayGoOn()) return false;
  if (CheckpointDue(options_.scenario.checkpoint, job_, next_window_) &&
      checkpointed_ != next_window_) {
    RETURN_IF_ERROR(BeginCheckpoint());
    return true;
  }
  if (now->kind == PhaseKind::kParameters) return CollectParameters();
  if (phase_window_ >= now->windows) {
    ++phase_;
    phase_window_ = 0;
    announced_ = false;
    return true;
  }
  if (!announced_) RETURN_IF_ERROR(AnnouncePhase(*now));
  announced_ = true;
  RETURN_IF_ERROR(OpenWindow(*now));
  return true;
}

bool CoordinatorNode::MayGoOn() {
  if (settling_ && !membership_.In(MemberState::kRestoring).empty()) return false;
  settling_ = false;
  if (options_.scenario.on_failure == OnFailure::kWait) {
    return membership_.Able().size() == membership_.members().size();
  }
  return membership_.EnoughAble();
}

absl::Status CoordinatorNode::AnnouncePhase(const Phase& phase) {
  switch (phase.kind) {
    case PhaseKind::kTraining:
      return recorder_->Event("training_started", {{"windows", phase.windows}});
    case PhaseKind::kEvaluation:
      return recorder_->Event(
          "evaluation_started",
          {{"windows", phase.windows}, {"draws", job_.draws()}, {"samples", job_.samples()}});
    case PhaseKind::kInference:
      return recorder_->Event("inference_started", {{"samples", job_.samples()}});
    case PhaseKind::kParameters:
      break;
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OpenWindow(const Phase& phase) {
  RETURN_IF_ERROR(faults_->BeforeWindow(next_window_, membership_));
  RETURN_IF_ERROR(AdmitReady());
  v1::OpenWindow open = job_.Window(phase, phase_window_);
  open.set_window(next_window_);
  membership_.FillView(&open);
  SendOpenWindow(std::move(open));
  if (stale_ > 0) window_->CountRefusal(MessageRefusal::kStale, stale_);
  stale_ = 0;
  Publish();
  return absl::OkStatus();
}

void CoordinatorNode::SendOpenWindow(v1::OpenWindow open) {
  const Scenario& scenario = options_.scenario;
  const uint64_t attempt = (static_cast<uint64_t>(recorder_->starts()) << 32) | ++attempts_;
  window_.emplace(scenario, open, attempt);
  if (scenario.common_randomness.source == CrSource::kBroadcast) {
    // The same numbers as the nodes would derive: both sources give the same run.
    const std::vector<float> u =
        WindowRandomness(CrSource::kDerived, scenario.seed, open, scenario.model.embedding);
    open.mutable_common_randomness()->Add(u.begin(), u.end());
  }
  window_->Ask(clock_->WallTime()).IgnoreError();  // legal: it is new
  window_started_ = clock_->Now();
  v1::Message message;
  *message.mutable_open_window() = std::move(open);
  SendToMembers(std::move(message));
}

void CoordinatorNode::SendToMembers(v1::Message message) {
  message.set_attempt(window_->attempt());
  for (const NodeId& id : window_->Members()) Ask(id, message);
}

absl::Status CoordinatorNode::OnClaim(const NodeId& from, const v1::Claim& claim) {
  std::string detail;
  if (const auto wrong = window_->AddClaim(from, claim, &detail); wrong.has_value()) {
    return Refuse(from, "Claim", *wrong, detail, window_->attempt());
  }
  return window_->all_claimed() ? Grant() : absl::OkStatus();
}

absl::Status CoordinatorNode::Grant() {
  RETURN_IF_ERROR(window_->Decide());
  if (replaying()) {
    RETURN_IF_ERROR(CheckReplayedClaims());
  } else {
    refusals_ += window_->record().refused_links;
  }
  for (const NodeId& id : window_->Members()) {
    v1::Message message;
    message.set_attempt(window_->attempt());
    *message.mutable_grant() = window_->GrantFor(id);
    Ask(id, std::move(message));
  }
  if (window_->kind() != v1::INFER) return absl::OkStatus();
  for (const NodeId& id : window_->Members()) {
    if (id.role != Role::kReceiver) continue;
    v1::Message message;
    message.set_attempt(window_->attempt());
    *message.mutable_infer_start() = job_.InferStart(window_->number());
    Ask(id, std::move(message));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnReport(const NodeId& from, const v1::Report& report) {
  std::string detail;
  if (const auto wrong = window_->AddReport(from, report, &detail); wrong.has_value()) {
    return Refuse(from, "Report", *wrong, detail, window_->attempt());
  }
  uint64_t& peak = membership_.Find(from)->peak_rss_bytes;
  peak = std::max(peak, static_cast<uint64_t>(report.peak_rss_bytes()));
  if (replaying() && FailedAnew()) {
    return InterruptReplay(absl::StrCat(from.ToString(), " missed something of a peer"));
  }
  if (window_->state() != WindowState::kReported) return absl::OkStatus();
  if (!replaying()) return CommitWindow();
  CommitReplayed();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnInferReport(const NodeId& from, const v1::InferReport& report) {
  std::string detail;
  if (const auto wrong = window_->AddInferReport(from, report, &detail); wrong.has_value()) {
    return Refuse(from, "InferReport", *wrong, detail, window_->attempt());
  }
  return window_->state() == WindowState::kReported ? CommitWindow() : absl::OkStatus();
}

absl::Status CoordinatorNode::CommitWindow() {
  if (stale_ > 0) window_->CountRefusal(MessageRefusal::kStale, stale_);
  stale_ = 0;
  window_->SetTimes(clock_->WallTime(), clock_->Now() - window_started_);
  const WindowRecord& record = window_->record();
  RETURN_IF_ERROR(recorder_->CommitWindow(record));  // before any node steps
  RETURN_IF_ERROR(window_->Commit());
  board_->links().Add(record, recorder_->last_costs());
  board_->counters().Committed(record);
  v1::Message message;
  message.mutable_commit()->set_window(window_->number());
  SendToMembers(std::move(message));
  if (window_->kind() == v1::TRAIN) {
    for (const NodeId& id : window_->Members()) membership_.Find(id)->last_window = next_window_;
  }
  ++phase_window_;
  ++next_window_;
  if (!record.refused.empty()) {
    RETURN_IF_ERROR(recorder_->Event(
        "refused", {{"window", window_->number()}, {"reasons", Json(record.refused)}}));
  }
  if (record.open.kind() == v1::EVALUATE) {
    RETURN_IF_ERROR(recorder_->Event("evaluation_progress",
                                     {{"done", phase_window_}, {"total", phase()->windows}}));
  }
  window_.reset();
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::AbortAttempt(const std::string& reason) {
  RETURN_IF_ERROR(window_->Abort());
  const bool in_ledger = !replaying();
  SendAbort(reason);
  const WindowRecord record = window_->record();
  window_.reset();
  if (!in_ledger) return absl::OkStatus();
  board_->counters().Aborted();
  RETURN_IF_ERROR(
      recorder_->Event("aborted", {{"window", record.open.window()}, {"reason", reason}}));
  return recorder_->AbortWindow(record, reason);
}

void CoordinatorNode::SendAbort(const std::string& reason) {
  v1::Message message;
  message.set_attempt(window_->attempt());
  message.mutable_abort()->set_window(window_->number());
  message.mutable_abort()->set_reason(reason);
  for (const NodeId& id : window_->Members()) {
    if (membership_.Find(id)->state == MemberState::kUp) Send(id, message);
  }
}

absl::StatusOr<bool> CoordinatorNode::CollectParameters() {
  const absl::Duration now = clock_->Now();
  if (!collecting_) collecting_since_ = now;
  collecting_ = true;
  RETURN_IF_ERROR(AdmitReady());
  for (const NodeId& id : membership_.In(MemberState::kUp)) {
    if (!asked_.emplace(id, false).second) continue;
    v1::Message message;
    message.mutable_parameters_request()->set_window(next_window_);
    Ask(id, std::move(message));
  }
  const bool answered =
      std::all_of(asked_.begin(), asked_.end(), [](const auto& entry) { return entry.second; });
  const bool all_have = collected_.size() == membership_.members().size();
  const bool patient = now - collecting_since_ < options_.parameters_timeout;
  if (!answered || (!all_have && patient)) return false;
  if (!all_have) {
    std::vector<NodeId> missing;
    for (const Member& member : membership_.members()) {
      if (collected_.count(member.id) == 0) missing.push_back(member.id);
    }
    spdlog::warn("the parameters of {} are missing", Join(missing));
    RETURN_IF_ERROR(recorder_->Event("parameters_missing", {{"nodes", Join(missing)}}));
  }
  RETURN_IF_ERROR(recorder_->Parameters(collected_));
  collected_.clear();
  asked_.clear();
  collecting_ = false;
  ++phase_;  // `phase_window_` stays: windows of the evaluation may be committed before a resume
  announced_ = false;
  return true;
}

absl::Status CoordinatorNode::OnParameters(const NodeId& from, const v1::Parameters& parameters) {
  const auto asked = asked_.find(from);
  if (!collecting_ || asked == asked_.end() || parameters.window() != next_window_) {
    return Refuse(from, "Parameters", MessageRefusal::kOutOfTurn, "it was not asked for");
  }
  if (asked->second) {
    return Refuse(from, "Parameters", MessageRefusal::kDuplicate, "it was sent before");
  }
  if (const std::string wrong = CheckParameters(parameters); !wrong.empty()) {
    return Refuse(from, "Parameters", MessageRefusal::kMalformed, wrong);
  }
  collected_[from] = parameters;
  asked->second = true;
  return absl::OkStatus();
}

absl::Status CoordinatorNode::Finish() {
  RETURN_IF_ERROR(recorder_->Finish(membership_, *transport_));
  v1::Message message;
  message.mutable_stop();
  for (const Member& member : membership_.members()) {
    // The run is complete, whoever has gone.
    if (Connected(member.state) || member.silent) {
      transport_->Send(member.id, message).IgnoreError();
    }
  }
  done_ = true;
  spdlog::info("run {} finished", recorder_->run_id());
  Publish();
  return absl::OkStatus();
}

}  // namespace semlink::coordinator
