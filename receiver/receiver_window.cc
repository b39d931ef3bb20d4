// A window at a receiver: requests, grant, features.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/rounds.h"
#include "common/method/schedule.h"
#include "receiver/receiver_node.h"

namespace semlink::receiver {

absl::Status ReceiverNode::OnOpened() {
  links_.clear();
  features_.assign(peers(), std::nullopt);
  requests_ = selection_->Draw(plan());
  stage_ = Stage::kAsked;
  for (int k = 0; k < peers(); ++k) {
    if (!Alive(k)) continue;
    v1::Message message;
    v1::Request* request = message.mutable_request();
    request->set_window(plan().window);
    request->mutable_round()->Add(requests_[k].begin(), requests_[k].end());
    request->set_common_randomness_digest(plan().digest);
    for (float nats : selection_->Relevance(plan(), k)) request->add_relevance(nats);
    RETURN_IF_ERROR(SendToPeer(k, std::move(message)));
    if (FailedBefore(k, v1::PairFailure::FEATURES)) FailPair(k, "replay");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReceivedLink>> ReceiverNode::CheckGrant(const v1::Grant& grant) const {
  std::vector<ReceivedLink> links;
  for (const v1::LinkRounds& link : grant.link()) {
    RETURN_IF_ERROR(method::CheckRounds(link.round(), plan().rounds.size()));
    if (link.transmitter() >= static_cast<uint32_t>(scenario().K()) || link.round().empty() ||
        link.modality() >=
            static_cast<uint32_t>(scenario().M(static_cast<int>(link.transmitter()))) ||
        link.task() != static_cast<uint32_t>(t_) || !Linked(static_cast<int>(link.transmitter()))) {
      return absl::InvalidArgumentError("Grant names a link that this receiver does not have");
    }
    ReceivedLink received;
    received.k = static_cast<int>(link.transmitter());
    received.m = static_cast<int>(link.modality());
    received.rounds.assign(link.round().begin(), link.round().end());
    if (!links.empty() &&
        std::tie(links.back().k, links.back().m) >= std::tie(received.k, received.m)) {
      return absl::InvalidArgumentError("Grant names a link twice, or out of order");
    }
    links.push_back(std::move(received));
  }
  return links;
}

absl::Status ReceiverNode::OnGrant(const v1::Grant& grant) {
  if (phase() != Phase::kOpen || stage_ != Stage::kAsked || grant.window() != plan().window) {
    return absl::InvalidArgumentError(
        absl::StrCat("Grant for window ", grant.window(), " out of order"));
  }
  ASSIGN_OR_RETURN(links_, CheckGrant(grant));
  stage_ = Stage::kGranted;
  // What overtook the grant can be checked only now.
  return ReplayEarly();
}

absl::Status ReceiverNode::OnData(int k, const v1::Message& message) {
  const v1::Features& features = message.features();
  if (features.window() != plan().window) {
    return absl::InvalidArgumentError(
        absl::StrCat("Features for window ", features.window(), " in window ", plan().window));
  }
  if (stage_ == Stage::kInferring && phase() == Phase::kOpen) {
    return inference_->OnFeatures(k, features);
  }
  if (phase() != Phase::kOpen || plan().kind == v1::INFER || features_[k].has_value()) {
    return absl::InvalidArgumentError("Features are late or repeated");
  }
  if (stage_ == Stage::kAsked) return KeepEarly(k, message);
  ASSIGN_OR_RETURN(features_[k], DecodeFeatures(k, features));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReceivedLink>> ReceiverNode::DecodeFeatures(
    int k, const v1::Features& features) const {
  std::vector<ReceivedLink> links;
  for (const ReceivedLink& link : links_) {
    if (link.k != k) continue;
    const int i = static_cast<int>(links.size());
    if (i >= features.link_size() || static_cast<int>(features.link(i).modality()) != link.m ||
        !std::equal(features.link(i).round().begin(), features.link(i).round().end(),
                    link.rounds.begin(), link.rounds.end())) {
      return absl::InvalidArgumentError("Features do not cover the granted links");
    }
    const v1::LinkFeatures& part = features.link(i);
    if (part.rate_nats_size() != static_cast<int>(link.rounds.size()) ||
        !std::all_of(part.rate_nats().begin(), part.rate_nats().end(),
                     [](float rate) { return std::isfinite(rate); })) {
      return absl::InvalidArgumentError("Features need one finite rate per round");
    }
    ReceivedLink received = link;
    ASSIGN_OR_RETURN(
        received.z,
        codec::DecodeFloat32(part.z(), {plan().rows(link.rounds), scenario().model.embedding},
                             absl::StrCat("features of link ", Link{k, link.m, t_}.ToString())));
    received.rate_nats.assign(part.rate_nats().begin(), part.rate_nats().end());
    links.push_back(std::move(received));
  }
  if (static_cast<int>(links.size()) != features.link_size()) {
    return absl::InvalidArgumentError("Features name links that were not granted");
  }
  return links;
}

absl::Status ReceiverNode::Advance() {
  if (plan().kind == v1::INFER) return AdvanceInference();
  if (stage_ != Stage::kGranted) return absl::OkStatus();
  for (int k = 0; k < peers(); ++k) {
    if (Alive(k) && !features_[k].has_value()) return absl::OkStatus();
  }
  return RunDecoders();
}

absl::Status ReceiverNode::RunDecoders() {
  // Links whose features did not come are erasures: their slots stay empty.
  std::vector<ReceivedLink> links;
  for (const auto& features : features_) {
    if (features.has_value()) links.insert(links.end(), features->begin(), features->end());
  }
  const WindowResult result =
      decoders_->Run(plan(), links, labels_->Batch(plan().split(), plan().rounds));
  if (plan().train()) RETURN_IF_ERROR(Learn(links, result));
  return Report(result);
}

absl::Status ReceiverNode::Learn(const std::vector<ReceivedLink>& links,
                                 const WindowResult& result) {
  if (method::MeasuresLinks(scenario(), plan())) {
    for (size_t i = 0; i < links.size(); ++i) {
      selection_->ranking().Measure(links[i].k, links[i].m,
                                    result.label_entropy - result.local_cross_entropy[i]);
    }
  }
  std::vector<float> policy_loss = result.loss;
  for (size_t r = 0; r < policy_loss.size(); ++r) {
    if (result.links[r] == 0)
      policy_loss[r] += static_cast<float>(scenario().policy.penalty_no_link);
  }
  std::vector<bool> lost(peers());
  for (int k = 0; k < peers(); ++k) lost[k] = Linked(k) && !features_[k].has_value();
  const std::vector<bool> counted = selection_->Counted(lost);
  const std::vector<float> advantage = selection_->Advantage(policy_loss, counted);
  RETURN_IF_ERROR(SendGradients(links, result, advantage, counted));
  selection_->Accumulate(advantage, counted,
                         method::EntropyBonus(scenario().policy, plan().progress));
  return absl::OkStatus();
}

absl::Status ReceiverNode::OnInferStart(const v1::InferStart& start) {
  if (phase() != Phase::kOpen || stage_ != Stage::kGranted || plan().kind != v1::INFER ||
      start.window() != plan().window || start.batch_size() == 0 || start.in_flight() == 0 ||
      start.samples() == 0) {
    return absl::InvalidArgumentError("InferStart out of order or empty");
  }
  inference_ = std::make_unique<InferenceClient>(
      scenario(), links_, decoders_.get(), labels_.get(), clock_,
      [this](int k, v1::Message message) { return SendToPeer(k, std::move(message)); });
  stage_ = Stage::kInferring;
  for (int k = 0; k < peers(); ++k) {
    if (!Alive(k)) RETURN_IF_ERROR(inference_->Lose(k));
  }
  return inference_->Start(start);
}

absl::Status ReceiverNode::AdvanceInference() {
  if (stage_ != Stage::kInferring) return absl::OkStatus();
  for (int k = 0; k < peers(); ++k) {
    if (!Alive(k)) RETURN_IF_ERROR(inference_->Lose(k));
  }
  if (!inference_->finished()) return absl::OkStatus();
  stage_ = Stage::kInferred;
  v1::Message message;
  *message.mutable_infer_report() = inference_->report();
  return SendInWindow(std::move(message));
}

}  // namespace semlink::receiver
