// A window at a transmitter: requests, claim, grant, features, report.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/node_report.h"
#include "common/method/rounds.h"
#include "common/method/schedule.h"
#include "common/transport/protocol.h"
#include "transmitter/transmitter_node.h"

namespace semlink::transmitter {

absl::Status TransmitterNode::OnOpened() {
  const int receivers = scenario().T();
  asked_.assign(receivers, false);
  answered_.assign(receivers, false);
  requests_.assign(receivers, {});
  relevance_.assign(receivers, {});
  advantage_.assign(receivers, {});
  stage_ = Stage::kAsking;
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnData(int t, const v1::Message& message) {
  if (message.has_request()) return OnRequest(t, message.request());
  // In a replay they did not come; the receiver does not know that.
  if (message.has_gradients() && FailedBefore(t, v1::PairFailure::GRADIENTS))
    return absl::OkStatus();
  if (message.has_gradients()) return OnGradients(t, message.gradients());
  if (stage_ != Stage::kGranted && phase() == Phase::kOpen && plan().kind == v1::INFER &&
      message.sample_request().window() == plan().window) {
    return KeepEarly(t, message);  // the receiver had its grant first
  }
  return OnSampleRequest(t, message.sample_request());
}

absl::Status TransmitterNode::CheckRelevance(const v1::Request& request) const {
  const bool ranked = method::RuleOf(scenario(), plan()) == SelectionRule::kRanked;
  if (request.relevance_size() != (ranked ? scenario().M(k_) : 0) ||
      !std::all_of(request.relevance().begin(), request.relevance().end(),
                   [](float nats) { return std::isfinite(nats); })) {
    return absl::InvalidArgumentError(
        "Request needs one finite relevance per modality where links are ranked, else none");
  }
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnRequest(int t, const v1::Request& request) {
  if (phase() != Phase::kOpen || request.window() != plan().window || asked_[t]) {
    return absl::InvalidArgumentError(
        absl::StrCat("Request for window ", request.window(), " is late or repeated"));
  }
  if (request.common_randomness_digest() != plan().digest) {
    return absl::InvalidArgumentError("Request was drawn with another common randomness");
  }
  RETURN_IF_ERROR(method::CheckRounds(request.round(), plan().rounds.size()));
  RETURN_IF_ERROR(CheckRelevance(request));
  asked_[t] = true;
  requests_[t].assign(request.round().begin(), request.round().end());
  relevance_[t].assign(request.relevance().begin(), request.relevance().end());
  return absl::OkStatus();
}

absl::Status TransmitterNode::Advance() {
  if (stage_ == Stage::kAsking && AllHaveOrFailed(asked_)) RETURN_IF_ERROR(SendClaim());
  if (stage_ != Stage::kGranted || plan().kind == v1::INFER) return absl::OkStatus();
  if (plan().train()) {
    for (int t = 0; t < peers(); ++t) {
      const bool lost = FailedBefore(t, v1::PairFailure::GRADIENTS);  // in a replay
      if (Alive(t) && !answered_[t] && !lost) return absl::OkStatus();
    }
    encoders_->Backward(dz_);
    selection_->Accumulate(advantage_, method::EntropyBonus(scenario().policy, plan().progress));
  }
  return Report();
}

absl::Status TransmitterNode::SendClaim() {
  granted_ = selection_->Draw(plan(), requests_, relevance_);
  v1::Message message;
  v1::Claim* claim = message.mutable_claim();
  claim->set_window(plan().window);
  for (const ActiveLink& active : granted_) {
    v1::LinkRounds* link = claim->add_link();
    link->set_transmitter(k_);
    link->set_modality(active.m);
    link->set_task(active.t);
    link->mutable_round()->Add(active.rounds.begin(), active.rounds.end());
  }
  stage_ = Stage::kClaimed;
  RETURN_IF_ERROR(SendInWindow(std::move(message)));
  // Encode while the coordinator decides: it grants all of it unless something is wrong.
  if (plan().kind != v1::INFER) encoded_ = encoders_->Encode(plan(), granted_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ActiveLink>> TransmitterNode::CheckGrant(const v1::Grant& grant) const {
  std::vector<ActiveLink> granted;
  for (const v1::LinkRounds& link : grant.link()) {
    RETURN_IF_ERROR(method::CheckRounds(link.round(), plan().rounds.size()));
    if (link.transmitter() != static_cast<uint32_t>(k_) || link.round().empty() ||
        link.modality() >= static_cast<uint32_t>(scenario().M(k_)) ||
        link.task() >= static_cast<uint32_t>(scenario().T()) ||
        !Linked(static_cast<int>(link.task()))) {
      return absl::InvalidArgumentError("Grant names a link that this transmitter does not have");
    }
    ActiveLink active{static_cast<int>(link.modality()),
                      static_cast<int>(link.task()),
                      {link.round().begin(), link.round().end()}};
    if (!granted.empty() &&
        std::tie(granted.back().m, granted.back().t) >= std::tie(active.m, active.t)) {
      return absl::InvalidArgumentError("Grant names a link twice, or out of order");
    }
    granted.push_back(std::move(active));
  }
  return granted;
}

absl::Status TransmitterNode::OnGrant(const v1::Grant& grant) {
  if (phase() != Phase::kOpen || stage_ != Stage::kClaimed || grant.window() != plan().window) {
    return absl::InvalidArgumentError(
        absl::StrCat("Grant for window ", grant.window(), " out of order"));
  }
  ASSIGN_OR_RETURN(std::vector<ActiveLink> granted, CheckGrant(grant));
  stage_ = Stage::kGranted;
  if (plan().kind == v1::INFER) {
    granted_ = std::move(granted);
    return ReplayEarly();
  }
  if (!(granted == granted_)) {
    granted_ = std::move(granted);
    encoded_ = encoders_->Encode(plan(), granted_);
  }
  dz_.assign(encoded_.size(), at::Tensor());
  return SendFeatures();
}

absl::Status TransmitterNode::SendFeatures() {
  for (int t = 0; t < peers(); ++t) {
    if (!Alive(t) || FailedBefore(t, v1::PairFailure::FEATURES)) continue;
    v1::Message message;
    message.mutable_features()->set_window(plan().window);
    for (const EncodedLink& encoded : encoded_) {
      if (encoded.link.t != t) continue;
      v1::LinkFeatures* link = message.mutable_features()->add_link();
      link->set_modality(encoded.link.m);
      link->mutable_round()->Add(encoded.link.rounds.begin(), encoded.link.rounds.end());
      *link->mutable_z() = codec::EncodeFloat32(encoded.z);
      link->mutable_rate_nats()->Add(encoded.rate_nats.begin(), encoded.rate_nats.end());
    }
    RETURN_IF_ERROR(SendToPeer(t, std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status TransmitterNode::Report() {
  v1::Report report = method::StartReport(plan(), *transport(), cpu().Take());
  report.set_flops(flops().Take());
  if (plan().train()) {
    for (double value : selection_->LogLikelihood()) report.add_log_likelihood(value);
  }
  for (int m = 0; m < scenario().M(k_); ++m) {
    for (int t = 0; t < peers(); ++t) {
      const auto encoded =
          std::find_if(encoded_.begin(), encoded_.end(),
                       [&](const EncodedLink& e) { return e.link.m == m && e.link.t == t; });
      const double drawn = selection_->DrawnShare(m, t);
      if (drawn == 0 && encoded == encoded_.end()) continue;
      v1::LinkReport* link = report.add_link();
      link->set_transmitter(k_);
      link->set_modality(m);
      link->set_task(t);
      link->set_request_probability(drawn);
      if (encoded == encoded_.end()) continue;
      double sum = 0;
      for (float rate : encoded->rate_nats) sum += rate;
      link->set_rounds(static_cast<uint32_t>(encoded->rate_nats.size()));
      link->set_rate_nats(sum / static_cast<double>(encoded->rate_nats.size()));
      link->set_coded_bits(32.0 * scenario().model.embedding);
    }
  }
  for (int t = 0; t < peers(); ++t) {
    if (!Linked(t)) continue;
    if (!asked_[t]) {
      AddFailure(t, v1::PairFailure::REQUEST, &report);
    } else if (plan().train() && !answered_[t]) {
      AddFailure(t, v1::PairFailure::GRADIENTS, &report);
    }
  }
  return SendReport(std::move(report));
}

}  // namespace semlink::transmitter
