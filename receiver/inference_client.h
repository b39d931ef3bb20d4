// Algorithm 2 at a receiver: asks for test samples over fixed links, decodes them, and measures.
#ifndef SEMLINK_RECEIVER_INFERENCE_CLIENT_H_
#define SEMLINK_RECEIVER_INFERENCE_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/data/dataset.h"
#include "common/scenario/scenario.h"
#include "receiver/decoder_bank.h"
#include "semlink/v1/message.pb.h"

namespace semlink::receiver {

class InferenceClient {
 public:
  // Sends to transmitter k. Whether it arrives shows in OnFeatures, or in Lose; an error is fatal.
  using Send = std::function<absl::Status(int k, v1::Message message)>;

  // links: granted, sorted by (k, m), without features. All pointers must outlive the client.
  InferenceClient(const Scenario& scenario, std::vector<ReceivedLink> links,
                  const DecoderBank* decoders, const data::LabelSource* labels, Clock* clock,
                  Send send);

  // Sends the first requests: `in_flight` of them at once.
  absl::Status Start(const v1::InferStart& start);

  // Takes the features of one request from transmitter k. INVALID_ARGUMENT: they do not fit what
  // was asked for.
  absl::Status OnFeatures(int k, const v1::Features& features);

  // Transmitter k can't be reached any more: what it owes, and all later samples, are decoded
  // without its links. Does nothing the second time.
  absl::Status Lose(int k);

  bool finished() const { return done_samples_ == start_.samples(); }
  const v1::InferReport& report() const { return report_; }

 private:
  struct Pending {
    double sent_seconds = 0;
    uint64_t first = 0;
    uint32_t samples = 0;
    std::map<int, std::vector<at::Tensor>> features;  // by k, in the order of the links
  };

  absl::Status SendNext();
  absl::Status Finish(uint64_t sequence);
  // Finishes what is complete and keeps `in_flight` requests under way.
  absl::Status Refill();
  bool Complete(const Pending& pending) const;

  Scenario scenario_;
  std::vector<ReceivedLink> links_;
  std::map<int, std::vector<int>> modalities_;  // by k that can be reached: the m of its links
  const DecoderBank* decoders_;
  const data::LabelSource* labels_;
  Clock* clock_;
  Send send_;
  v1::InferStart start_;
  double start_seconds_ = 0;
  uint64_t next_sequence_ = 0;
  uint64_t asked_samples_ = 0;
  uint64_t done_samples_ = 0;
  std::map<uint64_t, Pending> pending_;
  v1::InferReport report_;
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_INFERENCE_CLIENT_H_
