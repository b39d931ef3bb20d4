#include "common/info/knn_entropy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nanoflann.hpp>
#include <vector>

namespace semlink::info {
namespace {

// What nanoflann asks of a set of points.
struct Rows {
  const float* data;
  size_t rows;
  size_t columns;

  size_t kdtree_get_point_count() const { return rows; }
  float kdtree_get_pt(size_t row, size_t column) const { return data[row * columns + column]; }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;  // nanoflann finds it
  }
};

using Tree =
    nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<float, Rows, double, size_t>,
                                        Rows, -1, size_t>;

// psi(n) for a positive integer.
double Digamma(int64_t n) {
  constexpr double kEulerGamma = 0.57721566490153286060651209008240243;
  double sum = -kEulerGamma;
  for (int64_t i = 1; i < n; ++i) sum += 1.0 / static_cast<double>(i);
  return sum;
}

double LogUnitBall(int64_t d) {
  constexpr double kLogPi = 1.14472988584940017414342735135305871;
  const double half = static_cast<double>(d) / 2;
  return half * kLogPi - std::lgamma(half + 1);
}

}  // namespace

double KnnEntropy(const at::Tensor& z, int k) {
  TORCH_CHECK(z.dim() == 2 && z.size(1) > 0 && z.scalar_type() == at::kFloat && k >= 1,
              "an entropy needs float32 samples [n, d] and k >= 1, got ", z.sizes(), " and ", k);
  const int64_t n = z.size(0), d = z.size(1);
  if (n < 2) return 0;
  if (!at::isfinite(z).all().item<bool>()) return std::numeric_limits<double>::quiet_NaN();
  const at::Tensor dense = z.contiguous();
  const Rows rows{dense.data_ptr<float>(), static_cast<size_t>(n), static_cast<size_t>(d)};
  // Large leaves: in many dimensions the tree prunes little, and a leaf is a plain loop.
  constexpr size_t kLeaf = 32;
  Tree tree(static_cast<int>(d), rows, nanoflann::KDTreeSingleIndexAdaptorParams(kLeaf));

  const int64_t neighbours = std::min<int64_t>(k, n - 1);
  // One more: the nearest point of each is itself.
  std::vector<size_t> index(neighbours + 1);
  std::vector<double> squared(neighbours + 1);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    tree.knnSearch(rows.data + i * d, index.size(), index.data(), squared.data());
    sum += std::log(std::max(std::sqrt(squared.back()), kSmallestDistance));
  }
  return Digamma(n) - Digamma(neighbours) + LogUnitBall(d) +
         static_cast<double>(d) * sum / static_cast<double>(n);
}

}  // namespace semlink::info
