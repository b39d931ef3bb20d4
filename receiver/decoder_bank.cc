#include "receiver/decoder_bank.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/method/embedding.h"
#include "common/method/optimizer.h"
#include "common/method/shared_selection.h"
#include "common/scenario/method_table.h"

namespace semlink::receiver {
namespace {

nn::BaseNetworkOptions FusedOptions(const Scenario& scenario, int t) {
  const int64_t width = scenario.model.embedding + (scenario.model.missing_slot_learned ? 1 : 0);
  return {scenario.J() * width, TaskClasses(scenario.receivers[t].task), scenario.model.hidden1,
          scenario.model.hidden2};
}

nn::BaseNetworkOptions LocalOptions(const Scenario& scenario, int t) {
  return {2 * scenario.model.embedding, TaskClasses(scenario.receivers[t].task),
          scenario.model.hidden1, scenario.model.hidden2};
}

// Cross entropy of each row, nats: [N].
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::nll_loss(at::log_softmax(logits, 1), labels, {}, at::Reduction::None);
}

// The mean of each of the consecutive parts of `values` [sum of sizes].
std::vector<double> MeanOfParts(const at::Tensor& values, const std::vector<int64_t>& sizes) {
  std::vector<double> means;
  for (const at::Tensor& part : values.to(at::kDouble).split_with_sizes(sizes)) {
    means.push_back(part.mean().item<double>());
  }
  return means;
}

// Entropy of the labels' frequencies, nats.
double LabelEntropy(const at::Tensor& labels) {
  const at::Tensor count = at::bincount(labels.to(at::kCPU)).to(at::kDouble);
  const at::Tensor share = count.masked_select(count.gt(0)) / count.sum();
  return -(share * share.log()).sum().item<double>();
}

// For each link, which rows of the window's batch its rows are.
std::vector<at::Tensor> BatchRows(const method::WindowPlan& plan,
                                  const std::vector<ReceivedLink>& links, at::Device device) {
  std::vector<int64_t> first_row;
  int64_t next = 0;
  for (const data::RoundSamples& round : plan.rounds) {
    first_row.push_back(next);
    next += static_cast<int64_t>(round.samples.size());
  }
  std::vector<at::Tensor> rows;
  for (const ReceivedLink& link : links) {
    at::Tensor index = at::empty({plan.rows(link.rounds)}, at::kLong);
    int64_t* out = index.data_ptr<int64_t>();
    for (uint32_t round : link.rounds) {
      for (size_t i = 0; i < plan.rounds[round].samples.size(); ++i)
        *out++ = first_row[round] + static_cast<int64_t>(i);
    }
    rows.push_back(index.to(device));
  }
  return rows;
}

}  // namespace

DecoderBank::DecoderBank(const Scenario& scenario, int t)
    : scenario_(scenario),
      trains_local_(MethodOf(scenario).rate == RateRule::kInformation),
      device_(scenario.receivers[t].device),
      modality_embedding_(method::ModalityEmbeddings(scenario).to(device_)),
      fused_(FusedOptions(scenario, t),
             RandomStream(scenario.seed, Purpose::kParameters, 0, 0, (uint64_t{3} << 32) | t),
             device_),
      local_(LocalOptions(scenario, t),
             RandomStream(scenario.seed, Purpose::kParameters, 0, 0, (uint64_t{4} << 32) | t),
             device_),
      fused_optimizer_(fused_.parameters(), method::CodecOptimizer(scenario.training)),
      local_optimizer_(local_.parameters(), method::CodecOptimizer(scenario.training)) {}

int64_t DecoderBank::slot_width() const { return fused_.options().in / scenario_.J(); }

at::Tensor DecoderBank::Fuse(const std::vector<ReceivedLink>& links, const at::Tensor& z,
                             const std::vector<at::Tensor>& rows, int64_t samples) const {
  std::vector<nn::SlotInput> slots;
  if (!links.empty()) {
    // With a constant 1 beside z, the first layer learns a vector per slot that is added when the
    // slot is present: the same as learning what a missing slot means, and free of cost for the
    // missing ones.
    const at::Tensor value =
        slot_width() > z.size(1)
            ? at::cat({z, at::ones({z.size(0), 1}, z.options().requires_grad(false))}, 1)
            : z;
    int64_t row = 0;
    for (size_t i = 0; i < links.size(); ++i) {
      slots.push_back(
          {scenario_.Slot(links[i].k, links[i].m), rows[i], value.narrow(0, row, rows[i].size(0))});
      row += rows[i].size(0);
    }
  }
  return fused_.ForwardSlots(slots, samples);
}

WindowResult DecoderBank::Run(const method::WindowPlan& plan,
                              const std::vector<ReceivedLink>& links,
                              const at::Tensor& host_labels) {
  const at::Tensor labels = host_labels.to(device_);
  const int64_t samples = labels.size(0);
  const std::vector<at::Tensor> rows = BatchRows(plan, links, device_);
  at::Tensor z;
  if (!links.empty()) {
    std::vector<at::Tensor> parts;
    for (const ReceivedLink& link : links) parts.push_back(link.z.to(device_));
    z = at::cat(parts);
    if (plan.train()) z.requires_grad_(true);
  }
  at::Tensor logits, ce;
  {
    const at::AutoGradMode grad_mode(plan.train() && !method::MeasuresLinks(scenario_, plan));
    logits = Fuse(links, z, rows, samples);
    ce = CrossEntropy(logits, labels);
  }
  WindowResult result;
  result.samples = samples;
  result.correct = logits.detach().argmax(1).eq(labels).sum().item<int64_t>();
  result.cross_entropy = ce.detach().mean().item<double>();
  result.links.assign(plan.rounds.size(), 0);
  for (const ReceivedLink& link : links) {
    for (uint32_t round : link.rounds) ++result.links[round];
  }
  if (plan.train()) {
    Learn(plan, links, rows, labels, z, ce, &result);
  } else if (scenario_.evaluation.score) {
    Score(plan, links, rows, labels, z, ce, &result);
  }
  return result;
}

void DecoderBank::Score(const method::WindowPlan& plan, const std::vector<ReceivedLink>& links,
                        const std::vector<at::Tensor>& rows, const at::Tensor& labels,
                        const at::Tensor& z, const at::Tensor& ce, WindowResult* result) const {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> sizes;
  for (const data::RoundSamples& round : plan.rounds) {
    sizes.push_back(static_cast<int64_t>(round.samples.size()));
  }
  const std::vector<double> fused = MeanOfParts(ce, sizes);
  for (size_t r = 0; r < sizes.size(); ++r) {
    result->loss.push_back(
        static_cast<float>(fused[r] + scenario_.training.gamma * result->links[r]));
  }
  if (links.empty() || !trains_local_) return;
  std::vector<int64_t> link_sizes;
  for (const ReceivedLink& link : links) {
    for (uint32_t round : link.rounds) link_sizes.push_back(sizes[round]);
  }
  const std::vector<double> local =
      MeanOfParts(LocalCrossEntropy(links, rows, labels, z), link_sizes);
  size_t part = 0;
  for (const ReceivedLink& link : links) {
    for (size_t i = 0; i < link.rounds.size(); ++i, ++part) {
      result->loss[link.rounds[i]] +=
          static_cast<float>(scenario_.training.beta * (local[part] + link.rate_nats[i]));
    }
  }
}

at::Tensor DecoderBank::LocalCrossEntropy(const std::vector<ReceivedLink>& links,
                                          const std::vector<at::Tensor>& rows,
                                          const at::Tensor& labels, const at::Tensor& z) const {
  std::vector<at::Tensor> embeddings;
  for (size_t i = 0; i < links.size(); ++i) {
    embeddings.push_back(modality_embedding_.narrow(0, scenario_.Slot(links[i].k, links[i].m), 1)
                             .expand({rows[i].size(0), modality_embedding_.size(1)}));
  }
  const at::Tensor local_labels = labels.index_select(0, at::cat(rows));
  return CrossEntropy(local_.Forward(at::cat({z, at::cat(embeddings)}, 1)), local_labels);
}

void DecoderBank::Learn(const method::WindowPlan& plan, const std::vector<ReceivedLink>& links,
                        const std::vector<at::Tensor>& rows, const at::Tensor& labels,
                        const at::Tensor& z, const at::Tensor& ce, WindowResult* result) {
  const at::AutoGradMode grad_mode(true);
  const bool alone = method::MeasuresLinks(scenario_, plan);
  const int64_t rounds = static_cast<int64_t>(plan.rounds.size());
  const int64_t batch = labels.size(0) / rounds;
  const at::Tensor ce_rounds = ce.reshape({rounds, batch}).mean(1);
  at::Tensor objective = alone ? at::Tensor() : ce_rounds.sum();
  result->loss.resize(rounds);
  const at::Tensor host_ce = ce_rounds.detach().to(at::kCPU, at::kFloat).contiguous();
  for (int64_t r = 0; r < rounds; ++r) {
    result->loss[r] = (alone ? 0 : host_ce.data_ptr<float>()[r]) +
                      static_cast<float>(scenario_.training.gamma) * result->links[r];
  }
  if (alone) result->label_entropy = LabelEntropy(labels);
  if (!links.empty() && trains_local_) {
    const float beta = static_cast<float>(scenario_.training.beta);
    const float local_weight = alone ? 1 : beta;
    const at::Tensor local_ce =
        LocalCrossEntropy(links, rows, labels, z).reshape({-1, batch}).mean(1);
    const at::Tensor local_objective = local_weight * local_ce.sum();
    objective = objective.defined() ? objective + local_objective : local_objective;
    const at::Tensor host_local = local_ce.detach().to(at::kCPU, at::kFloat).contiguous();
    const float* local = host_local.data_ptr<float>();
    for (const ReceivedLink& link : links) {
      double sum = 0;
      for (size_t i = 0; i < link.rounds.size(); ++i, ++local) {
        result->loss[link.rounds[i]] +=
            alone ? *local + beta * link.rate_nats[i] : beta * (*local + link.rate_nats[i]);
        sum += *local;
      }
      result->local_cross_entropy.push_back(sum / static_cast<double>(link.rounds.size()));
    }
  }
  if (!objective.defined()) return;
  torch::autograd::backward({objective}, {});
  int64_t row = 0;
  for (size_t i = 0; i < links.size(); ++i) {
    result->dz.push_back(z.grad().narrow(0, row, rows[i].size(0)));
    row += rows[i].size(0);
  }
}

at::Tensor DecoderBank::Classify(const std::vector<ReceivedLink>& links, int64_t samples) const {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> parts;
  std::vector<at::Tensor> rows;
  for (const ReceivedLink& link : links) {
    parts.push_back(link.z.to(device_));
    rows.push_back(at::arange(samples, at::TensorOptions().dtype(at::kLong).device(device_)));
  }
  const at::Tensor z = parts.empty() ? at::Tensor() : at::cat(parts);
  return Fuse(links, z, rows, samples).argmax(1).to(at::kCPU);
}

void DecoderBank::Step(double rate_factor) {
  fused_optimizer_.Step(1.0, rate_factor);
  local_optimizer_.Step(1.0, rate_factor);
}

void DecoderBank::Discard() {
  fused_optimizer_.Discard();
  local_optimizer_.Discard();
}

}  // namespace semlink::receiver
