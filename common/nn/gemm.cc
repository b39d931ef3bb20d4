#include "common/nn/gemm.h"

#include <algorithm>
#include <utility>

#ifdef SEMLINK_HAVE_DNNL
#include <dnnl.h>
#endif

namespace semlink::nn {
namespace {

thread_local FlopCount thread_flops = std::make_shared<std::atomic<uint64_t>>(0);

void AtenGemm(const at::Tensor& a, const at::Tensor& b, Into into, const at::Tensor& c) {
  at::Tensor out = c;
  if (into == Into::kAdd) {
    out.addmm_(a, b);
  } else {
    at::mm_out(out, a, b);
  }
}

#ifdef SEMLINK_HAVE_DNNL
struct Operand {
  char transposed;
  int64_t leading;  // distance of rows (or of columns, if transposed)
  bool usable;
};

// BLAS wants one dense axis; of a one-row matrix the stride may be anything.
Operand Describe(const at::Tensor& x) {
  const int64_t rows = x.size(0), columns = x.size(1);
  if (x.stride(1) == 1 && (x.stride(0) >= columns || rows == 1)) {
    return {'N', std::max(x.stride(0), columns), true};
  }
  if (x.stride(0) == 1 && (x.stride(1) >= rows || columns == 1)) {
    return {'T', std::max(x.stride(1), rows), true};
  }
  return {'N', 0, false};
}

bool DnnlGemm(const at::Tensor& a, const at::Tensor& b, Into into, const at::Tensor& c) {
  const Operand left = Describe(a), right = Describe(b), result = Describe(c);
  if (!left.usable || !right.usable || result.transposed != 'N' || !result.usable) return false;
  return dnnl_sgemm(left.transposed, right.transposed, c.size(0), c.size(1), a.size(1), 1.0f,
                    a.data_ptr<float>(), left.leading, b.data_ptr<float>(), right.leading,
                    into == Into::kAdd ? 1.0f : 0.0f, c.data_ptr<float>(),
                    result.leading) == dnnl_success;
}
#endif

}  // namespace

void Gemm(const at::Tensor& a, const at::Tensor& b, Into into, const at::Tensor& c) {
  if (c.numel() == 0) return;
  thread_flops->fetch_add(uint64_t{2} * static_cast<uint64_t>(c.numel() * a.size(1)),
                          std::memory_order_relaxed);
#ifdef SEMLINK_HAVE_DNNL
  if (c.device().is_cpu() && a.size(1) > 0 && DnnlGemm(a, b, into, c)) return;
#endif
  AtenGemm(a, b, into, c);
}

uint64_t ThreadFlops() { return thread_flops->load(std::memory_order_relaxed); }

FlopCount ThreadFlopCount() { return thread_flops; }

CountFlopsFor::CountFlopsFor(FlopCount count)
    : before_(std::exchange(thread_flops, std::move(count))) {}

CountFlopsFor::~CountFlopsFor() { thread_flops = std::move(before_); }

const char* GemmBackend() {
#ifdef SEMLINK_HAVE_DNNL
  return "oneDNN";
#else
  return "ATen";
#endif
}

}  // namespace semlink::nn
