#include "common/info/rate.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "common/info/rate_kernels.h"

namespace semlink::info {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The gradient of a mini-batch's rate is known up to a factor as soon as its weights are, so the
// forward pass computes it along the way and the backward pass only multiplies.
class RateOnCpu : public torch::autograd::Function<RateOnCpu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& z, const at::Tensor& mu,
                            const at::Tensor& sigma, RateEstimator estimator, bool differentiate) {
    const at::Tensor z_data = z.contiguous(), mu_data = mu.contiguous(),
                     sigma_data = sigma.contiguous();
    const int64_t groups = z.size(0), batch = z.size(1), dimension = z.size(2);
    const int64_t stride = batch * dimension;
    at::Tensor rates = at::empty({groups}, z.options());
    at::Tensor gradients;
    if (differentiate) gradients = at::zeros({3, groups, batch, dimension}, z.options());
    RateScratch scratch;
    for (int64_t g = 0; g < groups; ++g) {
      const RateInput in{z_data.data_ptr<float>() + g * stride,
                         mu_data.data_ptr<float>() + g * stride,
                         sigma_data.data_ptr<float>() + g * stride, batch, dimension};
      RateGradient gradient;
      if (differentiate) {
        float* base = gradients.data_ptr<float>() + g * stride;
        gradient = {base, base + groups * stride, base + 2 * groups * stride};
      }
      rates.data_ptr<float>()[g] = static_cast<float>(estimator == RateEstimator::kMarginal
                                                          ? MarginalRate(in, gradient, &scratch)
                                                          : JointRate(in, gradient, &scratch));
    }
    if (differentiate) context->save_for_backward({gradients});
    return rates;
  }

  static variable_list backward(AutogradContext* context, variable_list d_outputs) {
    const at::Tensor gradients = context->get_saved_variables()[0];
    const at::Tensor factor = d_outputs[0].view({-1, 1, 1});
    return {gradients[0] * factor, gradients[1] * factor, gradients[2] * factor, at::Tensor(),
            at::Tensor()};
  }
};

// Any device and precision; autograd differentiates it. Needs [G, B, B, d] elements of memory.
at::Tensor RateWithAten(RateEstimator estimator, const at::Tensor& z, const at::Tensor& mu,
                        const at::Tensor& sigma) {
  const at::Tensor t = (z.unsqueeze(2) - mu.unsqueeze(1)) / sigma.unsqueeze(1);
  at::Tensor density = -0.5 * t * t - sigma.log().unsqueeze(1);  // [G, i, j, d]
  if (estimator == RateEstimator::kJoint) density = density.sum(3, /*keepdim=*/true);
  const at::Tensor own = density.diagonal(0, 1, 2).transpose(1, 2);  // [G, i, d]
  const at::Tensor mixture =
      density.logsumexp({2}) - std::log(static_cast<double>(z.size(1)));  // [G, i, d]
  return (own - mixture).sum(2).mean(1);
}

void CheckShapes(const at::Tensor& z, const at::Tensor& mu, const at::Tensor& sigma) {
  TORCH_CHECK(
      z.dim() == 3 && z.size(1) > 0 && mu.sizes() == z.sizes() && sigma.sizes() == z.sizes(),
      "a rate needs z, mu and sigma of one shape [mini-batches, samples, dimension], got ",
      z.sizes(), ", ", mu.sizes(), " and ", sigma.sizes());
}

}  // namespace

at::Tensor Rate(RateEstimator estimator, const at::Tensor& z, const at::Tensor& mu,
                const at::Tensor& sigma) {
  CheckShapes(z, mu, sigma);
  const auto on_cpu = [](const at::Tensor& x) {
    return x.device().is_cpu() && x.scalar_type() == at::kFloat;
  };
  if (!on_cpu(z) || !on_cpu(mu) || !on_cpu(sigma)) return RateWithAten(estimator, z, mu, sigma);
  const bool differentiate = at::GradMode::is_enabled() &&
                             (z.requires_grad() || mu.requires_grad() || sigma.requires_grad());
  return RateOnCpu::apply(z, mu, sigma, estimator, differentiate);
}

double RateBound(RateEstimator estimator, int64_t batch, int64_t dimension) {
  const double bound = std::log(static_cast<double>(batch));
  return estimator == RateEstimator::kJoint ? bound : bound * static_cast<double>(dimension);
}

}  // namespace semlink::info
