// Forward and backward pass of Base as one node of the autograd graph. Internal to common/nn.
#ifndef SEMLINK_COMMON_NN_BASE_FUNCTION_H_
#define SEMLINK_COMMON_NN_BASE_FUNCTION_H_

#include <ATen/ATen.h>

#include <memory>

#include "common/nn/base_layout.h"
#include "common/nn/input_layer.h"

namespace semlink::nn {

// parameters: the flat leaf; inputs: what `input` reads, N rows in all. Returns [N, out].
//
// The backward pass writes the gradient of the parameters straight into parameters.grad() and
// returns none to the autograd engine: an undefined grad() is allocated and overwritten, a defined
// one is added to, so two backward passes add up as usual. What this excludes: asking
// torch::autograd::grad for the gradient of the parameters, and double backward.
at::Tensor ApplyBase(const BaseLayout& layout, const at::Tensor& parameters,
                     std::unique_ptr<InputLayer> input, at::TensorList inputs, int64_t rows);

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_BASE_FUNCTION_H_
