#include "bench/sgemm_peak.h"

#include <ATen/ATen.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "common/nn/gemm.h"

namespace semlink::bench {

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double BestSeconds(const std::function<void()>& work, int repeats) {
  work();
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i) {
    const double start = ThreadSeconds();
    work();
    best = std::min(best, ThreadSeconds() - start);
  }
  return best;
}

GemmRate MeasureGemm(const GemmShape& shape, int repeats) {
  const at::Tensor a = at::ones({shape.m, shape.k});
  const at::Tensor b = at::ones({shape.k, shape.n});
  at::Tensor c = at::empty({shape.m, shape.n});
  const double gflop = 2e-9 * static_cast<double>(shape.m * shape.n * shape.k);
  GemmRate rate;
  rate.shape = shape;
  rate.aten = gflop / BestSeconds([&] { at::mm_out(c, a, b); }, repeats);
  rate.seam = gflop / BestSeconds([&] { nn::Gemm(a, b, nn::Into::kReplace, c); }, repeats);
  return rate;
}

std::vector<GemmShape> PeakShapes() {
  return {{512, 512, 512},  {1024, 1024, 1024}, {330, 1024, 220}, {330, 512, 512},
          {1000, 512, 512}, {1000, 1024, 48},   {400, 1024, 24},  {1024, 220, 330},
          {512, 512, 1000}, {400, 256, 256},    {1000, 48, 256}};
}

double SgemmPeak() {
  double best = 0;
  for (const GemmShape& shape : PeakShapes()) {
    const GemmRate rate = MeasureGemm(shape, 10);
    best = std::max({best, rate.aten, rate.seam});
  }
  return best;
}

}  // namespace semlink::bench
