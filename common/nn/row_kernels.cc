#include "common/nn/row_kernels.h"

#include <cmath>

#include "common/base/vectorize.h"

namespace semlink::nn {

// Comparisons are written so that a NaN passes through instead of becoming a zero.

SEMLINK_VECTORIZED void BiasReluRows(Matrix x, const float* __restrict bias, int64_t rows,
                                     int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    float* __restrict row = x.data + i * x.stride;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      const float value = row[c] + bias[c];
      row[c] = value < 0 ? 0 : value;
    }
  }
}

SEMLINK_VECTORIZED void BiasReluNormRows(Matrix x, const NormVectors& v, double epsilon,
                                         int64_t rows, int64_t columns, Matrix y, float* mean,
                                         float* rstd) {
  const float* __restrict bias = v.bias;
  const float* __restrict gain = v.gain;
  const float* __restrict shift = v.shift;
  const float scale = 1.0f / static_cast<float>(columns);
  for (int64_t i = 0; i < rows; ++i) {
    float* __restrict row = x.data + i * x.stride;
    float* __restrict out = y.data + i * y.stride;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < columns; ++c) {
      const float biased = row[c] + bias[c];
      const float value = biased < 0 ? 0 : biased;
      row[c] = value;
      sum += value;
    }
    const float center = sum * scale;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t c = 0; c < columns; ++c) {
      const float d = row[c] - center;
      squares += d * d;
    }
    const float inverse = 1.0f / std::sqrt(squares * scale + static_cast<float>(epsilon));
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      out[c] = (row[c] - center) * inverse * gain[c] + shift[c];
    }
    mean[i] = center;
    rstd[i] = inverse;
  }
}

SEMLINK_VECTORIZED void ReluNormBackwardRows(ConstMatrix dy, ConstMatrix x, const float* mean,
                                             const float* rstd, const float* __restrict gain,
                                             int64_t rows, int64_t columns, Matrix dx,
                                             const NormSums& sums) {
  float* __restrict d_bias = sums.d_bias;
  float* __restrict d_gain = sums.d_gain;
  float* __restrict d_shift = sums.d_shift;
  const float scale = 1.0f / static_cast<float>(columns);
  for (int64_t i = 0; i < rows; ++i) {
    const float* __restrict in = x.data + i * x.stride;
    const float* __restrict grad = dy.data + i * dy.stride;
    float* __restrict out = dx.data + i * dx.stride;
    const float center = mean[i];
    const float inverse = rstd[i];
    float sum = 0, projected = 0;
#pragma omp simd reduction(+ : sum, projected)
    for (int64_t c = 0; c < columns; ++c) {
      const float hat = (in[c] - center) * inverse;
      const float g = grad[c] * gain[c];
      sum += g;
      projected += g * hat;
      d_gain[c] += grad[c] * hat;
      d_shift[c] += grad[c];
    }
    const float a = sum * scale;
    const float b = projected * scale;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      const float hat = (in[c] - center) * inverse;
      const float d = inverse * (grad[c] * gain[c] - a - hat * b);
      const float masked = in[c] <= 0 ? 0 : d;
      out[c] = masked;
      d_bias[c] += masked;
    }
  }
}

SEMLINK_VECTORIZED void ReluBackwardRows(Matrix dx, ConstMatrix x, int64_t rows, int64_t columns,
                                         float* __restrict d_bias) {
  for (int64_t i = 0; i < rows; ++i) {
    const float* __restrict in = x.data + i * x.stride;
    float* __restrict out = dx.data + i * dx.stride;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      const float masked = in[c] <= 0 ? 0 : out[c];
      out[c] = masked;
      d_bias[c] += masked;
    }
  }
}

SEMLINK_VECTORIZED void AddColumnSums(ConstMatrix x, int64_t rows, int64_t columns,
                                      float* __restrict sums) {
  for (int64_t i = 0; i < rows; ++i) {
    const float* __restrict row = x.data + i * x.stride;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) sums[c] += row[c];
  }
}

SEMLINK_VECTORIZED void AddToRows(Matrix to, const int64_t* index, ConstMatrix from, int64_t n,
                                  int64_t columns) {
  for (int64_t i = 0; i < n; ++i) {
    const float* __restrict in = from.data + i * from.stride;
    float* __restrict out = to.data + index[i] * to.stride;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) out[c] += in[c];
  }
}

}  // namespace semlink::nn
