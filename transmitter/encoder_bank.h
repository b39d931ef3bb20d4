// The encoders of one transmitter (pom2dib eq. 1 and section V-B.2):
//
//   x_k^m ---+
//            +--> Base --> (mu, s), sigma = softplus(s - 5), z = mu + sigma * epsilon
//   e_t -----+
//
// A deterministic encoder (the baseline DLSC) has z in the place of mu, and no s. Its rate is the
// differential entropy of its codes, which is no part of the loss.
//
// One network per modality, shared by all tasks through the task embedding e_t. All links and
// rounds of a window go through each network in one pass.
#ifndef SEMLINK_TRANSMITTER_ENCODER_BANK_H_
#define SEMLINK_TRANSMITTER_ENCODER_BANK_H_

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/data/dataset.h"
#include "common/method/window_plan.h"
#include "common/nn/adamw.h"
#include "common/nn/base_network.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::transmitter {

// A link of this transmitter and the rounds (ascending) in which it is used.
struct ActiveLink {
  int m = 0;
  int t = 0;
  std::vector<uint32_t> rounds;

  friend bool operator==(const ActiveLink& a, const ActiveLink& b) {
    return a.m == b.m && a.t == b.t && a.rounds == b.rounds;
  }
};

// What the encoders made for one link: rounds stacked.
struct EncodedLink {
  ActiveLink link;
  at::Tensor z;                  // [rows, d], detached, CPU
  std::vector<float> rate_nats;  // per round
};

class EncoderBank {
 public:
  // Opens the modalities of transmitter k and builds its encoders on its device.
  static absl::StatusOr<std::unique_ptr<EncoderBank>> Create(const Scenario& scenario, int k);

  // Encodes `links`, sorted by (m, t). Keeps the graph of a TRAIN window for Backward, replacing
  // the one before.
  std::vector<EncodedLink> Encode(const method::WindowPlan& plan,
                                  const std::vector<ActiveLink>& links);

  // Encodes test samples of one link outside any window (Algorithm 2): [samples, d].
  at::Tensor EncodeSamples(const method::WindowPlan& plan, int m, int t, uint64_t sequence,
                           int64_t first_sample, int64_t samples);

  // dz[i] [rows, d] of the i-th link of the last Encode; undefined: none came, so that the link
  // counts for nothing. Adds the encoders' gradients of sum(dz . z) + beta * sum over rounds of
  // I(X;Z).
  void Backward(const std::vector<at::Tensor>& dz);

  // One optimiser step of the encoders that got a gradient; the others stay as they are.
  void Step(double rate_factor);
  void Discard();
  // Fresh networks and optimisers, as after Create. The data stay open.
  void Reset();

  int64_t test_size() const { return modalities_.front()->size(data::Split::kTest); }
  int64_t train_size() const { return modalities_.front()->size(data::Split::kTrain); }
  std::vector<nn::BaseNetwork>& networks() { return networks_; }
  std::vector<nn::AdamW>& optimizers() { return optimizers_; }

 private:
  // One modality's pass. In a TRAIN window the graph that Backward starts from.
  struct Pass {
    at::Tensor z;     // [rows of all links of the modality, d]
    at::Tensor mean;  // the same, without noise
    at::Tensor rate;  // [rounds of all links of the modality]; without a graph: not in the loss
  };

  EncoderBank(const Scenario& scenario, int k);
  void EncodeModality(const method::WindowPlan& plan, const std::vector<ActiveLink>& links, int m,
                      std::vector<EncodedLink>* out);
  Pass GaussianPass(const method::WindowPlan& plan, const std::vector<const ActiveLink*>& links,
                    const at::Tensor& output) const;
  Pass DeterministicPass(const method::WindowPlan& plan,
                         const std::vector<const ActiveLink*>& links,
                         const at::Tensor& output) const;
  at::Tensor Noise(const method::WindowPlan& plan, const ActiveLink& link) const;
  uint64_t LinkKey(int m, int t) const;

  Scenario scenario_;
  int k_;
  bool deterministic_;
  at::Device device_;
  at::Tensor task_embedding_;  // [T, d]
  std::vector<std::unique_ptr<data::ModalitySource>> modalities_;
  std::vector<nn::BaseNetwork> networks_;
  std::vector<nn::AdamW> optimizers_;
  std::map<int, Pass> passes_;  // by modality
  std::vector<ActiveLink> encoded_;
  std::vector<int64_t> rows_;  // of encoded_
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TRANSMITTER_ENCODER_BANK_H_
