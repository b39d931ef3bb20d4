// Windows and attempts: opened, reported, committed or aborted.
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/method/member_node.h"
#include "common/method/node_report.h"
#include "common/transport/protocol.h"

namespace semlink::method {

absl::StatusOr<WindowPlan> MemberNode::CheckOpenWindow(const v1::OpenWindow& open,
                                                       uint64_t attempt) const {
  const auto bad = [&](auto... what) {
    return absl::InvalidArgumentError(
        absl::StrCat("OpenWindow ", open.window(), " (attempt ", attempt, "): ", what...));
  };
  if (phase_ == Phase::kReported) {
    return bad("this node awaits the outcome of window ", plan_.window, ", attempt ",
               plan_.attempt);
  }
  if (attempt <= last_attempt_) return bad("attempt ", last_attempt_, " was opened before");
  if (open.window() < next_window_) {
    return bad("this node has all windows below ", next_window_);
  }
  ASSIGN_OR_RETURN(WindowPlan plan, MakeWindowPlan(scenario_, open, train_size(), test_size()));
  const std::vector<bool>& up =
      self_.role == Role::kTransmitter ? plan.transmitter_up : plan.receiver_up;
  if (!up[self_.index]) return bad("this node is not in the view");
  plan.attempt = attempt;
  return plan;
}

absl::Status MemberNode::OnOpenWindow(const v1::OpenWindow& open, uint64_t attempt) {
  ASSIGN_OR_RETURN(WindowPlan plan, CheckOpenWindow(open, attempt));
  if (phase_ == Phase::kOpen) DiscardWindow("the coordinator has opened another attempt");
  plan_ = std::move(plan);
  last_attempt_ = attempt;
  failed_.assign(peers(), false);
  phase_ = Phase::kOpen;
  live_ = true;
  flops_.Take();  // of an attempt that was not reported: they are no part of this one
  for (int peer = 0; peer < peers(); ++peer) {
    if (!Linked(peer)) continue;
    if (FailedBefore(peer, v1::PairFailure::REQUEST)) FailPair(peer, "replay");
    const auto refused = refused_early_.find(peer);
    if (refused != refused_early_.end() && refused->second == attempt) {
      FailPair(peer, "a message of this window was refused before it opened");
    }
    if (StreamUp(peer)) continue;
    // It broke while the coordinator opened the window; perhaps this end alone knows.
    FailPair(peer, "there is no stream");
    SayPairStatus(peer, false, "there is no stream");
  }
  RETURN_IF_ERROR(OnOpened());
  return ReplayEarly();
}

// What has a `window` field and belongs to an open window.
absl::Status MemberNode::HandleInWindow(const v1::Message& message) {
  const bool within = phase_ == Phase::kOpen || phase_ == Phase::kReported;
  if (!within || message.attempt() != plan_.attempt) return absl::OkStatus();  // of the past
  switch (message.body_case()) {
    case v1::Message::kGrant:
      return OnGrant(message.grant());
    case v1::Message::kInferStart:
      return OnInferStart(message.infer_start());
    case v1::Message::kCommit:
      return OnCommit(message.commit());
    case v1::Message::kAbort:
      return OnAbort(message.abort());
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(MessageName(message), " is not expected here"));
  }
}

absl::Status MemberNode::OnCommit(const v1::Commit& commit) {
  const bool reported = phase_ == Phase::kReported || plan_.kind == v1::INFER;
  if (!reported || commit.window() != plan_.window) {
    return absl::InvalidArgumentError(absl::StrCat("Commit of window ", commit.window(),
                                                   " while window ", plan_.window,
                                                   reported ? " is open" : " is not reported"));
  }
  if (plan_.train()) {
    Step();
    changed_ = true;
  }
  EndWindow();
  next_window_ = plan_.window + 1;
  phase_ = Phase::kIdle;
  return absl::OkStatus();
}

absl::Status MemberNode::OnAbort(const v1::Abort& abort) {
  if (abort.window() != plan_.window) {
    return absl::InvalidArgumentError(absl::StrCat("Abort of window ", abort.window(),
                                                   " while window ", plan_.window, " is open"));
  }
  DiscardWindow(abort.reason());
  return absl::OkStatus();
}

void MemberNode::DiscardWindow(const std::string& why) {
  spdlog::info("forgot window {}: {}", plan_.window, why);
  Discard();
  EndWindow();
  phase_ = Phase::kIdle;
}

absl::Status MemberNode::Settle() {
  // Each pass gets the role on by at least one stage, or marks at least one pair as failed.
  while (phase_ == Phase::kOpen) {
    const std::vector<bool> failed = failed_;
    RETURN_IF_ERROR(Advance());
    if (failed == failed_) break;
  }
  return absl::OkStatus();
}

bool MemberNode::Linked(int peer) const {
  return self_.role == Role::kTransmitter ? plan_.linked(self_.index, peer)
                                          : plan_.linked(peer, self_.index);
}

bool MemberNode::AllHaveOrFailed(const std::vector<bool>& have) const {
  for (size_t peer = 0; peer < have.size(); ++peer) {
    if (!have[peer] && Alive(static_cast<int>(peer))) return false;
  }
  return true;
}

bool MemberNode::FailedBefore(int peer, v1::PairFailure::Stage stage) const {
  return self_.role == Role::kTransmitter ? plan_.failed_before(self_.index, peer, stage)
                                          : plan_.failed_before(peer, self_.index, stage);
}

void MemberNode::FailPair(int peer, const std::string& why) {
  if (phase_ != Phase::kOpen || peer >= peers() || !Alive(peer)) return;
  failed_[peer] = true;
  spdlog::warn("window {} goes on without {}: {}", plan_.window, Peer(peer).ToString(), why);
}

void MemberNode::AddFailure(int peer, v1::PairFailure::Stage stage, v1::Report* report) const {
  const bool transmitter = self_.role == Role::kTransmitter;
  v1::PairFailure* failure = report->add_failed();
  failure->set_transmitter(transmitter ? self_.index : peer);
  failure->set_receiver(transmitter ? peer : self_.index);
  failure->set_stage(stage);
}

absl::Status MemberNode::SendReport(v1::Report report) {
  v1::Message message;
  *message.mutable_report() = std::move(report);
  phase_ = Phase::kReported;
  return SendInWindow(std::move(message));
}

absl::Status MemberNode::OnParametersRequest(const v1::ParametersRequest& request) {
  if (phase_ != Phase::kIdle) {
    return absl::InvalidArgumentError(
        absl::StrCat("ParametersRequest while window ", plan_.window, " is open"));
  }
  v1::Message message;
  message.mutable_parameters()->set_window(request.window());
  AppendParameters(State(), message.mutable_parameters());
  return SendToCoordinator(std::move(message));
}

}  // namespace semlink::method
