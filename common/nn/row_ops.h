// The element-wise and row-wise steps of Base on tensors: fused loops on the CPU (row_kernels.h),
// ATen operations elsewhere. float32, none differentiable. Matrices may be column ranges of wider
// ones (stride(1) == 1). Internal to common/nn.
#ifndef SEMLINK_COMMON_NN_ROW_OPS_H_
#define SEMLINK_COMMON_NN_ROW_OPS_H_

#include <ATen/ATen.h>

namespace semlink::nn {

inline constexpr double kNormEpsilon = 1e-5;

// x [N, h] = max(x + bias, 0) in place.
void BiasRelu(const at::Tensor& x, const at::Tensor& bias);

struct Normalized {
  at::Tensor y;     // [N, h]
  at::Tensor mean;  // of each row; shape is the device's business
  at::Tensor rstd;  // 1 / sqrt(variance + epsilon) of each row
};

// x [N, h] = max(x + bias, 0) in place; y = LayerNorm(x) * gain + shift.
Normalized BiasReluNorm(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& gain,
                        const at::Tensor& shift);

// Where the gradients of the [h] vectors of one block go: they are added.
struct VectorGradients {
  at::Tensor bias;
  at::Tensor gain;
  at::Tensor shift;
};

// Backward of BiasReluNorm. x is its (rectified) x. Writes dx [N, h].
void ReluNormBackward(const at::Tensor& dy, const at::Tensor& x, const Normalized& saved,
                      const at::Tensor& gain, const at::Tensor& dx, const VectorGradients& sums);

// Backward of BiasRelu, in place on dx [N, h]; its column sums are added to d_bias.
void ReluBackward(const at::Tensor& dx, const at::Tensor& x, const at::Tensor& d_bias);

// sums [h] += column sums of x [N, h].
void AddColumnSums(const at::Tensor& x, const at::Tensor& sums);

// to[index[i]] += from[i]. to [R, h], index int64 [n], from [n, h].
void AddToRows(const at::Tensor& to, const at::Tensor& index, const at::Tensor& from);

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_ROW_OPS_H_
