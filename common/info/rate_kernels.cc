#include "common/info/rate_kernels.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/vectorize.h"

// Gradients in closed form. With t_ij = (z_i - mu_j) / sigma_j, w_ij the softmax of l_ij over j,
// and c_ij = (1[i = j] - w_ij) / B:
//   dI/dz_i = sum_j -c_ij t_ij / sigma_j,  dI/dmu_j = sum_i c_ij t_ij / sigma_j,
//   dI/dsigma_j = sum_i c_ij (t_ij^2 - 1) / sigma_j.
// Terms that do not depend on j (log 2 pi) cancel and are left out.

namespace semlink::info {
namespace {

// exp(x) for x <= 0, within 2 units in the last place; 0 below -87. Cephes' polynomial, written out
// so that a loop over it vectorises (std::exp does not without -ffast-math).
inline __attribute__((always_inline)) float ExpOfNonPositive(float x) {
  constexpr float kLowest = -87.0f;
  const float y = x > kLowest ? x : kLowest;
  // Adding 1.5 * 2^23 rounds y / log 2 to an integer and leaves it in the low bits.
  constexpr float kRound = 12582912.0f;
  const float shifted = y * 1.44269504088896341f + kRound;
  const float n = shifted - kRound;
  const float r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = static_cast<int32_t>((static_cast<uint32_t>(bits) + 127u) << 23);
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return x > kLowest ? p * power : 0.0f;
}

void Prepare(const RateInput& in, RateScratch* s) {
  const auto n = static_cast<std::size_t>(in.batch * in.dimension);
  s->inverse.resize(n);
  s->log_sigma.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    s->inverse[i] = 1.0f / in.sigma[i];
    s->log_sigma[i] = std::log(in.sigma[i]);
  }
}

// weight[j] = l_ij for all j, dimension by dimension; largest = their maximum over j.
SEMLINK_VECTORIZED void MarginalDensities(const RateInput& in, const float* __restrict z,
                                          const float* __restrict inverse,
                                          const float* __restrict log_sigma,
                                          float* __restrict weight, float* __restrict largest) {
  const int64_t d = in.dimension;
  for (int64_t k = 0; k < d; ++k) largest[k] = -std::numeric_limits<float>::infinity();
  for (int64_t j = 0; j < in.batch; ++j) {
    const float* __restrict mu = in.mu + j * d;
#pragma omp simd
    for (int64_t k = 0; k < d; ++k) {
      const float t = (z[k] - mu[k]) * inverse[j * d + k];
      const float l = -0.5f * t * t - log_sigma[j * d + k];
      weight[j * d + k] = l;
      largest[k] = largest[k] > l ? largest[k] : l;
    }
  }
}

// weight = exp(weight - largest), others = its sum over j without i.
SEMLINK_VECTORIZED void MarginalWeights(int64_t batch, int64_t d, int64_t i,
                                        const float* __restrict largest, float* __restrict weight,
                                        float* __restrict others) {
  for (int64_t k = 0; k < d; ++k) others[k] = 0;
  for (int64_t j = 0; j < batch; ++j) {
    float* __restrict row = weight + j * d;
    const float counted = i == j ? 0.0f : 1.0f;
#pragma omp simd
    for (int64_t k = 0; k < d; ++k) {
      row[k] = ExpOfNonPositive(row[k] - largest[k]);
      others[k] += counted * row[k];
    }
  }
}

// Adds the part of sample i. coefficient[j] = B c_ij: -w_ij, and 1 - w_ii for j = i.
SEMLINK_VECTORIZED void MarginalGradient(const RateInput& in, int64_t i,
                                         const float* __restrict inverse,
                                         const float* __restrict coefficient, float* __restrict dz,
                                         float* __restrict dmu, float* __restrict dsigma) {
  const int64_t d = in.dimension;
  const float share = 1.0f / static_cast<float>(in.batch);
  const float* __restrict z = in.z + i * d;
  float* __restrict dz_row = dz + i * d;
  for (int64_t j = 0; j < in.batch; ++j) {
    const float* __restrict mu = in.mu + j * d;
    const float* __restrict inv = inverse + j * d;
    const float* __restrict row = coefficient + j * d;
    float* __restrict dmu_row = dmu + j * d;
    float* __restrict dsigma_row = dsigma + j * d;
#pragma omp simd
    for (int64_t k = 0; k < d; ++k) {
      const float t = (z[k] - mu[k]) * inv[k];
      const float c = share * row[k] * inv[k];
      const float ct = c * t;
      dz_row[k] -= ct;
      dmu_row[k] += ct;
      dsigma_row[k] += ct * t - c;
    }
  }
}

// From the weights of sample i to its coefficients. 1 - w_ii is the sum of the others' shares, not
// a difference: it stays accurate where the rate nears its bound and w_ii nears 1.
SEMLINK_VECTORIZED void MarginalCoefficients(int64_t batch, int64_t d, int64_t i,
                                             const float* __restrict others,
                                             const float* __restrict sum,
                                             float* __restrict weight) {
  for (int64_t j = 0; j < batch; ++j) {
    float* __restrict row = weight + j * d;
    if (j == i) {
#pragma omp simd
      for (int64_t k = 0; k < d; ++k) row[k] = others[k] / sum[k];
    } else {
#pragma omp simd
      for (int64_t k = 0; k < d; ++k) row[k] = -row[k] / sum[k];
    }
  }
}

// weight[j] = l_ij of the whole vector. Returns the largest.
SEMLINK_VECTORIZED float JointDensities(const RateInput& in, const float* __restrict z,
                                        const float* __restrict inverse,
                                        const float* __restrict log_sigma,
                                        float* __restrict weight) {
  const int64_t d = in.dimension;
  float largest = -std::numeric_limits<float>::infinity();
  for (int64_t j = 0; j < in.batch; ++j) {
    const float* __restrict mu = in.mu + j * d;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < d; ++k) {
      const float t = (z[k] - mu[k]) * inverse[j * d + k];
      sum += -0.5f * t * t - log_sigma[j * d + k];
    }
    weight[j] = sum;
    largest = largest > sum ? largest : sum;
  }
  return largest;
}

// weight = exp(weight - largest). Returns its sum over j without i.
SEMLINK_VECTORIZED float JointWeights(int64_t batch, int64_t i, float largest,
                                      float* __restrict weight) {
  float others = 0;
#pragma omp simd reduction(+ : others)
  for (int64_t j = 0; j < batch; ++j) {
    weight[j] = ExpOfNonPositive(weight[j] - largest);
    others += i == j ? 0.0f : weight[j];
  }
  return others;
}

SEMLINK_VECTORIZED void JointGradient(const RateInput& in, int64_t i,
                                      const float* __restrict inverse,
                                      const float* __restrict weight, float others,
                                      float* __restrict dz, float* __restrict dmu,
                                      float* __restrict dsigma) {
  const int64_t d = in.dimension;
  const float* __restrict z = in.z + i * d;
  float* __restrict dz_row = dz + i * d;
  const float scale = 1.0f / ((others + weight[i]) * static_cast<float>(in.batch));
  for (int64_t j = 0; j < in.batch; ++j) {
    const float coefficient = scale * (i == j ? others : -weight[j]);
    if (coefficient == 0) continue;
    const float* __restrict mu = in.mu + j * d;
    const float* __restrict inv = inverse + j * d;
    float* __restrict dmu_row = dmu + j * d;
    float* __restrict dsigma_row = dsigma + j * d;
#pragma omp simd
    for (int64_t k = 0; k < d; ++k) {
      const float t = (z[k] - mu[k]) * inv[k];
      const float c = coefficient * inv[k];
      const float ct = c * t;
      dz_row[k] -= ct;
      dmu_row[k] += ct;
      dsigma_row[k] += ct * t - c;
    }
  }
}

}  // namespace

double MarginalRate(const RateInput& in, const RateGradient& gradient, RateScratch* s) {
  const auto d = static_cast<std::size_t>(in.dimension);
  Prepare(in, s);
  s->weight.resize(static_cast<std::size_t>(in.batch) * d);
  s->largest.resize(d);
  s->others.resize(d);
  s->sum.resize(d);
  float* const weight = s->weight.data();
  double total = 0;
  for (int64_t i = 0; i < in.batch; ++i) {
    const float* const own = weight + i * in.dimension;
    MarginalDensities(in, in.z + i * in.dimension, s->inverse.data(), s->log_sigma.data(), weight,
                      s->largest.data());
    for (std::size_t k = 0; k < d; ++k) total += own[k] - s->largest[k];
    MarginalWeights(in.batch, in.dimension, i, s->largest.data(), weight, s->others.data());
    for (std::size_t k = 0; k < d; ++k) {
      s->sum[k] = s->others[k] + own[k];
      total -= std::log(s->sum[k]);
    }
    if (gradient.z == nullptr) continue;
    MarginalCoefficients(in.batch, in.dimension, i, s->others.data(), s->sum.data(), weight);
    MarginalGradient(in, i, s->inverse.data(), weight, gradient.z, gradient.mu, gradient.sigma);
  }
  const auto batch = static_cast<double>(in.batch);
  return total / batch + static_cast<double>(d) * std::log(batch);
}

double JointRate(const RateInput& in, const RateGradient& gradient, RateScratch* s) {
  Prepare(in, s);
  s->weight.resize(static_cast<std::size_t>(in.batch));
  float* const weight = s->weight.data();
  double total = 0;
  for (int64_t i = 0; i < in.batch; ++i) {
    const float largest =
        JointDensities(in, in.z + i * in.dimension, s->inverse.data(), s->log_sigma.data(), weight);
    total += weight[i] - largest;
    const float others = JointWeights(in.batch, i, largest, weight);
    total -= std::log(others + weight[i]);
    if (gradient.z == nullptr) continue;
    JointGradient(in, i, s->inverse.data(), weight, others, gradient.z, gradient.mu,
                  gradient.sigma);
  }
  const auto batch = static_cast<double>(in.batch);
  return total / batch + std::log(batch);
}

}  // namespace semlink::info
