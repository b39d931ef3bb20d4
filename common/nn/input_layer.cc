#include "common/nn/input_layer.h"

#include "common/nn/row_ops.h"

namespace semlink::nn {
namespace {

at::Tensor InputGradient(const at::Tensor& d_product, const at::Tensor& weight) {
  at::Tensor dx = at::empty({d_product.size(0), weight.size(1)}, weight.options());
  Gemm(d_product, weight, Into::kReplace, dx);
  return dx;
}

}  // namespace

void DenseInput::Forward(at::TensorList inputs, const at::Tensor& weight,
                         const at::Tensor& product) const {
  Gemm(inputs[0], weight.t(), Into::kReplace, product);
}

std::vector<at::Tensor> DenseInput::Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                             const at::Tensor& weight, const at::Tensor& d_product,
                                             Into into, const at::Tensor& d_weight) const {
  Gemm(d_product.t(), inputs[0], into, d_weight);
  if (!wanted[0]) return {at::Tensor()};
  return {InputGradient(d_product, weight)};
}

SlotsInput::SlotsInput(const std::vector<Slot>& slots, int64_t batch) {
  for (const Slot& slot : slots) {
    Placed placed{{slot.column, slot.rows.contiguous()}, -1};
    const int64_t n = slot.rows.size(0);
    // Elsewhere a look at the rows would stall the device.
    if (slot.rows.device().is_cpu() && n > 0) {
      const int64_t* rows = placed.slot.rows.data_ptr<int64_t>();
      for (int64_t i = 0; i < n; ++i) {
        TORCH_CHECK(rows[i] >= 0 && rows[i] < batch && (i == 0 || rows[i] > rows[i - 1]),
                    "rows of the slot at column ", slot.column, ": row ", rows[i], " at position ",
                    i, " is not ascending within a batch of ", batch);
      }
      if (rows[n - 1] - rows[0] == n - 1) placed.first_row = rows[0];
    }
    slots_.push_back(std::move(placed));
  }
}

void SlotsInput::Forward(at::TensorList inputs, const at::Tensor& weight,
                         const at::Tensor& product) const {
  at::Tensor(product).zero_();
  for (size_t s = 0; s < slots_.size(); ++s) {
    const at::Tensor& value = inputs[s];
    const int64_t n = value.size(0);
    if (n == 0) continue;
    const at::Tensor part = weight.narrow(1, slots_[s].slot.column, value.size(1)).t();
    if (slots_[s].first_row >= 0) {
      Gemm(value, part, Into::kAdd, product.narrow(0, slots_[s].first_row, n));
    } else {
      const at::Tensor rows = at::empty({n, weight.size(0)}, weight.options());
      Gemm(value, part, Into::kReplace, rows);
      AddToRows(product, slots_[s].slot.rows, rows);
    }
  }
}

std::vector<at::Tensor> SlotsInput::Backward(at::TensorList inputs, const std::vector<bool>& wanted,
                                             const at::Tensor& weight, const at::Tensor& d_product,
                                             Into into, const at::Tensor& d_weight) const {
  if (into == Into::kReplace) at::Tensor(d_weight).zero_();  // absent slots have no gradient
  std::vector<at::Tensor> gradients(inputs.size());
  for (size_t s = 0; s < slots_.size(); ++s) {
    const at::Tensor& value = inputs[s];
    const int64_t n = value.size(0), column = slots_[s].slot.column, width = value.size(1);
    if (n == 0) {
      if (wanted[s]) gradients[s] = at::zeros_like(value);
      continue;
    }
    const at::Tensor d = slots_[s].first_row >= 0 ? d_product.narrow(0, slots_[s].first_row, n)
                                                  : d_product.index_select(0, slots_[s].slot.rows);
    Gemm(d.t(), value, Into::kAdd, d_weight.narrow(1, column, width));
    if (wanted[s]) gradients[s] = InputGradient(d, weight.narrow(1, column, width));
  }
  return gradients;
}

SharedInput::SharedInput(const at::Tensor& index) : index_(index.contiguous()) {}

void SharedInput::Forward(at::TensorList inputs, const at::Tensor& weight,
                          const at::Tensor& product) const {
  const at::Tensor &shared = inputs[0], &extra = inputs[1];
  const at::Tensor unique = at::empty({shared.size(0), weight.size(0)}, weight.options());
  Gemm(shared, weight.narrow(1, 0, shared.size(1)).t(), Into::kReplace, unique);
  at::Tensor(product).copy_(unique.index_select(0, index_));
  Gemm(extra, weight.narrow(1, shared.size(1), extra.size(1)).t(), Into::kAdd, product);
}

std::vector<at::Tensor> SharedInput::Backward(at::TensorList inputs, const std::vector<bool>&,
                                              const at::Tensor&, const at::Tensor& d_product,
                                              Into into, const at::Tensor& d_weight) const {
  const at::Tensor &shared = inputs[0], &extra = inputs[1];
  const at::Tensor unique = at::zeros({shared.size(0), d_product.size(1)}, d_product.options());
  AddToRows(unique, index_, d_product);
  Gemm(unique.t(), shared, into, d_weight.narrow(1, 0, shared.size(1)));
  Gemm(d_product.t(), extra, into, d_weight.narrow(1, shared.size(1), extra.size(1)));
  return {at::Tensor(), at::Tensor()};
}

}  // namespace semlink::nn
