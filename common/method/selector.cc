#include "common/method/selector.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "common/method/optimizer.h"

namespace semlink::method {
// Selectors are small and draw on the CPU, so they stay there whatever the node's device.
Selector::Selector(const SelectorOptions& options, RandomStream init)
    : options_(options),
      network_({options.input, options.numbers + options.positions, options.model.hidden1,
                options.model.hidden2},
               init, at::kCPU),
      optimizer_(network_.parameters(), SelectorOptimizer(options.training)) {}

std::vector<policy::Draw> Selector::Sample(const at::Tensor& input,
                                           std::vector<RandomStream>& streams,
                                           const std::vector<bool>& up) {
  logits_ = network_.Forward(input);
  up_ = up;
  weighted_.clear();
  draws_ = policy::Sample(logits_.detach(), options_.numbers, streams, up);
  at::NoGradGuard no_grad;
  entropy_ = policy::Entropy(logits_.detach(), options_.numbers, up).mean().item<double>();
  return draws_;
}

std::vector<policy::Draw> Selector::Mode(const at::Tensor& input,
                                         const std::vector<bool>& up) const {
  at::NoGradGuard no_grad;
  return policy::Mode(network_.Forward(input), options_.numbers, up);
}

void Selector::Accumulate(const std::vector<float>& advantage, double entropy_bonus,
                          const std::vector<bool>& counted) {
  bool any = false;
  for (size_t r = 0; r < draws_.size(); ++r) {
    any = any || (!draws_[r].order.empty() && (counted.empty() || counted[r]));
  }
  // A gradient of zeros would still let the optimiser's momentum move the parameters.
  if (!any) return;
  const at::Tensor weight = at::from_blob(const_cast<float*>(advantage.data()),
                                          {static_cast<int64_t>(advantage.size())}, at::kFloat);
  const at::Tensor weighted =
      weight * policy::LogProbability(logits_, options_.numbers, draws_, up_);
  const at::Tensor values = weighted.detach().to(at::kDouble).contiguous();
  weighted_.assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
  at::Tensor objective = weighted.sum();
  if (entropy_bonus > 0) {
    at::Tensor entropy = policy::Entropy(logits_, options_.numbers, up_);
    if (!counted.empty()) {
      at::Tensor mask = at::zeros({static_cast<int64_t>(counted.size())}, at::kFloat);
      for (size_t r = 0; r < counted.size(); ++r) mask.data_ptr<float>()[r] = counted[r] ? 1 : 0;
      entropy = entropy * mask;
    }
    objective = objective - entropy_bonus * entropy.sum();
  }
  torch::autograd::backward({objective}, {});
  logits_.reset();
}

void Selector::Step() {
  if (network_.parameters().grad().defined()) {
    optimizer_.Step(
        nn::ClipScale({network_.parameters()}, options_.training.selector_gradient_clip));
  }
  logits_.reset();
  draws_.clear();
  weighted_.clear();
}

void Selector::Discard() {
  optimizer_.Discard();
  logits_.reset();
  draws_.clear();
  weighted_.clear();
}

}  // namespace semlink::method
