// The one door through which the networks' matrix products go.
#ifndef SEMLINK_COMMON_NN_GEMM_H_
#define SEMLINK_COMMON_NN_GEMM_H_

#include <ATen/ATen.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace semlink::nn {

enum class Into { kReplace, kAdd };

// c = a b (kReplace) or c += a b (kAdd). a [M, K], b [K, N], c [M, N], float32, all on one device.
// The rows of c must be dense (stride(1) == 1); a and b may be row-major views or transposes of
// them. c must not overlap a or b. Not differentiable: for use inside forward and backward.
//
// On the CPU this is oneDNN's sgemm where the build found it, else ATen's (OpenBLAS, MKL); on other
// devices ATen's.
void Gemm(const at::Tensor& a, const at::Tensor& b, Into into, const at::Tensor& c);

// Floating-point operations of all Gemm calls of the calling thread so far, 2 M N K for each: a
// clock of its work, as its CPU time is one of its time. A backward pass counts for the thread that
// made the forward pass, wherever it runs: on a CUDA device autograd has threads of its own.
uint64_t ThreadFlops();

// A thread's count; also safe to add to from others.
using FlopCount = std::shared_ptr<std::atomic<uint64_t>>;
FlopCount ThreadFlopCount();

// While it lives, Gemm calls of the calling thread go into another thread's count.
class CountFlopsFor {
 public:
  explicit CountFlopsFor(FlopCount count);
  ~CountFlopsFor();
  CountFlopsFor(const CountFlopsFor&) = delete;
  CountFlopsFor& operator=(const CountFlopsFor&) = delete;

 private:
  FlopCount before_;
};

// "oneDNN" or "ATen": what Gemm uses on the CPU in this build.
const char* GemmBackend();

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_GEMM_H_
