// The decoders of one receiver (pom2dib eq. 5, 18, 19; design section 3, "Networks" and "Loss"):
//
//   z of every active link --> its slot of J, the others absent --> fused decoder --> classes
//   z of one link, e_(k,m) ---------------------------------------> local decoder --> classes
//   (training only)
//
// L_t of a round = CE(fused) + beta * sum over its links of (CE(local) + I(X;Z)) + gamma * links.
// In a window that measures single links: sum over its links of (CE(local) + beta * I(X;Z)) + gamma
// * links, so that each link is learned alone. Methods whose rate is no part of the loss (the
// baseline DLSC) have CE(fused) + gamma * links, and no use for the local decoder.
#ifndef SEMLINK_RECEIVER_DECODER_BANK_H_
#define SEMLINK_RECEIVER_DECODER_BANK_H_

#include <ATen/ATen.h>

#include <vector>

#include "common/method/window_plan.h"
#include "common/nn/adamw.h"
#include "common/nn/base_network.h"
#include "common/scenario/scenario.h"

namespace semlink::receiver {

// The features of one link as they arrived: rounds (ascending) stacked.
struct ReceivedLink {
  int k = 0;
  int m = 0;
  std::vector<uint32_t> rounds;
  at::Tensor z;                  // [rows, d]
  std::vector<float> rate_nats;  // per round
};

struct WindowResult {
  std::vector<float> loss;   // TRAIN, and EVALUATE with evaluation.score: L_t per round
  std::vector<int> links;    // per round
  double cross_entropy = 0;  // fused, mean over samples, nats
  int64_t correct = 0;
  int64_t samples = 0;
  // TRAIN: dL_t/dz per link, summed over nothing: each row belongs to one round.
  std::vector<at::Tensor> dz;
  // TRAIN, where local decoders are trained: mean over the link's samples, nats, per link.
  std::vector<double> local_cross_entropy;
  // TRAIN, in a window that measures single links: of the labels' frequencies in it, nats.
  double label_entropy = 0;
};

class DecoderBank {
 public:
  DecoderBank(const Scenario& scenario, int t);

  // One pass over all rounds of the window. links sorted by (k, m); labels int64 [rows of the
  // plan]. In a TRAIN window also adds the decoders' gradients of sum over rounds of L_t. In an
  // EVALUATE window the local decoders run only if evaluation.score asks for L_t, the summand of
  // the task-modality score (TADIB section V-B, eq. 4).
  WindowResult Run(const method::WindowPlan& plan, const std::vector<ReceivedLink>& links,
                   const at::Tensor& labels);

  // Class of each of `samples` rows from one-round links (Algorithm 2, step 13): int64 [samples].
  at::Tensor Classify(const std::vector<ReceivedLink>& links, int64_t samples) const;

  void Step(double rate_factor);
  void Discard();

  nn::BaseNetwork& fused() { return fused_; }
  nn::BaseNetwork& local() { return local_; }
  nn::AdamW& fused_optimizer() { return fused_optimizer_; }
  nn::AdamW& local_optimizer() { return local_optimizer_; }

 private:
  // What comes after the fused cross-entropy `ce` [rows] in a TRAIN window: losses and gradients.
  void Learn(const method::WindowPlan& plan, const std::vector<ReceivedLink>& links,
             const std::vector<at::Tensor>& rows, const at::Tensor& labels, const at::Tensor& z,
             const at::Tensor& ce, WindowResult* result);
  // L_t of the rounds of an EVALUATE window, whose last one may be shorter.
  void Score(const method::WindowPlan& plan, const std::vector<ReceivedLink>& links,
             const std::vector<at::Tensor>& rows, const at::Tensor& labels, const at::Tensor& z,
             const at::Tensor& ce, WindowResult* result) const;
  // Cross-entropy of the local decoder: [all rows of all links].
  at::Tensor LocalCrossEntropy(const std::vector<ReceivedLink>& links,
                               const std::vector<at::Tensor>& rows, const at::Tensor& labels,
                               const at::Tensor& z) const;
  // Logits of the fused decoder: z [all rows of all links, d], rows[i] the rows of link i in a
  // batch of `samples`.
  at::Tensor Fuse(const std::vector<ReceivedLink>& links, const at::Tensor& z,
                  const std::vector<at::Tensor>& rows, int64_t samples) const;
  int64_t slot_width() const;

  Scenario scenario_;
  bool trains_local_;
  at::Device device_;
  at::Tensor modality_embedding_;  // [J, d]
  nn::BaseNetwork fused_;
  nn::BaseNetwork local_;
  nn::AdamW fused_optimizer_;
  nn::AdamW local_optimizer_;
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_DECODER_BANK_H_
