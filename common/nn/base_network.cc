#include "common/nn/base_network.h"

#include <cmath>
#include <memory>

#include "common/nn/base_function.h"
#include "common/nn/base_layout.h"

namespace semlink::nn {
namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

void AppendBlock(const BlockLayout& b, const at::Tensor& flat, const std::string& block,
                 const std::string& norm, NamedTensors* out) {
  const at::Tensor entry = b.entry.Of(flat);
  out->emplace_back(block + ".linear1.weight", entry.narrow(0, 0, b.hidden));
  out->emplace_back(block + ".linear1.bias", b.entry_bias.VectorOf(flat));
  out->emplace_back(block + ".linear2.weight", b.inner.Of(flat));
  out->emplace_back(block + ".linear2.bias", b.inner_bias.VectorOf(flat));
  if (!b.identity) {
    out->emplace_back(block + ".shortcut.weight", entry.narrow(0, b.hidden, b.hidden));
    out->emplace_back(block + ".shortcut.bias", b.shortcut_bias.VectorOf(flat));
  }
  out->emplace_back(norm + ".weight", b.gain.VectorOf(flat));
  out->emplace_back(norm + ".bias", b.shift.VectorOf(flat));
}

NamedTensors Views(const BaseLayout& layout, const at::Tensor& flat) {
  NamedTensors views;
  AppendBlock(layout.block[0], flat, "block1", "norm1", &views);
  AppendBlock(layout.block[1], flat, "block2", "norm2", &views);
  views.emplace_back("output.weight", layout.output.Of(flat));
  views.emplace_back("output.bias", layout.output_bias.VectorOf(flat));
  return views;
}

// Xavier-uniform (Glorot & Bengio, 2010): U(-b, b), b = sqrt(6 / (fan_in + fan_out)).
void FillXavier(const at::Tensor& weight, RandomStream* random) {
  const int64_t n = weight.numel();
  float* values = weight.data_ptr<float>();
  random->FillUniform(values, static_cast<std::size_t>(n));
  const auto bound =
      static_cast<float>(std::sqrt(6.0 / static_cast<double>(weight.size(0) + weight.size(1))));
  for (int64_t i = 0; i < n; ++i) values[i] = (2 * values[i] - 1) * bound;
}

at::Tensor InitialParameters(const BaseLayout& layout, RandomStream* random) {
  const at::Tensor flat = at::zeros({layout.size}, at::kFloat);
  for (const auto& [name, view] : Views(layout, flat)) {
    if (view.dim() == 2) FillXavier(view, random);
  }
  layout.block[0].gain.VectorOf(flat).fill_(1);
  layout.block[1].gain.VectorOf(flat).fill_(1);
  return flat;
}

void CheckMatrix(const at::Tensor& x, int64_t columns, const char* what) {
  TORCH_CHECK(x.dim() == 2 && x.size(1) == columns && x.scalar_type() == at::kFloat, what, " is ",
              x.scalar_type(), " ", x.sizes(), "; a float32 matrix with ", columns,
              " columns was expected");
}

void CheckIndex(const at::Tensor& index, int64_t size, const char* what) {
  TORCH_CHECK(index.dim() == 1 && index.size(0) == size && index.scalar_type() == at::kLong, what,
              " is ", index.scalar_type(), " ", index.sizes(), "; int64 [", size, "] was expected");
}

}  // namespace

BaseNetwork::BaseNetwork(const BaseNetworkOptions& options, RandomStream init, at::Device device)
    : options_(options) {
  TORCH_CHECK(options.in > 0 && options.out > 0 && options.hidden1 > 0 && options.hidden2 > 0,
              "a Base network needs positive sizes: in ", options.in, ", hidden ", options.hidden1,
              " and ", options.hidden2, ", out ", options.out);
  parameters_ = InitialParameters(BaseLayout(options), &init).to(device);
  parameters_.set_requires_grad(true);
}

at::Tensor BaseNetwork::Forward(const at::Tensor& x) const {
  CheckMatrix(x, options_.in, "the input of a Base network");
  return ApplyBase(BaseLayout(options_), parameters_, std::make_unique<DenseInput>(), {x},
                   x.size(0));
}

at::Tensor BaseNetwork::ForwardSlots(const std::vector<SlotInput>& slots, int64_t rows) const {
  std::vector<SlotsInput::Slot> placed;
  std::vector<at::Tensor> values;
  for (const SlotInput& slot : slots) {
    TORCH_CHECK(slot.value.dim() == 2 && slot.value.size(1) > 0, "the value of slot ", slot.slot,
                " has shape ", slot.value.sizes(), "; [n, width] was expected");
    const int64_t width = slot.value.size(1);
    CheckMatrix(slot.value, slots.front().value.size(1), "the value of a slot");
    CheckIndex(slot.rows, slot.value.size(0), "the rows of a slot");
    TORCH_CHECK(slot.slot >= 0 && (slot.slot + 1) * width <= options_.in, "slot ", slot.slot,
                " of width ", width, " is outside an input of ", options_.in);
    TORCH_CHECK(placed.empty() || slot.slot * width > placed.back().column, "slot ", slot.slot,
                " comes twice or out of order");
    placed.push_back({slot.slot * width, slot.rows});
    values.push_back(slot.value);
  }
  const BaseLayout layout(options_);
  if (!layout.block[0].identity) {
    return ApplyBase(layout, parameters_, std::make_unique<SlotsInput>(placed, rows), values, rows);
  }
  // An identity shortcut needs the input itself.
  at::Tensor x = at::zeros({rows, options_.in}, parameters_.detach().options());
  for (std::size_t s = 0; s < placed.size(); ++s) {
    const at::Tensor columns = at::arange(placed[s].column, placed[s].column + values[s].size(1),
                                          placed[s].rows.options());
    x = x.index_put({placed[s].rows.unsqueeze(1), columns.unsqueeze(0)}, values[s]);
  }
  return Forward(x);
}

at::Tensor BaseNetwork::ForwardShared(const at::Tensor& shared, const at::Tensor& index,
                                      const at::Tensor& extra) const {
  TORCH_CHECK(extra.dim() == 2 && extra.size(1) < options_.in, "the extra input has shape ",
              extra.sizes(), "; [N, fewer than ", options_.in, "] was expected");
  CheckMatrix(extra, extra.size(1), "the extra input");
  CheckMatrix(shared, options_.in - extra.size(1), "the shared input");
  CheckIndex(index, extra.size(0), "the index into the shared input");
  const BaseLayout layout(options_);
  if (layout.block[0].identity) {
    return Forward(at::cat({shared.detach().index_select(0, index), extra.detach()}, 1));
  }
  return ApplyBase(layout, parameters_, std::make_unique<SharedInput>(index),
                   {shared.detach(), extra.detach()}, extra.size(0));
}

std::vector<std::pair<std::string, at::Tensor>> BaseNetwork::NamedParameters() const {
  return Views(BaseLayout(options_), parameters_.detach());
}

double BaseNetwork::ForwardFlops(int64_t n) const {
  const BaseLayout layout(options_);
  double products = static_cast<double>(layout.output.rows * layout.output.columns);
  for (const BlockLayout& b : layout.block) {
    products +=
        static_cast<double>(b.entry.rows * b.entry.columns + b.inner.rows * b.inner.columns);
  }
  return 2.0 * products * static_cast<double>(n);
}

}  // namespace semlink::nn
