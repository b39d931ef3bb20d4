#include "common/nn/row_ops.h"

#include <tuple>

#include "common/nn/row_kernels.h"

namespace semlink::nn {
namespace {

Matrix Rows(const at::Tensor& x) { return {x.data_ptr<float>(), x.stride(0)}; }
ConstMatrix ConstRows(const at::Tensor& x) { return {x.data_ptr<float>(), x.stride(0)}; }

at::Tensor Add(const at::Tensor& to, const at::Tensor& value) {
  at::Tensor target = to;
  return target.add_(value);
}

}  // namespace

void BiasRelu(const at::Tensor& x, const at::Tensor& bias) {
  if (x.device().is_cpu()) {
    BiasReluRows(Rows(x), bias.data_ptr<float>(), x.size(0), x.size(1));
  } else {
    Add(x, bias).relu_();
  }
}

Normalized BiasReluNorm(const at::Tensor& x, const at::Tensor& bias, const at::Tensor& gain,
                        const at::Tensor& shift) {
  const int64_t rows = x.size(0), columns = x.size(1);
  Normalized result;
  if (x.device().is_cpu()) {
    result = {at::empty({rows, columns}, x.options()), at::empty({rows}, x.options()),
              at::empty({rows}, x.options())};
    BiasReluNormRows(Rows(x),
                     {bias.data_ptr<float>(), gain.data_ptr<float>(), shift.data_ptr<float>()},
                     kNormEpsilon, rows, columns, Rows(result.y), result.mean.data_ptr<float>(),
                     result.rstd.data_ptr<float>());
  } else {
    Add(x, bias).relu_();
    std::tie(result.y, result.mean, result.rstd) =
        at::native_layer_norm(x.contiguous(), {columns}, gain, shift, kNormEpsilon);
  }
  return result;
}

void ReluNormBackward(const at::Tensor& dy, const at::Tensor& x, const Normalized& saved,
                      const at::Tensor& gain, const at::Tensor& dx, const VectorGradients& sums) {
  const int64_t rows = x.size(0), columns = x.size(1);
  if (x.device().is_cpu()) {
    ReluNormBackwardRows(
        ConstRows(dy), ConstRows(x), saved.mean.data_ptr<float>(), saved.rstd.data_ptr<float>(),
        gain.data_ptr<float>(), rows, columns, Rows(dx),
        {sums.bias.data_ptr<float>(), sums.gain.data_ptr<float>(), sums.shift.data_ptr<float>()});
    return;
  }
  auto [d, d_gain, d_shift] =
      at::native_layer_norm_backward(dy, x.contiguous(), {columns}, saved.mean, saved.rstd, gain,
                                     /*bias=*/c10::optional<at::Tensor>(gain), {true, true, true});
  at::Tensor out = dx;
  out.copy_(d).masked_fill_(x.le(0), 0);
  Add(sums.bias, out.sum(0));
  Add(sums.gain, d_gain);
  Add(sums.shift, d_shift);
}

void ReluBackward(const at::Tensor& dx, const at::Tensor& x, const at::Tensor& d_bias) {
  if (x.device().is_cpu()) {
    ReluBackwardRows(Rows(dx), ConstRows(x), x.size(0), x.size(1), d_bias.data_ptr<float>());
    return;
  }
  at::Tensor out = dx;
  Add(d_bias, out.masked_fill_(x.le(0), 0).sum(0));
}

void AddColumnSums(const at::Tensor& x, const at::Tensor& sums) {
  if (x.device().is_cpu()) {
    AddColumnSums(ConstRows(x), x.size(0), x.size(1), sums.data_ptr<float>());
  } else {
    Add(sums, x.sum(0));
  }
}

void AddToRows(const at::Tensor& to, const at::Tensor& index, const at::Tensor& from) {
  if (to.device().is_cpu()) {
    AddToRows(Rows(to), index.data_ptr<int64_t>(), ConstRows(from), index.size(0), to.size(1));
    return;
  }
  at::Tensor target = to;
  target.index_add_(0, index, from);
}

}  // namespace semlink::nn
