// Checkpoints: every node writes its state after the same window.
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/checkpoint_plan.h"
#include "coordinator/coordinator_node.h"

namespace semlink::coordinator {

absl::Status CoordinatorNode::BeginCheckpoint() {
  RETURN_IF_ERROR(AdmitReady());
  ASSIGN_OR_RETURN(const std::vector<uint64_t> complete, recorder_->CompleteCheckpoints());
  ASSIGN_OR_RETURN(const std::vector<MemberEpoch> epochs, recorder_->Epochs());
  const uint64_t keep_from = KeepFrom(options_.scenario.checkpoint.keep, complete, epochs);
  if (keep_from > 0) RETURN_IF_ERROR(recorder_->CheckpointsDropped(keep_from));
  checkpoint_ = OpenCheckpoint();
  checkpoint_->window = next_window_;
  v1::Message message;
  message.mutable_checkpoint()->set_window(next_window_);
  message.mutable_checkpoint()->set_keep_from(keep_from);
  for (const NodeId& id : membership_.In(MemberState::kUp)) {
    checkpoint_->awaited.insert(id);
    Ask(id, message);
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnCheckpointed(const NodeId& from,
                                             const v1::Checkpointed& checkpointed) {
  if (!checkpoint_.has_value() || checkpointed.checkpoint().window() != checkpoint_->window ||
      checkpoint_->awaited.erase(from) == 0) {
    return Refuse(from, "Checkpointed", MessageRefusal::kOutOfTurn, "it was not asked for");
  }
  RETURN_IF_ERROR(recorder_->CheckpointFile(from, checkpointed));
  if (checkpointed.checkpoint().sha256().empty()) {
    spdlog::warn("{} could not write its checkpoint: {}", from.ToString(), checkpointed.detail());
  } else {
    ++checkpoint_->files;
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::FinishCheckpoint() {
  const bool complete = checkpoint_->files == static_cast<int>(membership_.members().size());
  checkpointed_ = checkpoint_->window;
  if (complete) complete_checkpoint_ = checkpointed_;
  const int files = checkpoint_->files;
  checkpoint_.reset();
  return recorder_->Event("checkpoint",
                          {{"window", checkpointed_}, {"files", files}, {"complete", complete}});
}

}  // namespace semlink::coordinator
