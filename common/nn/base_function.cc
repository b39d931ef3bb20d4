#include "common/nn/base_function.h"

#include <torch/csrc/autograd/custom_function.h>

#include <utility>
#include <vector>

#include "common/nn/row_ops.h"

namespace semlink::nn {
namespace {

// Both halves of a block's inner state, side by side in one matrix [N, 2h]:
//   left  = ReLU(Linear1(x)), right = ReLU(Linear2(left) + shortcut(x)).
struct Halves {
  explicit Halves(const at::Tensor& both)
      : left(both.narrow(1, 0, both.size(1) / 2)),
        right(both.narrow(1, both.size(1) / 2, both.size(1) / 2)) {}
  at::Tensor left, right;
};

// `state` holds the product of the entry weights (and the identity shortcut); it is finished in
// place. Returns the normalised output of the block.
Normalized FinishBlock(const BlockLayout& b, const at::Tensor& flat, const at::Tensor& state) {
  const Halves half(state);
  BiasRelu(half.left, b.entry_bias.VectorOf(flat));
  Gemm(half.left, b.inner.Of(flat).t(), Into::kAdd, half.right);
  at::Tensor bias = b.inner_bias.VectorOf(flat);
  if (!b.identity) bias = bias + b.shortcut_bias.VectorOf(flat);
  return BiasReluNorm(half.right, bias, b.gain.VectorOf(flat), b.shift.VectorOf(flat));
}

// Backward of FinishBlock, from dy to d_state [N, 2h].
at::Tensor FinishBlockBackward(const BlockLayout& b, const at::Tensor& flat,
                               const at::Tensor& state, const Normalized& saved,
                               const at::Tensor& dy, Into into, const at::Tensor& gradient) {
  const at::Tensor d_state = at::empty_like(state);
  const Halves half(state), d(d_state);
  at::Tensor d_bias = at::zeros({b.hidden}, flat.options());
  ReluNormBackward(dy, half.right, saved, b.gain.VectorOf(flat), d.right,
                   {d_bias, b.gain.VectorOf(gradient), b.shift.VectorOf(gradient)});
  b.inner_bias.VectorOf(gradient).add_(d_bias);
  if (!b.identity) b.shortcut_bias.VectorOf(gradient).add_(d_bias);
  Gemm(d.right.t(), half.left, into, b.inner.Of(gradient));
  Gemm(d.right, b.inner.Of(flat), Into::kReplace, d.left);
  ReluBackward(d.left, half.left, b.entry_bias.VectorOf(gradient));
  return d_state;
}

// The gradient buffer of `parameters` and how to write to it.
std::pair<at::Tensor, Into> OpenGradient(const BaseLayout& layout, const at::Tensor& parameters) {
  at::Tensor& gradient = parameters.mutable_grad();
  if (gradient.defined()) {
    TORCH_CHECK(gradient.is_contiguous(), "the gradient of a network's parameters is not dense");
    return {gradient, Into::kAdd};
  }
  gradient = at::empty_like(parameters);
  layout.vectors.VectorOf(gradient).zero_();  // these are always added to
  return {gradient, Into::kReplace};
}

// What one forward pass hands to its backward pass besides tensors.
struct Pass : torch::CustomClassHolder {
  Pass(const BaseLayout& l, std::unique_ptr<InputLayer> i) : layout(l), input(std::move(i)) {}
  BaseLayout layout;
  std::unique_ptr<InputLayer> input;
  int64_t rows = 0;
  std::vector<bool> wanted;             // which inputs require a gradient
  FlopCount flops = ThreadFlopCount();  // of the node whose pass it is
};

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class BaseFunction : public torch::autograd::Function<BaseFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& parameters,
                            at::TensorList inputs, const c10::intrusive_ptr<Pass>& pass) {
    const BaseLayout& layout = pass->layout;
    const BlockLayout &first = layout.block[0], &second = layout.block[1];
    const at::Tensor flat = parameters.detach();
    for (const at::Tensor& input : inputs) pass->wanted.push_back(input.requires_grad());

    const at::Tensor state1 = at::empty({pass->rows, 2 * first.hidden}, flat.options());
    pass->input->Forward(inputs, first.entry.Of(flat), state1.narrow(1, 0, first.entry_columns()));
    if (first.identity) Halves(state1).right.copy_(inputs[0]);
    const Normalized norm1 = FinishBlock(first, flat, state1);

    const at::Tensor state2 = at::empty({pass->rows, 2 * second.hidden}, flat.options());
    Gemm(norm1.y, second.entry.Of(flat).t(), Into::kReplace,
         state2.narrow(1, 0, second.entry_columns()));
    if (second.identity) Halves(state2).right.copy_(norm1.y);
    const Normalized norm2 = FinishBlock(second, flat, state2);

    const at::Tensor out = layout.output_bias.Of(flat).repeat({pass->rows, 1});
    Gemm(norm2.y, layout.output.Of(flat).t(), Into::kAdd, out);

    variable_list saved = {parameters, state1,  norm1.y,    norm1.mean, norm1.rstd,
                           state2,     norm2.y, norm2.mean, norm2.rstd};
    saved.insert(saved.end(), inputs.begin(), inputs.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list d_outputs) {
    const auto capsule = context->saved_data["pass"].toCapsule();
    const Pass& pass = static_cast<const Pass&>(*capsule);
    const CountFlopsFor counted(pass.flops);
    const BaseLayout& layout = pass.layout;
    const BlockLayout &first = layout.block[0], &second = layout.block[1];
    const variable_list saved = context->get_saved_variables();
    const at::Tensor flat = saved[0].detach();
    const at::Tensor &state1 = saved[1], &state2 = saved[5];
    const Normalized norm1{saved[2], saved[3], saved[4]}, norm2{saved[6], saved[7], saved[8]};
    const at::TensorList inputs = at::TensorList(saved).slice(9);

    const auto [gradient, into] = OpenGradient(layout, saved[0]);
    const at::Tensor d_out = d_outputs[0].contiguous();
    Gemm(d_out.t(), norm2.y, into, layout.output.Of(gradient));
    AddColumnSums(d_out, layout.output_bias.VectorOf(gradient));
    at::Tensor dy = at::empty_like(norm2.y);
    Gemm(d_out, layout.output.Of(flat), Into::kReplace, dy);

    const at::Tensor d_state2 =
        FinishBlockBackward(second, flat, state2, norm2, dy, into, gradient);
    const at::Tensor d_entry2 = d_state2.narrow(1, 0, second.entry_columns());
    Gemm(d_entry2.t(), norm1.y, into, second.entry.Of(gradient));
    dy = at::empty_like(norm1.y);
    Gemm(d_entry2, second.entry.Of(flat), Into::kReplace, dy);
    if (second.identity) dy.add_(Halves(d_state2).right);

    const at::Tensor d_state1 = FinishBlockBackward(first, flat, state1, norm1, dy, into, gradient);
    variable_list result = pass.input->Backward(inputs, pass.wanted, first.entry.Of(flat),
                                                d_state1.narrow(1, 0, first.entry_columns()), into,
                                                first.entry.Of(gradient));
    if (first.identity && pass.wanted[0]) result[0].add_(Halves(d_state1).right);
    result.insert(result.begin(), at::Tensor());  // the parameters: already written
    result.emplace_back();                        // the pass: not a variable
    return result;
  }
};

}  // namespace

at::Tensor ApplyBase(const BaseLayout& layout, const at::Tensor& parameters,
                     std::unique_ptr<InputLayer> input, at::TensorList inputs, int64_t rows) {
  auto pass = c10::make_intrusive<Pass>(layout, std::move(input));
  pass->rows = rows;
  return BaseFunction::apply(parameters, inputs, pass);
}

}  // namespace semlink::nn
