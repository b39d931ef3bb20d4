// What this machine's matrix product reaches on one thread: the yardstick of the other benchmarks.
#ifndef SEMLINK_BENCH_SGEMM_PEAK_H_
#define SEMLINK_BENCH_SGEMM_PEAK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace semlink::bench {

// C [m, n] = A [m, k] B [k, n].
struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
};

// CPU seconds of this thread so far. Not wall time, because other programs share the machine.
double ThreadSeconds();

// CPU seconds of the fastest of `repeats` calls of `work`, after one call that is not counted.
double BestSeconds(const std::function<void()>& work, int repeats);

// GFLOP/s of one shape, best of `repeats`: with ATen's product, and with nn::Gemm.
struct GemmRate {
  GemmShape shape;
  double aten = 0;
  double seam = 0;
};
GemmRate MeasureGemm(const GemmShape& shape, int repeats);

// Square products and the products of the AV-MNIST networks.
std::vector<GemmShape> PeakShapes();

// GFLOP/s: the best over PeakShapes() and both products. Takes about a second.
double SgemmPeak();

}  // namespace semlink::bench

#endif  // SEMLINK_BENCH_SGEMM_PEAK_H_
