// The three ways in which the first matrix product of Base can get its input. Internal to
// common/nn.
#ifndef SEMLINK_COMMON_NN_INPUT_LAYER_H_
#define SEMLINK_COMMON_NN_INPUT_LAYER_H_

#include <ATen/ATen.h>

#include <vector>

#include "common/nn/gemm.h"

namespace semlink::nn {

// `inputs` are the tensors given to the network in the order of the layer's kind. `weight` is
// [E, in]; `product` [N, E] = x weight^T for the x that the inputs stand for. One object serves one
// forward pass and its backward passes.
class InputLayer {
 public:
  virtual ~InputLayer() = default;

  virtual void Forward(at::TensorList inputs, const at::Tensor& weight,
                       const at::Tensor& product) const = 0;

  // d_product [N, E] -> d_weight [E, in], replaced or added to. Returns the gradient of each input,
  // undefined for those whose `wanted` is false.
  virtual std::vector<at::Tensor> Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                           const at::Tensor& weight, const at::Tensor& d_product,
                                           Into into, const at::Tensor& d_weight) const = 0;
};

// inputs = {x [N, in]}.
class DenseInput : public InputLayer {
 public:
  void Forward(at::TensorList inputs, const at::Tensor& weight,
               const at::Tensor& product) const override;
  std::vector<at::Tensor> Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                   const at::Tensor& weight, const at::Tensor& d_product, Into into,
                                   const at::Tensor& d_weight) const override;
};

// inputs = one value [n_s, width] per slot that is present; x is zero elsewhere.
class SlotsInput : public InputLayer {
 public:
  struct Slot {
    int64_t column = 0;  // first column of x
    at::Tensor rows;     // int64 [n_s], ascending
  };
  // Throws c10::Error if rows are not ascending within 0..batch-1 (checked on the CPU only).
  SlotsInput(const std::vector<Slot>& slots, int64_t batch);

  void Forward(at::TensorList inputs, const at::Tensor& weight,
               const at::Tensor& product) const override;
  std::vector<at::Tensor> Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                   const at::Tensor& weight, const at::Tensor& d_product, Into into,
                                   const at::Tensor& d_weight) const override;

 private:
  // Rows of a slot usually come in one block; then its part of the product needs no copy.
  struct Placed {
    Slot slot;
    int64_t first_row = -1;  // of the block; -1 if the rows are scattered
  };
  std::vector<Placed> slots_;
};

// inputs = {shared [U, s], extra [N, in - s]}, x = concat(shared[index], extra). The product with
// `shared` is made once per unique row. No gradient for inputs.
class SharedInput : public InputLayer {
 public:
  explicit SharedInput(const at::Tensor& index);

  void Forward(at::TensorList inputs, const at::Tensor& weight,
               const at::Tensor& product) const override;
  std::vector<at::Tensor> Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                   const at::Tensor& weight, const at::Tensor& d_product, Into into,
                                   const at::Tensor& d_weight) const override;

 private:
  at::Tensor index_;  // int64 [N], contiguous
};

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_INPUT_LAYER_H_
