#include "receiver/receiver_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/method/schedule.h"
#include "common/scenario/method_table.h"

namespace semlink::receiver {

ReceiverNode::ReceiverNode(int t, Transport* transport, Clock* clock, method::MemberOptions options)
    : MemberNode(NodeId::Receiver(t), transport, std::move(options)), t_(t), clock_(clock) {}

absl::Status ReceiverNode::Load() {
  ASSIGN_OR_RETURN(labels_, data::OpenLabels(scenario(), t_));
  ResetLearners();
  return absl::OkStatus();
}

void ReceiverNode::ResetLearners() {
  decoders_ = std::make_unique<DecoderBank>(scenario(), t_);
  selection_ = std::make_unique<RequestSelection>(scenario(), t_);
}

method::NodeState ReceiverNode::State() {
  method::NodeState state;
  state.learners = {{"decoder", &decoders_->fused(), &decoders_->fused_optimizer()},
                    {"local_decoder", &decoders_->local(), &decoders_->local_optimizer()}};
  if (selection_->has_selector()) {
    state.learners.push_back(
        {"selector", &selection_->selector().network(), &selection_->selector().optimizer()});
  }
  state.baseline = &selection_->baseline();
  if (MethodOf(scenario()).selection == SelectionRule::kRanked) {
    state.tensors.emplace_back("relevance", selection_->ranking().values());
    state.tensors.emplace_back("relevance_weight", selection_->ranking().weights());
  }
  return state;
}

absl::Status ReceiverNode::OnAddresses(
    const google::protobuf::RepeatedPtrField<std::string>& addresses) {
  if (addresses.size() != peers()) {
    return absl::InvalidArgumentError(
        absl::StrCat("addresses of ", addresses.size(), " transmitters, expected ", peers()));
  }
  absl::Status first;
  for (int k = 0; k < peers(); ++k) {
    if (addresses.Get(k).empty()) continue;
    const absl::Status status = transport()->Connect(Peer(k), addresses.Get(k));
    // One address that makes no sense does not keep this node from the others.
    if (first.ok() && !status.ok() && !absl::IsAlreadyExists(status)) first = status;
  }
  return first;
}

absl::Status ReceiverNode::OnStream(int k, const v1::Message& message) {
  if (!message.has_welcome() || k >= peers()) return absl::OkStatus();
  reached_.insert(k);
  if (!StreamUp(k)) MarkStreamUp(k);
  return absl::OkStatus();
}

absl::Status ReceiverNode::OnStreamRefused(int k, const std::string& reason) {
  // One that let this node in before has been set up otherwise since: the run can do without it.
  if (reached_.count(k) > 0) {
    SayPairStatus(k, false, reason);
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat(Peer(k).ToString(), " refused this node: ", reason));
}

void ReceiverNode::Step() {
  decoders_->Step(method::CodecRateFactor(scenario().training, plan().progress));
  selection_->Step();
}

void ReceiverNode::Discard() {
  decoders_->Discard();
  selection_->Discard();
}

void ReceiverNode::EndWindow() {
  inference_.reset();
  links_.clear();
  features_.clear();
}

}  // namespace semlink::receiver
