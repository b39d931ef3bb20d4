#include "common/info/rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "common/base/rng.h"

namespace semlink::info {
namespace {

at::Tensor Normal(at::IntArrayRef shape, uint64_t id) {
  at::Tensor x = at::empty(shape);
  RandomStream(5, Purpose::kSynthetic, 0, 0, id)
      .FillNormal(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));
  return x;
}

// mu, sigma and a sample z of each, [groups, batch, dimension].
struct Sample {
  at::Tensor z, mu, sigma;
};

Sample Draw(int64_t groups, int64_t batch, int64_t dimension, double typical_sigma = 0.5) {
  Sample s;
  s.mu = Normal({groups, batch, dimension}, 1);
  s.sigma = typical_sigma * (0.5 * Normal({groups, batch, dimension}, 2)).exp();
  s.z = s.mu + s.sigma * Normal({groups, batch, dimension}, 3);
  return s;
}

// Straight from the definition, in long double and without log-sum-exp where it can do without.
double NaiveRate(RateEstimator estimator, const at::Tensor& z, const at::Tensor& mu,
                 const at::Tensor& sigma) {
  const int64_t batch = z.size(0), d = z.size(1);
  const auto at = [d](const at::Tensor& x, int64_t i, int64_t k) {
    return static_cast<long double>(x.data_ptr<double>()[i * d + k]);
  };
  const auto log_density = [&](int64_t i, int64_t j, int64_t k) {
    const long double t = (at(z, i, k) - at(mu, j, k)) / at(sigma, j, k);
    return -t * t / 2 - std::log(at(sigma, j, k)) - std::log(2 * std::acos(-1.0L)) / 2;
  };
  // One pass over all dimensions for the joint density, one per dimension for the marginal ones.
  const bool joint = estimator == RateEstimator::kJoint;
  long double total = 0;
  for (int64_t part = 0; part < (joint ? 1 : d); ++part) {
    const int64_t first = joint ? 0 : part, last = joint ? d : part + 1;
    for (int64_t i = 0; i < batch; ++i) {
      long double mixture = 0, own = 0;
      for (int64_t j = 0; j < batch; ++j) {
        long double l = 0;
        for (int64_t k = first; k < last; ++k) l += log_density(i, j, k);
        mixture += std::exp(l) / batch;
        if (i == j) own = l;
      }
      total += (own - std::log(mixture)) / batch;
    }
  }
  return static_cast<double>(total);
}

double NaiveRate(RateEstimator estimator, const Sample& s, int64_t group) {
  return NaiveRate(estimator, s.z[group].to(at::kDouble).contiguous(),
                   s.mu[group].to(at::kDouble).contiguous(),
                   s.sigma[group].to(at::kDouble).contiguous());
}

class RateTest : public testing::TestWithParam<RateEstimator> {};

TEST_P(RateTest, AgreesWithTheDefinition) {
  for (const int64_t dimension : {1, 3, 24}) {
    const Sample s = Draw(3, 20, dimension);
    const at::Tensor fused = Rate(GetParam(), s.z, s.mu, s.sigma);
    const at::Tensor generic =
        Rate(GetParam(), s.z.to(at::kDouble), s.mu.to(at::kDouble), s.sigma.to(at::kDouble));
    ASSERT_EQ(fused.sizes(), at::IntArrayRef({3}));
    for (int64_t g = 0; g < 3; ++g) {
      const double expected = NaiveRate(GetParam(), s, g);
      EXPECT_NEAR(fused[g].item<double>(), expected, 1e-5 * (1 + expected)) << dimension;
      EXPECT_NEAR(generic[g].item<double>(), expected, 1e-9 * (1 + expected)) << dimension;
    }
  }
}

// Gradients of the weighted sum of the rates, by the precision of the inputs given.
Sample Gradients(RateEstimator estimator, const Sample& s, at::ScalarType type) {
  const auto leaf = [type](const at::Tensor& x) {
    return x.to(type, /*non_blocking=*/false, /*copy=*/true).set_requires_grad(true);
  };
  const Sample leaves = {leaf(s.z), leaf(s.mu), leaf(s.sigma)};
  const at::Tensor weights = at::arange(1, s.z.size(0) + 1, type);
  (Rate(estimator, leaves.z, leaves.mu, leaves.sigma) * weights).sum().backward();
  return {leaves.z.grad(), leaves.mu.grad(), leaves.sigma.grad()};
}

TEST_P(RateTest, GradientsAreThoseOfTheDefinition) {
  const Sample s = Draw(2, 7, 5);
  const Sample fused = Gradients(GetParam(), s, at::kFloat);
  const auto check = [&](const at::Tensor Sample::*which, const char* name) {
    for (const int64_t at : {0, 17, 34}) {
      Sample moved[2];
      constexpr double kStep = 1e-4;
      double values[2];
      for (int side = 0; side < 2; ++side) {
        moved[side] = {s.z[1].to(at::kDouble).contiguous(), s.mu[1].to(at::kDouble).contiguous(),
                       s.sigma[1].to(at::kDouble).contiguous()};
        (moved[side].*which).data_ptr<double>()[at] += side == 0 ? kStep : -kStep;
        values[side] = NaiveRate(GetParam(), moved[side].z, moved[side].mu, moved[side].sigma);
      }
      const double expected = 2 * (values[0] - values[1]) / (2 * kStep);  // weight of group 1 is 2
      EXPECT_NEAR((fused.*which)[1].view({-1})[at].item<double>(), expected,
                  1e-4 * (1 + std::abs(expected)))
          << name << " at " << at;
    }
  };
  check(&Sample::z, "z");
  check(&Sample::mu, "mu");
  check(&Sample::sigma, "sigma");
}

TEST_P(RateTest, FusedAndGenericGradientsAgree) {
  // Wide enough that joint densities overlap: saturated, the gradient vanishes and the generic path
  // loses it in 1 - w_ii.
  const Sample s = Draw(4, 20, 24, /*typical_sigma=*/2);
  const Sample fused = Gradients(GetParam(), s, at::kFloat);
  const Sample generic = Gradients(GetParam(), s, at::kDouble);
  const auto relative = [](const at::Tensor& a, const at::Tensor& b) {
    return ((a.to(at::kDouble) - b).norm() / b.norm()).item<double>();
  };
  EXPECT_LT(relative(fused.z, generic.z), 1e-5);
  EXPECT_LT(relative(fused.mu, generic.mu), 1e-5);
  EXPECT_LT(relative(fused.sigma, generic.sigma), 1e-5);
}

// Two samples `gap` deviations apart: the gradient of a nearly saturated rate is exp(-gap^2 / 2)
// small, and still accurate.
TEST_P(RateTest, SaturatedGradientsKeepTheirDigits) {
  const double gap = 6;
  Sample s = {at::tensor({0.0f, 6.0f}).view({1, 2, 1}), at::tensor({0.0f, 6.0f}).view({1, 2, 1}),
              at::ones({1, 2, 1})};
  const Sample gradient = Gradients(GetParam(), s, at::kFloat);
  // dI/dz_0 = -(1/2) (w_01 gap), w_01 = 1 / (1 + exp(gap^2 / 2)).
  const double expected = -0.5 * gap / (1 + std::exp(gap * gap / 2));
  EXPECT_NEAR(gradient.z[0][0][0].item<double>() / expected, 1, 1e-5);
}

TEST_P(RateTest, GivesGradientsOnlyWhereTheyAreAskedFor) {
  const Sample s = Draw(2, 6, 3);
  EXPECT_FALSE(Rate(GetParam(), s.z, s.mu, s.sigma).requires_grad());
  const at::Tensor mu = s.mu.clone().set_requires_grad(true);
  Rate(GetParam(), s.z, mu, s.sigma).sum().backward();
  EXPECT_GT(mu.grad().abs().sum().item<double>(), 0);
  EXPECT_FALSE(s.z.grad().defined());
}

// x ~ N(0, 1), z = x + sigma n: I(X;Z) = log(1 + 1 / sigma^2) / 2.
TEST_P(RateTest, ApproachesTheGaussianChannelFromALargeBatch) {
  const int64_t batch = 1000;
  for (const double sigma : {0.5, 1.0, 3.0}) {
    const at::Tensor mu = Normal({8, batch, 1}, 1);
    const at::Tensor deviation = at::full_like(mu, sigma);
    const at::Tensor z = mu + deviation * Normal({8, batch, 1}, 2);
    const double estimate = Rate(GetParam(), z, mu, deviation).mean().item<double>();
    EXPECT_NEAR(estimate, 0.5 * std::log1p(1 / (sigma * sigma)), 0.02) << sigma;
  }
}

TEST_P(RateTest, ReachesItsBoundAndDoesNotPassIt) {
  const Sample s = Draw(5, 20, 6, /*typical_sigma=*/1e-4);
  const double bound = RateBound(GetParam(), 20, 6);
  const at::Tensor rate = Rate(GetParam(), s.z, s.mu, s.sigma);
  EXPECT_LE(rate.max().item<double>(), bound * (1 + 1e-6));
  EXPECT_GE(rate.min().item<double>(), bound * 0.98);
}

TEST_P(RateTest, ExtremeDeviationsStayFinite) {
  for (const double sigma : {1e-4, 1e3}) {
    Sample s = Draw(3, 20, 24, sigma);
    // Once as drawn, once with every sample far from every mean.
    for (int far = 0; far < 2; ++far) {
      if (far == 1) s.z = s.z + 100;
      const at::Tensor rate = Rate(GetParam(), s.z, s.mu, s.sigma);
      EXPECT_TRUE(rate.isfinite().all().item<bool>()) << sigma << " " << far;
      const Sample gradient = Gradients(GetParam(), s, at::kFloat);
      EXPECT_TRUE(gradient.z.isfinite().all().item<bool>()) << sigma << " " << far;
      EXPECT_TRUE(gradient.mu.isfinite().all().item<bool>()) << sigma << " " << far;
      EXPECT_TRUE(gradient.sigma.isfinite().all().item<bool>()) << sigma << " " << far;
    }
  }
}

TEST_P(RateTest, ANotANumberIsNotHidden) {
  Sample s = Draw(2, 5, 3);
  s.z[1][2][1] = std::nanf("");
  const at::Tensor rate = Rate(GetParam(), s.z, s.mu, s.sigma);
  EXPECT_TRUE(std::isfinite(rate[0].item<float>()));
  EXPECT_TRUE(std::isnan(rate[1].item<float>()));
}

TEST_P(RateTest, OneSampleCarriesNothing) {
  const Sample s = Draw(2, 1, 4);
  EXPECT_LT(Rate(GetParam(), s.z, s.mu, s.sigma).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(RateBound(GetParam(), 1, 4), 0);
}

TEST_P(RateTest, RefusesUnequalShapes) {
  const Sample s = Draw(2, 5, 3);
  EXPECT_THROW(Rate(GetParam(), s.z[0], s.mu[0], s.sigma[0]), c10::Error);
  EXPECT_THROW(Rate(GetParam(), s.z, s.mu.narrow(2, 0, 1), s.sigma), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Estimators, RateTest,
                         testing::Values(RateEstimator::kMarginal, RateEstimator::kJoint),
                         [](const auto& param) {
                           return param.param == RateEstimator::kJoint ? "joint" : "marginal";
                         });

TEST(RateBoundTest, IsLogBatchOncePerVectorOrOncePerDimension) {
  EXPECT_DOUBLE_EQ(RateBound(RateEstimator::kJoint, 20, 24), std::log(20.0));
  EXPECT_DOUBLE_EQ(RateBound(RateEstimator::kMarginal, 20, 24), 24 * std::log(20.0));
}

}  // namespace
}  // namespace semlink::info
