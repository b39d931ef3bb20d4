#include "receiver/inference_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"

namespace semlink::receiver {
namespace {

double Seconds(Clock& clock) { return absl::ToDoubleSeconds(clock.Now()); }

}  // namespace

InferenceClient::InferenceClient(const Scenario& scenario, std::vector<ReceivedLink> links,
                                 const DecoderBank* decoders, const data::LabelSource* labels,
                                 Clock* clock, Send send)
    : scenario_(scenario),
      links_(std::move(links)),
      decoders_(decoders),
      labels_(labels),
      clock_(clock),
      send_(std::move(send)) {
  for (const ReceivedLink& link : links_) modalities_[link.k].push_back(link.m);
}

absl::Status InferenceClient::Start(const v1::InferStart& start) {
  start_ = start;
  start_seconds_ = Seconds(*clock_);
  report_.set_window(start.window());
  return Refill();
}

absl::Status InferenceClient::Lose(int k) {
  if (modalities_.erase(k) == 0) return absl::OkStatus();
  return Refill();
}

bool InferenceClient::Complete(const Pending& pending) const {
  for (const auto& [k, unused] : modalities_) {
    if (pending.features.count(k) == 0) return false;
  }
  return true;
}

absl::Status InferenceClient::Refill() {
  for (auto pending = pending_.begin(); pending != pending_.end();) {
    const uint64_t sequence = pending->first;
    const bool complete = Complete(pending->second);
    ++pending;
    if (complete) RETURN_IF_ERROR(Finish(sequence));
  }
  while (asked_samples_ < start_.samples() && pending_.size() < start_.in_flight()) {
    RETURN_IF_ERROR(SendNext());
    // No link: decoded from nothing, without asking anybody.
    if (modalities_.empty()) RETURN_IF_ERROR(Finish(next_sequence_ - 1));
  }
  return absl::OkStatus();
}

absl::Status InferenceClient::SendNext() {
  const uint64_t sequence = next_sequence_++;
  Pending& pending = pending_[sequence];
  pending.first = asked_samples_ % static_cast<uint64_t>(labels_->size(data::Split::kTest));
  pending.samples = static_cast<uint32_t>(
      std::min<uint64_t>(start_.batch_size(), start_.samples() - asked_samples_));
  pending.sent_seconds = Seconds(*clock_);
  asked_samples_ += pending.samples;
  for (const auto& [k, unused] : modalities_) {
    v1::Message message;
    v1::SampleRequest* request = message.mutable_sample_request();
    request->set_window(start_.window());
    request->set_sequence(sequence);
    request->set_first_sample(pending.first);
    request->set_samples(pending.samples);
    RETURN_IF_ERROR(send_(k, std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status InferenceClient::OnFeatures(int k, const v1::Features& features) {
  const auto pending = pending_.find(features.sequence());
  const auto expected = modalities_.find(k);
  if (features.window() != start_.window() || pending == pending_.end() ||
      expected == modalities_.end() || pending->second.features.count(k) > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Features for request ", features.sequence(), " were not asked for"));
  }
  if (features.link_size() != static_cast<int>(expected->second.size())) {
    return absl::InvalidArgumentError(absl::StrCat("Features have ", features.link_size(),
                                                   " links, expected ", expected->second.size()));
  }
  std::vector<at::Tensor> tensors;
  for (int i = 0; i < features.link_size(); ++i) {
    if (static_cast<int>(features.link(i).modality()) != expected->second[i]) {
      return absl::InvalidArgumentError("Features name a link that was not granted");
    }
    ASSIGN_OR_RETURN(at::Tensor z,
                     codec::DecodeFloat32(features.link(i).z(),
                                          {pending->second.samples, scenario_.model.embedding},
                                          absl::StrCat("features of transmitter", k + 1)));
    tensors.push_back(std::move(z));
  }
  pending->second.features[k] = std::move(tensors);
  if (!Complete(pending->second)) return absl::OkStatus();
  RETURN_IF_ERROR(Finish(features.sequence()));
  return Refill();
}

absl::Status InferenceClient::Finish(uint64_t sequence) {
  Pending pending = std::move(pending_.at(sequence));
  pending_.erase(sequence);
  std::map<int, size_t> next;
  std::vector<ReceivedLink> links;
  for (const ReceivedLink& link : links_) {
    const auto features = pending.features.find(link.k);
    if (features == pending.features.end()) continue;  // an erasure: the slot stays empty
    links.push_back(link);
    links.back().z = features->second[next[link.k]++];
  }
  const at::Tensor classes = decoders_->Classify(links, pending.samples);
  const double now = Seconds(*clock_);
  report_.add_latency_us(1e6 * (now - pending.sent_seconds));

  const int64_t size = labels_->size(data::Split::kTest);
  data::RoundSamples samples;
  for (uint32_t i = 0; i < pending.samples; ++i) {
    samples.samples.push_back(static_cast<int64_t>(pending.first + i) % size);
  }
  const at::Tensor labels = labels_->Batch(data::Split::kTest, {samples});
  report_.set_correct(report_.correct() + classes.eq(labels).sum().item<int64_t>());
  done_samples_ += pending.samples;
  report_.set_samples(done_samples_);
  report_.set_seconds(now - start_seconds_);
  return absl::OkStatus();
}

}  // namespace semlink::receiver
