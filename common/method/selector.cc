#include "common/method/selector.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace semlink::method {
namespace {

nn::AdamWOptions OptimizerOptions(const TrainingOptions& training) {
  nn::AdamWOptions options;
  options.learning_rate = training.learning_rate_selector;
  options.weight_decay = training.weight_decay;
  return options;
}

}  // namespace

// Selectors are small and draw on the CPU, so they stay there whatever the node's device.
Selector::Selector(const SelectorOptions& options, RandomStream init)
    : options_(options),
      network_({options.input, options.numbers + options.positions, options.model.hidden1,
                options.model.hidden2},
               init, at::kCPU),
      optimizer_(network_.parameters(), OptimizerOptions(options.training)) {}

std::vector<policy::Draw> Selector::Sample(const at::Tensor& input,
                                           std::vector<RandomStream>& streams,
                                           const std::vector<bool>& up) {
  logits_ = network_.Forward(input);
  up_ = up;
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

void Selector::Accumulate(const std::vector<float>& advantage, double entropy_bonus) {
  if (draws_.empty()) return;
  const at::Tensor weight = at::from_blob(const_cast<float*>(advantage.data()),
                                          {static_cast<int64_t>(advantage.size())}, at::kFloat);
  at::Tensor objective =
      (weight * policy::LogProbability(logits_, options_.numbers, draws_, up_)).sum();
  if (entropy_bonus > 0) {
    objective = objective - entropy_bonus * policy::Entropy(logits_, options_.numbers, up_).sum();
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
}

void Selector::Discard() {
  optimizer_.Discard();
  logits_.reset();
  draws_.clear();
}

}  // namespace semlink::method
