// What a member holds: in memory, and in its folder.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/resource_usage.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/method/member_node.h"

namespace semlink::method {
namespace {

constexpr char kNoFolder[] = "started without --state: this node keeps no checkpoints";

}  // namespace

absl::Status MemberNode::OpenCheckpoints(const std::string& scenario_text) {
  if (options_.state_folder.empty()) return absl::OkStatus();
  const store::CheckpointOwner owner = {self_.ToString(), scenario_.seed, Sha256Hex(scenario_text)};
  ASSIGN_OR_RETURN(checkpoints_,
                   store::CheckpointFolder::Open(
                       absl::StrCat(options_.state_folder, "/", self_.ToString()), owner));
  return absl::OkStatus();
}

absl::Status MemberNode::SayReady() {
  v1::Message message;
  v1::Ready* ready = message.mutable_ready();
  ready->set_live(live_);
  ready->set_next_window(next_window_);
  if (phase_ == Phase::kReported) {
    ready->set_in_doubt(true);
    ready->set_next_window(plan_.window);
    ready->set_attempt(plan_.attempt);
  }
  if (checkpoints_.has_value()) {
    std::vector<std::string> complaints;
    for (v1::CheckpointId& id : checkpoints_->List(&complaints)) {
      *ready->add_checkpoint() = std::move(id);
    }
    for (const std::string& complaint : complaints) spdlog::warn("{}", complaint);
  }
  ready->set_peak_rss_bytes(PeakRssBytes());
  return SendToCoordinator(std::move(message));
}

absl::Status MemberNode::OnRestore(const v1::Restore& restore) {
  absl::Status status;
  if (phase_ == Phase::kIdle) {
    status = RestoreFrom(restore.checkpoint());
  } else {
    status = absl::FailedPreconditionError(
        absl::StrCat("Restore while window ", plan_.window, " is open"));
  }
  v1::Message message;
  v1::Restored* restored = message.mutable_restored();
  restored->set_window(restore.checkpoint().window());
  restored->set_ok(status.ok());
  if (!status.ok()) {
    restored->set_detail(std::string(status.message()));
    spdlog::warn("not restored: {}", restored->detail());
  }
  return SendToCoordinator(std::move(message));
}

absl::Status MemberNode::RestoreFrom(const v1::CheckpointId& id) {
  if (id.window() == 0 && id.sha256().empty()) {
    RETURN_IF_ERROR(ResetState());
  } else {
    if (!checkpoints_.has_value()) return absl::FailedPreconditionError(kNoFolder);
    ASSIGN_OR_RETURN(const store::TensorFile file, checkpoints_->Read(id));
    NodeState state = State();
    RETURN_IF_ERROR(RestoreState(file, &state));
    changed_ = true;
  }
  live_ = true;
  next_window_ = id.window();
  spdlog::info("holds the state before window {}", next_window_);
  return absl::OkStatus();
}

absl::Status MemberNode::ResetState() {
  if (!changed_) return absl::OkStatus();
  ResetLearners();
  if (!start_parameters_.empty()) {
    NodeState state = State();
    RETURN_IF_ERROR(LoadParameters(start_parameters_, &state));
  }
  changed_ = false;
  return absl::OkStatus();
}

absl::Status MemberNode::OnCheckpoint(const v1::Checkpoint& checkpoint) {
  v1::Message message;
  v1::Checkpointed* answer = message.mutable_checkpointed();
  answer->mutable_checkpoint()->set_window(checkpoint.window());
  const auto written = WriteCheckpoint(checkpoint.window());
  if (written.ok()) {
    *answer->mutable_checkpoint() = written->id;
    answer->set_bytes(written->bytes);
    const absl::Status pruned = checkpoints_->Prune(checkpoint.keep_from());
    if (!pruned.ok()) spdlog::warn("{}", std::string(pruned.message()));
  } else {
    answer->set_detail(std::string(written.status().message()));
    if (checkpoints_.has_value()) spdlog::warn("no checkpoint: {}", answer->detail());
  }
  return SendToCoordinator(std::move(message));
}

absl::StatusOr<store::CheckpointFolder::Written> MemberNode::WriteCheckpoint(uint64_t window) {
  if (!checkpoints_.has_value()) return absl::FailedPreconditionError(kNoFolder);
  if (phase_ != Phase::kIdle || window < next_window_) {
    return absl::FailedPreconditionError(
        absl::StrCat("Checkpoint ", window, " out of order: the next window is ", next_window_,
                     phase_ == Phase::kIdle ? "" : ", and a window is open"));
  }
  ASSIGN_OR_RETURN(store::CheckpointFolder::Written written,
                   checkpoints_->Write(window, SaveState(State())));
  // Windows up to here that this node has not seen belong to others.
  next_window_ = window;
  return written;
}

}  // namespace semlink::method
