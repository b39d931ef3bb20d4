#include "common/nn/gemm.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/rng.h"

namespace semlink::nn {
namespace {

at::Tensor Random(int64_t rows, int64_t columns, uint64_t id) {
  at::Tensor x = at::empty({rows, columns});
  RandomStream(7, Purpose::kSynthetic, 0, 0, id)
      .FillNormal(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));
  return x;
}

void ExpectProduct(const at::Tensor& a, const at::Tensor& b, const at::Tensor& storage,
                   const at::Tensor& c) {
  const at::Tensor before = c.to(at::kDouble);
  const at::Tensor product = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  const double tolerance = 1e-5 * (1 + product.abs().max().item<double>());
  const double outside = storage.sum().item<double>() - c.sum().item<double>();
  Gemm(a, b, Into::kAdd, c);
  EXPECT_LT((c.to(at::kDouble) - before - product).abs().max().item<double>(), 2 * tolerance);
  Gemm(a, b, Into::kReplace, c);
  EXPECT_LT((c.to(at::kDouble) - product).abs().max().item<double>(), tolerance);
  EXPECT_NEAR(storage.sum().item<double>() - c.sum().item<double>(), outside,
              1e-2 * (1 + std::abs(outside)));
}

TEST(GemmTest, AgreesWithDoubleForDenseStridedAndTransposedOperands) {
  for (const auto& [m, n, k] : std::vector<std::array<int64_t, 3>>{
           {33, 40, 24}, {1, 16, 7}, {16, 1, 7}, {5, 6, 1}, {1, 1, 1}, {129, 64, 65}}) {
    SCOPED_TRACE(testing::Message() << m << " " << n << " " << k);
    const at::Tensor wide = Random(m, n + 9, 1);
    const at::Tensor c = wide.narrow(1, 4, n);
    ExpectProduct(Random(m, k, 2), Random(k, n, 3), wide, c);
    ExpectProduct(Random(k, m, 2).t(), Random(n, k, 3).t(), wide, c);
    ExpectProduct(Random(m, k + 5, 2).narrow(1, 3, k), Random(n, k + 5, 3).narrow(1, 2, k).t(),
                  wide, c);
  }
}

TEST(GemmTest, TakesOperandsWithoutADenseAxis) {
  const at::Tensor a = Random(12, 20, 1).as_strided({6, 10}, {40, 2}, 0);
  const at::Tensor wide = Random(6, 8, 3);
  ExpectProduct(a, Random(10, 8, 2), wide, wide);
}

TEST(GemmTest, EmptyOperands) {
  const at::Tensor none = at::empty({0, 4});
  Gemm(at::empty({0, 3}), at::ones({3, 4}), Into::kReplace, none);
  const at::Tensor c = at::ones({2, 3});
  Gemm(at::empty({2, 0}), at::empty({0, 3}), Into::kAdd, c);
  EXPECT_EQ(c.sum().item<float>(), 6);
  Gemm(at::empty({2, 0}), at::empty({0, 3}), Into::kReplace, c);
  EXPECT_EQ(c.sum().item<float>(), 0);
}

TEST(GemmTest, CountsItsOperations) {
  const uint64_t before = ThreadFlops();
  at::Tensor c = at::empty({3, 5});
  Gemm(Random(3, 7, 1), Random(7, 5, 2), Into::kReplace, c);
  EXPECT_EQ(ThreadFlops() - before, 2u * 3 * 5 * 7);
  Gemm(Random(7, 3, 1).t(), Random(7, 5, 2), Into::kAdd, c);
  EXPECT_EQ(ThreadFlops() - before, 2u * 2 * 3 * 5 * 7);
  Gemm(at::empty({3, 0}), at::empty({0, 5}), Into::kReplace, c);
  EXPECT_EQ(ThreadFlops() - before, 2u * 2 * 3 * 5 * 7);
}

}  // namespace
}  // namespace semlink::nn
