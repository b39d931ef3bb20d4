// The rate estimators of rate.h and their gradients for one mini-batch in CPU memory, in one pass
// over the pairs of samples. Internal to common/info.
#ifndef SEMLINK_COMMON_INFO_RATE_KERNELS_H_
#define SEMLINK_COMMON_INFO_RATE_KERNELS_H_

#include <cstdint>
#include <vector>

namespace semlink::info {

// One mini-batch, row-major [batch, dimension] each.
struct RateInput {
  const float* z;
  const float* mu;
  const float* sigma;
  int64_t batch;
  int64_t dimension;
};

// Gradients of the rate of one mini-batch, same shapes; must be zero on entry. Null: not wanted.
struct RateGradient {
  float* z = nullptr;
  float* mu = nullptr;
  float* sigma = nullptr;
};

// Memory that one thread reuses from mini-batch to mini-batch.
struct RateScratch {
  std::vector<float> inverse, log_sigma;    // [batch, dimension]: 1 / sigma, log sigma
  std::vector<float> weight;                // [batch, dimension] or [batch]
  std::vector<float> largest, others, sum;  // [dimension]
};

// Nats per sample. With d = dimension and l_ij(k) = log p(z_ik | x_jk):
//   marginal: sum over k of the mean over i of l_ii(k) - log((1/B) sum_j exp l_ij(k))
//   joint:    the same with l_ij = sum over k of l_ij(k), without the outer sum.
double MarginalRate(const RateInput& in, const RateGradient& gradient, RateScratch* scratch);
double JointRate(const RateInput& in, const RateGradient& gradient, RateScratch* scratch);

}  // namespace semlink::info

#endif  // SEMLINK_COMMON_INFO_RATE_KERNELS_H_
