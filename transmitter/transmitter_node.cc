#include "transmitter/transmitter_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/method/schedule.h"

namespace semlink::transmitter {

TransmitterNode::TransmitterNode(int k, Transport* transport, method::MemberOptions options)
    : MemberNode(NodeId::Transmitter(k), transport, std::move(options)), k_(k) {}

absl::Status TransmitterNode::Load() {
  ASSIGN_OR_RETURN(encoders_, EncoderBank::Create(scenario(), k_));
  selection_ = std::make_unique<LinkSelection>(scenario(), k_);
  return absl::OkStatus();
}

void TransmitterNode::ResetLearners() {
  encoders_->Reset();
  selection_ = std::make_unique<LinkSelection>(scenario(), k_);
}

method::NodeState TransmitterNode::State() {
  method::NodeState state;
  for (int m = 0; m < scenario().M(k_); ++m) {
    state.learners.push_back(
        {absl::StrCat("encoder", m + 1), &encoders_->networks()[m], &encoders_->optimizers()[m]});
  }
  if (selection_->has_selector()) {
    state.learners.push_back(
        {"selector", &selection_->selector().network(), &selection_->selector().optimizer()});
  }
  return state;
}

absl::Status TransmitterNode::OnStream(int t, const v1::Message& message) {
  v1::Message answer;
  // Receivers may dial before this node knows the scenario; the coordinator knows who is in it.
  if (phase() != Phase::kJoining && t >= peers()) {
    answer.mutable_refusal()->set_reason(v1::Refusal::UNKNOWN_NODE);
    answer.mutable_refusal()->set_detail(
        absl::StrCat("the scenario has ", peers(), " receivers, this is number ", t + 1));
  } else {
    answer.mutable_welcome();
    MarkStreamUp(t);
  }
  transport()->Send(Peer(t), std::move(answer)).IgnoreError();  // gone again: PeerDown follows
  return absl::OkStatus();
}

void TransmitterNode::Step() {
  encoders_->Step(method::CodecRateFactor(scenario().training, plan().progress));
  selection_->Step();
}

void TransmitterNode::Discard() {
  encoders_->Discard();
  selection_->Discard();
}

void TransmitterNode::EndWindow() {
  granted_.clear();
  encoded_.clear();
  dz_.clear();
}

}  // namespace semlink::transmitter
