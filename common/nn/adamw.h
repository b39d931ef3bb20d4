// AdamW (Loshchilov & Hutter, 2019) over flat parameter tensors, one pass over memory per step.
#ifndef SEMLINK_COMMON_NN_ADAMW_H_
#define SEMLINK_COMMON_NN_ADAMW_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace semlink::nn {

struct AdamWOptions {
  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-4;
};

// The optimiser of one flat parameter tensor. Agrees with torch::optim::AdamW.
class AdamW {
 public:
  // `parameters`: flat leaf [P]; the tensor is shared, not copied.
  AdamW(at::Tensor parameters, const AdamWOptions& options);

  // Steps with the accumulated gradient times `gradient_scale`, then clears the gradient (grad()
  // becomes undefined, which saves writing zeros: the next backward pass overwrites instead of
  // adding). Without a gradient (no backward since the last step): does nothing, not even decay.
  // `rate_factor` multiplies the learning rate (schedules).
  void Step(double gradient_scale = 1.0, double rate_factor = 1.0);

  // Forgets the accumulated gradient (an aborted window).
  void Discard();

  // Continues from a saved state: moments [P] as first_moment() and second_moment() gave them.
  // Throws c10::Error if the shapes differ.
  void Restore(const at::Tensor& first_moment, const at::Tensor& second_moment, int64_t steps);

  int64_t steps() const { return steps_; }
  const at::Tensor& first_moment() const { return m_; }
  const at::Tensor& second_moment() const { return v_; }

 private:
  at::Tensor parameters_;
  AdamWOptions options_;
  at::Tensor m_;
  at::Tensor v_;
  int64_t steps_ = 0;
};

// Scale that brings the joint L2 norm of the gradients of `parameters` to at most `max_norm` (1 if
// it is below).
double ClipScale(const std::vector<at::Tensor>& parameters, double max_norm);

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_ADAMW_H_
