// Rates of the matrix product on one thread, ATen's next to the networks' (nn::Gemm).
#include <cstdio>

#include "bench/sgemm_peak.h"
#include "common/nn/gemm.h"
#include "common/nn/process_setup.h"

int main() {
  using semlink::bench::GemmRate;
  using semlink::bench::GemmShape;
  semlink::nn::TuneAllocator();
  semlink::nn::UseOneThread();
  std::printf("GFLOP/s, one thread, best of 20\n%5s %5s %5s %10s %10s %7s\n", "m", "n", "k", "ATen",
              semlink::nn::GemmBackend(), "ratio");
  for (const GemmShape& shape : semlink::bench::PeakShapes()) {
    const GemmRate rate = semlink::bench::MeasureGemm(shape, 20);
    std::printf("%5lld %5lld %5lld %10.1f %10.1f %7.2f\n", static_cast<long long>(shape.m),
                static_cast<long long>(shape.n), static_cast<long long>(shape.k), rate.aten,
                rate.seam, rate.seam / rate.aten);
  }
  std::printf("peak %.1f GFLOP/s\n", semlink::bench::SgemmPeak());
  return 0;
}
