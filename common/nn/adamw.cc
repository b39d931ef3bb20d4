#include "common/nn/adamw.h"

#include <cmath>
#include <utility>

#include "common/base/vectorize.h"

namespace semlink::nn {
namespace {

// The factors of one step, as torch::optim::AdamW computes them.
struct Factors {
  float gradient_scale;
  float decay;  // 1 - learning rate * weight decay
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float inverse_root_correction2;  // 1 / sqrt(1 - beta2^t)
  float epsilon;
  float step;  // learning rate / (1 - beta1^t)
};

SEMLINK_VECTORIZED void StepOnCpu(const Factors& f, int64_t n, float* __restrict p,
                                  const float* __restrict g, float* __restrict m,
                                  float* __restrict v) {
  const Factors k = f;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] * k.gradient_scale;
    const float first = m[i] * k.beta1 + gradient * k.one_minus_beta1;
    const float second = v[i] * k.beta2 + gradient * gradient * k.one_minus_beta2;
    m[i] = first;
    v[i] = second;
    p[i] = p[i] * k.decay -
           k.step * first / (std::sqrt(second) * k.inverse_root_correction2 + k.epsilon);
  }
}

void StepWithAten(const Factors& k, at::Tensor p, const at::Tensor& gradient, at::Tensor m,
                  at::Tensor v) {
  const at::Tensor g = gradient * k.gradient_scale;
  m.mul_(k.beta1).add_(g, k.one_minus_beta1);
  v.mul_(k.beta2).addcmul_(g, g, k.one_minus_beta2);
  p.mul_(k.decay).addcdiv_(m, v.sqrt().mul_(k.inverse_root_correction2).add_(k.epsilon), -k.step);
}

}  // namespace

AdamW::AdamW(at::Tensor parameters, const AdamWOptions& options)
    : parameters_(std::move(parameters)),
      options_(options),
      m_(at::zeros_like(parameters_.detach())),
      v_(at::zeros_like(parameters_.detach())) {
  TORCH_CHECK(parameters_.is_contiguous() && parameters_.scalar_type() == at::kFloat,
              "AdamW needs a dense float32 tensor, got ", parameters_.scalar_type(), " ",
              parameters_.sizes());
}

void AdamW::Step(double gradient_scale, double rate_factor) {
  const at::Tensor gradient = parameters_.grad();
  if (!gradient.defined()) return;
  ++steps_;
  const double rate = options_.learning_rate * rate_factor;
  const auto steps = static_cast<double>(steps_);
  Factors k;
  k.gradient_scale = static_cast<float>(gradient_scale);
  k.decay = static_cast<float>(1 - rate * options_.weight_decay);
  k.beta1 = static_cast<float>(options_.beta1);
  k.one_minus_beta1 = static_cast<float>(1 - options_.beta1);
  k.beta2 = static_cast<float>(options_.beta2);
  k.one_minus_beta2 = static_cast<float>(1 - options_.beta2);
  k.inverse_root_correction2 =
      static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps)));
  k.epsilon = static_cast<float>(options_.epsilon);
  k.step = static_cast<float>(rate / (1 - std::pow(options_.beta1, steps)));

  const at::Tensor flat = parameters_.detach();
  if (flat.device().is_cpu()) {
    StepOnCpu(k, flat.numel(), flat.data_ptr<float>(), gradient.contiguous().data_ptr<float>(),
              m_.data_ptr<float>(), v_.data_ptr<float>());
    // A backward pass through the old values must fail, as after any in-place operation.
    parameters_.unsafeGetTensorImpl()->bump_version();
  } else {
    StepWithAten(k, flat, gradient, m_, v_);
  }
  Discard();
}

void AdamW::Discard() { parameters_.mutable_grad().reset(); }

void AdamW::Restore(const at::Tensor& first_moment, const at::Tensor& second_moment,
                    int64_t steps) {
  TORCH_CHECK(
      first_moment.sizes() == m_.sizes() && second_moment.sizes() == v_.sizes() && steps >= 0,
      "AdamW over ", m_.sizes(), " cannot continue from moments ", first_moment.sizes(), " and ",
      second_moment.sizes(), " after ", steps, " steps");
  m_.copy_(first_moment);
  v_.copy_(second_moment);
  steps_ = steps;
}

double ClipScale(const std::vector<at::Tensor>& parameters, double max_norm) {
  double squares = 0;
  for (const at::Tensor& p : parameters) {
    const at::Tensor gradient = p.grad();
    if (!gradient.defined()) continue;
    const double norm = at::norm(gradient).item<double>();
    squares += norm * norm;
  }
  const double norm = std::sqrt(squares);
  return norm > max_norm ? max_norm / norm : 1.0;
}

}  // namespace semlink::nn
