// What receivers send after the grant: gradients, or requests for single samples.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/rounds.h"
#include "transmitter/transmitter_node.h"

namespace semlink::transmitter {

// Order, rounds, losses and advantages; not the links.
absl::Status TransmitterNode::CheckGradients(int t, const v1::Gradients& gradients) const {
  if (phase() != Phase::kOpen || stage_ != Stage::kGranted || !plan().train() ||
      gradients.window() != plan().window || !asked_[t] || answered_[t]) {
    return absl::InvalidArgumentError(
        absl::StrCat("Gradients for window ", gradients.window(), " are late or repeated"));
  }
  // Rounds in which other features were lost may be left out.
  RETURN_IF_ERROR(method::CheckRounds(gradients.round(), plan().rounds.size()));
  if (!std::includes(requests_[t].begin(), requests_[t].end(), gradients.round().begin(),
                     gradients.round().end())) {
    return absl::InvalidArgumentError("Gradients name a round that was not asked for");
  }
  if (gradients.advantage_size() != gradients.round_size() ||
      gradients.loss_size() != gradients.round_size()) {
    return absl::InvalidArgumentError("Gradients need one loss and one advantage per round");
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(gradients.advantage().begin(), gradients.advantage().end(), finite) ||
      !std::all_of(gradients.loss().begin(), gradients.loss().end(), finite)) {
    return absl::InvalidArgumentError("Gradients have a loss or advantage that is not finite");
  }
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnGradients(int t, const v1::Gradients& gradients) {
  RETURN_IF_ERROR(CheckGradients(t, gradients));
  std::vector<std::pair<size_t, at::Tensor>> parts;
  int next = 0;
  for (size_t i = 0; i < encoded_.size(); ++i) {
    const ActiveLink& link = encoded_[i].link;
    if (link.t != t) continue;
    if (next >= gradients.link_size() ||
        static_cast<int>(gradients.link(next).modality()) != link.m ||
        !std::equal(gradients.link(next).round().begin(), gradients.link(next).round().end(),
                    link.rounds.begin(), link.rounds.end())) {
      return absl::InvalidArgumentError("Gradients do not cover the granted links");
    }
    ASSIGN_OR_RETURN(at::Tensor dz,
                     codec::DecodeFloat32(gradients.link(next).dz(), encoded_[i].z.sizes().vec(),
                                          absl::StrCat("gradient of modality ", link.m + 1)));
    parts.emplace_back(i, std::move(dz));
    ++next;
  }
  if (next != gradients.link_size())
    return absl::InvalidArgumentError("Gradients name links that were not granted");
  for (auto& [i, dz] : parts) dz_[i] = std::move(dz);
  for (int i = 0; i < gradients.round_size(); ++i) {
    advantage_[t][gradients.round(i)] = gradients.advantage(i);
  }
  answered_[t] = true;
  return absl::OkStatus();
}

absl::Status TransmitterNode::CheckSampleRequest(int t, const v1::SampleRequest& request) const {
  if (phase() != Phase::kOpen || stage_ != Stage::kGranted || plan().kind != v1::INFER ||
      request.window() != plan().window) {
    return absl::InvalidArgumentError("SampleRequest outside an inference session");
  }
  if (request.samples() == 0 || request.samples() > uint32_t{kMaxInferenceBatch}) {
    return absl::InvalidArgumentError(absl::StrCat("SampleRequest for ", request.samples(),
                                                   " samples; 1 to ", kMaxInferenceBatch,
                                                   " can be asked for"));
  }
  // A message that is too long to be sent would end this node.
  const int64_t links = std::count_if(granted_.begin(), granted_.end(),
                                      [&](const ActiveLink& active) { return active.t == t; });
  const int64_t bytes_per_sample = links * scenario().model.embedding * int64_t{sizeof(float)};
  if (bytes_per_sample * request.samples() > kMaxFeatureBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("SampleRequest for ", request.samples(), " samples over ", links, " links of ",
                     scenario().model.embedding, " numbers: more than ", kMaxFeatureBytes >> 20,
                     " MiB of features; at most ", kMaxFeatureBytes / bytes_per_sample,
                     " samples can be asked for at once"));
  }
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnSampleRequest(int t, const v1::SampleRequest& request) {
  RETURN_IF_ERROR(CheckSampleRequest(t, request));
  v1::Message message;
  v1::Features* features = message.mutable_features();
  features->set_window(plan().window);
  features->set_sequence(request.sequence());
  const int64_t first =
      static_cast<int64_t>(request.first_sample() % static_cast<uint64_t>(encoders_->test_size()));
  for (const ActiveLink& active : granted_) {
    if (active.t != t) continue;
    v1::LinkFeatures* link = features->add_link();
    link->set_modality(active.m);
    link->add_round(0);
    *link->mutable_z() = codec::EncodeFloat32(encoders_->EncodeSamples(
        plan(), active.m, t, request.sequence(), first, request.samples()));
  }
  return SendToPeer(t, std::move(message));
}

}  // namespace semlink::transmitter
