#include "common/info/knn_entropy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/rng.h"

namespace semlink::info {
namespace {

at::Tensor Normal(int64_t n, int64_t d, uint64_t id = 0) {
  at::Tensor x = at::empty({n, d}, at::kFloat);
  RandomStream(1, Purpose::kFault, 0, 0, id).FillNormal(x.data_ptr<float>(), x.numel());
  return x;
}

at::Tensor Uniform(int64_t n, int64_t d) {
  at::Tensor x = at::empty({n, d}, at::kFloat);
  RandomStream(2, Purpose::kFault).FillUniform(x.data_ptr<float>(), x.numel());
  return x;
}

// Of the standard normal distribution in d dimensions, nats.
double NormalEntropy(int64_t d) { return 0.5 * static_cast<double>(d) * std::log(2 * M_PI * M_E); }

// From the definition: all distances, sorted.
double Direct(const at::Tensor& z, int k) {
  const int64_t n = z.size(0), d = z.size(1);
  const at::Tensor x = z.to(at::kDouble);
  const at::Tensor distance = (x.unsqueeze(1) - x.unsqueeze(0)).square().sum(2).sqrt();
  const at::Tensor kth = std::get<0>(distance.sort(1)).select(1, k);  // 0 is the point itself
  const double volume =
      std::pow(M_PI, 0.5 * static_cast<double>(d)) / std::tgamma(0.5 * static_cast<double>(d) + 1);
  const double psi_n = at::digamma(at::scalar_tensor(static_cast<double>(n))).item<double>();
  const double psi_k = at::digamma(at::scalar_tensor(static_cast<double>(k))).item<double>();
  return psi_n - psi_k + std::log(volume) +
         static_cast<double>(d) * kth.clamp_min(kSmallestDistance).log().mean().item<double>();
}

TEST(KnnEntropyTest, IsItsDefinition) {
  for (const int64_t d : {1, 3, 24}) {
    for (const int k : {1, 5}) {
      const at::Tensor z = Normal(200, d);
      EXPECT_NEAR(KnnEntropy(z, k), Direct(z, k), 1e-3) << d << " dimensions, k = " << k;
    }
  }
}

TEST(KnnEntropyTest, ComesCloseToClosedForms) {
  EXPECT_NEAR(KnnEntropy(Normal(4000, 1)), NormalEntropy(1), 0.05);
  EXPECT_NEAR(KnnEntropy(Normal(4000, 2)), NormalEntropy(2), 0.05);
  EXPECT_NEAR(KnnEntropy(Normal(4000, 5)), NormalEntropy(5), 0.15);
  EXPECT_NEAR(KnnEntropy(Uniform(4000, 1)), 0, 0.05);
  EXPECT_NEAR(KnnEntropy(Uniform(4000, 2)), 0, 0.05);
}

// What is to be expected where it is used: 24 dimensions, a window of samples.
TEST(KnnEntropyTest, HighDimensionsAreOverestimatedByLittle) {
  const double bias = KnnEntropy(Normal(400, 24)) - NormalEntropy(24);
  EXPECT_GT(bias, 0);
  EXPECT_LT(bias, 0.1 * NormalEntropy(24));
}

TEST(KnnEntropyTest, FollowsScaleAndDependence) {
  const at::Tensor z = Normal(1000, 3);
  EXPECT_NEAR(KnnEntropy(z * 7) - KnnEntropy(z), 3 * std::log(7.0), 1e-4);
  EXPECT_NEAR(KnnEntropy(z + 5), KnnEntropy(z), 1e-3);
  // Correlation rho takes -log(1 - rho^2) / 2 away.
  const double rho = 0.9;
  at::Tensor pair = Normal(4000, 2);
  pair.select(1, 1).mul_(std::sqrt(1 - rho * rho)).add_(pair.select(1, 0), rho);
  EXPECT_NEAR(KnnEntropy(pair), NormalEntropy(2) + 0.5 * std::log(1 - rho * rho), 0.08);
}

TEST(KnnEntropyTest, EqualSamplesGiveALowButFiniteValue) {
  const at::Tensor same = at::ones({50, 4}, at::kFloat);
  const double h = KnnEntropy(same);
  EXPECT_TRUE(std::isfinite(h));
  EXPECT_LT(h, 4 * std::log(kSmallestDistance) + 10);
}

TEST(KnnEntropyTest, FewSamples) {
  EXPECT_EQ(KnnEntropy(Normal(1, 3)), 0);
  EXPECT_EQ(KnnEntropy(Normal(0, 3)), 0);
  EXPECT_NEAR(KnnEntropy(Normal(4, 3), 5), Direct(Normal(4, 3), 3), 1e-4);
  EXPECT_TRUE(std::isfinite(KnnEntropy(Normal(2, 3))));
}

TEST(KnnEntropyTest, WhatIsNotFiniteShows) {
  at::Tensor z = Normal(20, 3);
  z[7][1] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isnan(KnnEntropy(z)));
  EXPECT_THROW(KnnEntropy(at::ones({3}, at::kFloat)), c10::Error);
  EXPECT_THROW(KnnEntropy(at::ones({3, 2}, at::kDouble)), c10::Error);
}

}  // namespace
}  // namespace semlink::info
