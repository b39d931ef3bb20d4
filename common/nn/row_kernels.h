// Loops over rows of float matrices in CPU memory, fused so that each row is read once.
// A matrix is (pointer, stride between rows in floats); its rows are dense. Internal to common/nn.
#ifndef SEMLINK_COMMON_NN_ROW_KERNELS_H_
#define SEMLINK_COMMON_NN_ROW_KERNELS_H_

#include <cstdint>

namespace semlink::nn {

struct Matrix {
  float* data = nullptr;
  int64_t stride = 0;
};

struct ConstMatrix {
  const float* data = nullptr;
  int64_t stride = 0;
};

// x = max(x + bias, 0).
void BiasReluRows(Matrix x, const float* bias, int64_t rows, int64_t columns);

// x = max(x + bias, 0), then y = LayerNorm(x) with the gain and shift given; mean and reciprocal
// deviation of each row are kept for the backward pass.
struct NormVectors {
  const float* bias;
  const float* gain;
  const float* shift;
};
void BiasReluNormRows(Matrix x, const NormVectors& v, double epsilon, int64_t rows, int64_t columns,
                      Matrix y, float* mean, float* rstd);

// Backward of the same: from dy and the saved x to dx (before the ReLU). The sums over rows are
// added to d_bias, d_gain and d_shift.
struct NormSums {
  float* d_bias;
  float* d_gain;
  float* d_shift;
};
void ReluNormBackwardRows(ConstMatrix dy, ConstMatrix x, const float* mean, const float* rstd,
                          const float* gain, int64_t rows, int64_t columns, Matrix dx,
                          const NormSums& sums);

// dx = 0 where x = 0; the sums of dx over rows are added to d_bias.
void ReluBackwardRows(Matrix dx, ConstMatrix x, int64_t rows, int64_t columns, float* d_bias);

// sums += column sums of x.
void AddColumnSums(ConstMatrix x, int64_t rows, int64_t columns, float* sums);

// to[index[i]] += from[i] for i in 0..n-1; indexes may repeat.
void AddToRows(Matrix to, const int64_t* index, ConstMatrix from, int64_t n, int64_t columns);

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_ROW_KERNELS_H_
