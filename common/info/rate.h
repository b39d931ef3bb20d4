// Estimates of the information rate I(X;Z) of a Gaussian encoder inside a mini-batch (pom2dib eq.
// 17).
//
// With l_ij = log p(z_i | x_j), both estimators are the mean over i of l_ii - log((1/B) sum_j exp
// l_ij), through log-sum-exp.
//   joint:    l_ij is the log density of the whole vector. At most log B nats per vector.
//   marginal: l_ij is taken one dimension at a time and the estimates are summed (the reference
//   implementation). At most
//             log B nats per dimension, so d log B per vector.
// Both are biased down by the batch: neither can show a rate above its bound.
#ifndef SEMLINK_COMMON_INFO_RATE_H_
#define SEMLINK_COMMON_INFO_RATE_H_

#include <ATen/ATen.h>

#include "common/scenario/scenario.h"

namespace semlink::info {

// z, mu, sigma: [G, B, d], G independent mini-batches of B samples; sigma > 0 is a standard
// deviation. Returns [G], nats per sample, differentiable in z, mu and sigma.
at::Tensor Rate(RateEstimator estimator, const at::Tensor& z, const at::Tensor& mu,
                const at::Tensor& sigma);

// The bound named above: log B or d log B.
double RateBound(RateEstimator estimator, int64_t batch, int64_t dimension);

}  // namespace semlink::info

#endif  // SEMLINK_COMMON_INFO_RATE_H_
