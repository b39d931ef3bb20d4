// The course of a run: phases, windows, parameters, the end.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/randomness/common_randomness.h"
#include "coordinator/coordinator_node.h"

namespace semlink::coordinator {
namespace {

const char* PhaseName(PhaseKind kind) {
  switch (kind) {
    case PhaseKind::kTraining:
    case PhaseKind::kParameters:
      return "training";
    case PhaseKind::kEvaluation:
      return "evaluating";
    case PhaseKind::kInference:
      return "inferring";
  }
  return "unknown";
}

}  // namespace

const Phase* CoordinatorNode::phase() const {
  return phase_ < job_.phases().size() ? &job_.phases()[phase_] : nullptr;
}

absl::Status CoordinatorNode::Advance() {
  while (const Phase* now = phase()) {
    if (phase_window_ == 0) RETURN_IF_ERROR(AnnouncePhase(*now));
    if (now->kind == PhaseKind::kParameters) return RequestParameters();
    if (phase_window_ < now->windows) return OpenWindow(*now);
    ++phase_;
    phase_window_ = 0;
  }
  return Finish();
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
  v1::Message message;
  v1::OpenWindow* open = message.mutable_open_window();
  *open = job_.Window(phase, phase_window_);
  open->set_window(next_window_);
  membership_.FillView(open);
  window_.emplace(options_.scenario, *open);
  const Scenario& scenario = options_.scenario;
  if (scenario.common_randomness.source == CrSource::kBroadcast) {
    // The same numbers as the nodes would derive: both sources give the same run.
    const std::vector<float> u =
        WindowRandomness(CrSource::kDerived, scenario.seed, *open, scenario.model.embedding);
    open->mutable_common_randomness()->Add(u.begin(), u.end());
  }
  RETURN_IF_ERROR(window_->Ask(clock_->WallTime()));
  step_started_ = window_started_ = clock_->Now();
  return SendToAll(message);
}

absl::Status CoordinatorNode::OnClaim(const NodeId& from, const v1::Claim& claim) {
  if (!window_.has_value()) {
    return Refuse(from, "Claim", MessageRefusal::kOtherWindow, "no window is open");
  }
  std::string detail;
  if (const auto wrong = window_->AddClaim(from, claim, &detail); wrong.has_value()) {
    return Refuse(from, "Claim", *wrong, detail);
  }
  return window_->all_claimed() ? SendGrants() : absl::OkStatus();
}

absl::Status CoordinatorNode::SendGrants() {
  RETURN_IF_ERROR(window_->Decide());
  refusals_ += window_->record().refused_links;
  step_started_ = clock_->Now();
  const std::vector<NodeId> nodes = membership_.In(MemberState::kUp);
  for (const NodeId& id : nodes) {
    v1::Message message;
    *message.mutable_grant() = window_->GrantFor(id);
    RETURN_IF_ERROR(Send(id, std::move(message)));
  }
  if (window_->kind() != v1::INFER) return absl::OkStatus();
  for (const NodeId& id : nodes) {
    if (id.role != Role::kReceiver) continue;
    v1::Message message;
    *message.mutable_infer_start() = job_.InferStart(window_->number());
    RETURN_IF_ERROR(Send(id, std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnReport(const NodeId& from, const v1::Report& report) {
  if (!window_.has_value()) {
    return Refuse(from, "Report", MessageRefusal::kOtherWindow, "no window is open");
  }
  std::string detail;
  if (const auto wrong = window_->AddReport(from, report, &detail); wrong.has_value()) {
    return Refuse(from, "Report", *wrong, detail);
  }
  uint64_t& peak = membership_.Find(from)->peak_rss_bytes;
  peak = std::max(peak, static_cast<uint64_t>(report.peak_rss_bytes()));
  return window_->state() == WindowState::kReported ? CommitWindow() : absl::OkStatus();
}

absl::Status CoordinatorNode::OnInferReport(const NodeId& from, const v1::InferReport& report) {
  if (!window_.has_value()) {
    return Refuse(from, "InferReport", MessageRefusal::kOtherWindow, "no window is open");
  }
  std::string detail;
  if (const auto wrong = window_->AddInferReport(from, report, &detail); wrong.has_value()) {
    return Refuse(from, "InferReport", *wrong, detail);
  }
  return window_->state() == WindowState::kReported ? CommitWindow() : absl::OkStatus();
}

absl::Status CoordinatorNode::CommitWindow() {
  window_->SetTimes(clock_->WallTime(), clock_->Now() - window_started_);
  const WindowRecord& record = window_->record();
  RETURN_IF_ERROR(recorder_->CommitWindow(record));  // before any node steps
  RETURN_IF_ERROR(window_->Commit());
  v1::Message message;
  message.mutable_commit()->set_window(window_->number());
  RETURN_IF_ERROR(SendToAll(message));
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
  return Advance();
}

absl::Status CoordinatorNode::RequestParameters() {
  collecting_ = true;
  step_started_ = clock_->Now();
  v1::Message message;
  message.mutable_parameters_request()->set_window(next_window_);
  return SendToAll(message);
}

absl::Status CoordinatorNode::OnParameters(const NodeId& from, const v1::Parameters& parameters) {
  if (!collecting_ || parameters.window() != next_window_) {
    return Refuse(from, "Parameters", MessageRefusal::kOutOfTurn, "it was not asked for");
  }
  if (collected_.count(from) > 0) {
    return Refuse(from, "Parameters", MessageRefusal::kDuplicate, "it was sent before");
  }
  if (const std::string wrong = CheckParameters(parameters); !wrong.empty()) {
    return Refuse(from, "Parameters", MessageRefusal::kMalformed, wrong);
  }
  collected_[from] = parameters;
  if (collected_.size() < membership_.In(MemberState::kUp).size()) return absl::OkStatus();
  RETURN_IF_ERROR(recorder_->Parameters(collected_));
  collected_.clear();
  collecting_ = false;
  ++phase_;
  return Advance();
}

absl::Status CoordinatorNode::Finish() {
  RETURN_IF_ERROR(recorder_->Finish(membership_, *transport_));
  v1::Message message;
  message.mutable_stop();
  for (const NodeId& id : membership_.In(MemberState::kUp)) {
    transport_->Send(id, message).IgnoreError();  // the run is complete, whoever has gone
  }
  done_ = true;
  spdlog::info("run {} finished", recorder_->run_id());
  Publish();
  return absl::OkStatus();
}

void CoordinatorNode::Fail(const absl::Status& why) {
  if (done_) return;
  const std::string reason(why.message());
  spdlog::error("the run failed: {}", reason);
  result_ = why;
  if (window_.has_value() && window_->Abort().ok()) {
    if (absl::Status status = recorder_->AbortWindow(window_->record()); !status.ok()) {
      spdlog::error("{}", status.ToString());
    }
    v1::Message message;
    message.mutable_abort()->set_window(window_->number());
    message.mutable_abort()->set_reason(reason);
    for (const NodeId& id : membership_.In(MemberState::kUp)) {
      transport_->Send(id, message).IgnoreError();
    }
  }
  recorder_->Fail(reason);
  v1::Message stop;
  stop.mutable_stop()->set_failed(true);
  stop.mutable_stop()->set_reason(reason);
  for (const Member& member : membership_.members()) {
    if (member.state == MemberState::kAwaited || member.state == MemberState::kLost) continue;
    transport_->Send(member.id, stop).IgnoreError();
  }
  done_ = true;
  Publish();
}

void CoordinatorNode::Publish() {
  RunStatus status;
  status.run_id = recorder_->run_id();
  status.scenario = options_.scenario.name;
  if (done_) {
    status.phase = result_.ok() ? "finished" : "failed";
  } else {
    status.phase = started() && phase() != nullptr ? PhaseName(phase()->kind) : "waiting";
  }
  status.window = next_window_;
  status.windows = job_.total_windows();
  status.seconds_per_window = recorder_->summary().SecondsPerWindow();
  status.accuracy = recorder_->summary().RecentAccuracy();
  status.refusals = refusals_;
  status.members = membership_.members();
  board_->Publish(std::move(status));
}

}  // namespace semlink::coordinator
