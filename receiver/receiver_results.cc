// What a receiver makes of a window: gradients for the transmitters, a report for the coordinator.
#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/node_report.h"
#include "receiver/receiver_node.h"

namespace semlink::receiver {
namespace {

// This receiver's part of pom2dib eq. 21: mean over the rounds of (L_t - b_t) log p(a_hat | u).
double LogLikelihood(const method::Selector& selector, size_t rounds) {
  const std::vector<double>& rows = selector.weighted_log_probability();
  return std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(rounds);
}

}  // namespace

absl::Status ReceiverNode::SendGradients(const std::vector<ReceivedLink>& links,
                                         const WindowResult& result,
                                         const std::vector<float>& advantage,
                                         const std::vector<bool>& counted) {
  for (int k = 0; k < peers(); ++k) {
    if (!Alive(k)) continue;
    v1::Message message;
    v1::Gradients* gradients = message.mutable_gradients();
    gradients->set_window(plan().window);
    for (size_t i = 0; i < links.size(); ++i) {
      if (links[i].k != k) continue;
      v1::LinkGradients* link = gradients->add_link();
      link->set_modality(links[i].m);
      link->mutable_round()->Add(links[i].rounds.begin(), links[i].rounds.end());
      *link->mutable_dz() = codec::EncodeFloat32(result.dz[i]);
    }
    for (uint32_t round : requests_[k]) {
      if (!counted[round]) continue;
      gradients->add_round(round);
      gradients->add_loss(result.loss[round]);
      gradients->add_advantage(advantage[round]);
    }
    RETURN_IF_ERROR(SendToPeer(k, std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status ReceiverNode::Report(const WindowResult& result) {
  v1::Report report = method::StartReport(plan(), *transport(), cpu().Take());
  report.set_flops(flops().Take());
  double loss = 0;
  for (float value : result.loss) loss += value;
  if (!result.loss.empty()) report.set_loss(loss / static_cast<double>(result.loss.size()));
  report.set_cross_entropy(result.cross_entropy);
  report.set_correct(static_cast<double>(result.correct));
  report.set_samples(static_cast<uint64_t>(result.samples));
  if (plan().train() && selection_->has_selector()) {
    report.set_selection_entropy(selection_->selector().entropy());
    report.add_log_likelihood(LogLikelihood(selection_->selector(), plan().rounds.size()));
  }
  if (!plan().train()) report.mutable_round_loss()->Add(result.loss.begin(), result.loss.end());
  for (const std::vector<uint32_t>& rounds : requests_) {
    report.add_transmitter_probability(static_cast<double>(rounds.size()) /
                                       static_cast<double>(plan().rounds.size()));
  }
  report.set_rounds_without_link(
      static_cast<uint32_t>(std::count(result.links.begin(), result.links.end(), 0)));
  for (int k = 0; k < peers(); ++k) {
    if (Linked(k) && !features_[k].has_value()) AddFailure(k, v1::PairFailure::FEATURES, &report);
  }
  return SendReport(std::move(report));
}

}  // namespace semlink::receiver
