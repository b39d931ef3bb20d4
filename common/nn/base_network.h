// The one feed-forward shape of PoM2-DIB ("Base"; pom2dib section VIII-A.3, design section 3):
//   residual(in -> h1), LayerNorm, residual(h1 -> h2), LayerNorm, Linear(h2 -> out),
//   residual(x) = ReLU(Linear(ReLU(Linear(x))) + shortcut(x)), the shortcut a Linear where the
//   sizes differ.
#ifndef SEMLINK_COMMON_NN_BASE_NETWORK_H_
#define SEMLINK_COMMON_NN_BASE_NETWORK_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/rng.h"

namespace semlink::nn {

struct BaseNetworkOptions {
  int64_t in = 0;
  int64_t out = 0;
  int64_t hidden1 = 512;
  int64_t hidden2 = 256;
};

// Rows of one slot of a slotted input: the input is the concatenation of `in / width` slots of
// equal width, most of them absent (zero).
struct SlotInput {
  int64_t slot = 0;
  at::Tensor rows;   // int64 [n], ascending, which rows of the batch have this slot
  at::Tensor value;  // float [n, width]; may require grad
};

// All parameters live in one flat leaf tensor [P] (requires_grad), so that the optimiser is one
// pass over memory. Forward passes are differentiable in the input and in the parameters; calling
// backward adds to the flat gradient. Not thread-safe.
class BaseNetwork {
 public:
  // Xavier-uniform weights, zero biases, unit LayerNorm gains. The values depend on `init` alone,
  // not on the device.
  BaseNetwork(const BaseNetworkOptions& options, RandomStream init, at::Device device);

  // x [N, in] -> [N, out]. No gradient for x is computed unless x requires one.
  at::Tensor Forward(const at::Tensor& x) const;

  // The same for x = concat(slots) with absent slots zero; cost grows with the slots present, not
  // with `in`. Slots ascending, each at most once. Returns [rows, out].
  at::Tensor ForwardSlots(const std::vector<SlotInput>& slots, int64_t rows) const;

  // Same result as Forward for x = concat(shared[index], extra) without repeating the first layer's
  // work on `shared`: shared [U, in_shared] unique rows, index int64 [N] into them, extra [N, in -
  // in_shared]. No gradient for inputs.
  at::Tensor ForwardShared(const at::Tensor& shared, const at::Tensor& index,
                           const at::Tensor& extra) const;

  const BaseNetworkOptions& options() const { return options_; }
  at::Tensor& parameters() { return parameters_; }  // [P], leaf
  const at::Tensor& parameters() const { return parameters_; }

  // Views of the flat tensor by name: "block1.linear1.weight" [h1, in], ...
  std::vector<std::pair<std::string, at::Tensor>> NamedParameters() const;

  // Floating-point operations of one forward pass over n rows (multiply and add count as two).
  double ForwardFlops(int64_t n) const;

 private:
  BaseNetworkOptions options_;
  at::Tensor parameters_;
};

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_BASE_NETWORK_H_
