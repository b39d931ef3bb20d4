#include "transmitter/encoder_bank.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"
#include "common/info/knn_entropy.h"
#include "common/info/rate.h"
#include "common/method/embedding.h"
#include "common/method/optimizer.h"
#include "common/scenario/method_table.h"

namespace semlink::transmitter {
namespace {

// Shift of the pre-activation of sigma: starts the encoders close to deterministic.
constexpr double kSigmaShift = 5;

// Codes of a link that an entropy is taken from, at most: the search takes time quadratic in them.
constexpr int64_t kMostEntropySamples = 1000;

struct Gaussian {
  at::Tensor mu;
  at::Tensor sigma;
};

Gaussian Split(const at::Tensor& output, int64_t d) {
  return {output.narrow(1, 0, d), at::softplus(output.narrow(1, d, d) - kSigmaShift)};
}

at::Tensor IndexTensor(const std::vector<int64_t>& index, at::Device device) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(index.size())}, at::kLong);
  std::copy(index.begin(), index.end(), tensor.data_ptr<int64_t>());
  return tensor.to(device);
}

// Where the rows of a modality's pass come from: the unique rounds it needs, and for every row of
// every link its row among them and its task.
struct RowPlan {
  std::vector<uint32_t> rounds;  // unique, ascending
  std::vector<int64_t> source;   // row of the unique batch
  std::vector<int64_t> task;
};

RowPlan PlanRows(const method::WindowPlan& plan, const std::vector<const ActiveLink*>& links) {
  RowPlan rows;
  for (const ActiveLink* link : links) {
    rows.rounds.insert(rows.rounds.end(), link->rounds.begin(), link->rounds.end());
  }
  std::sort(rows.rounds.begin(), rows.rounds.end());
  rows.rounds.erase(std::unique(rows.rounds.begin(), rows.rounds.end()), rows.rounds.end());
  std::map<uint32_t, int64_t> first_row;
  int64_t next = 0;
  for (uint32_t round : rows.rounds) {
    first_row[round] = next;
    next += static_cast<int64_t>(plan.rounds[round].samples.size());
  }
  for (const ActiveLink* link : links) {
    for (uint32_t round : link->rounds) {
      const int64_t count = static_cast<int64_t>(plan.rounds[round].samples.size());
      for (int64_t i = 0; i < count; ++i) {
        rows.source.push_back(first_row[round] + i);
        rows.task.push_back(link->t);
      }
    }
  }
  return rows;
}

// Rates of stacked rounds whose batch sizes may differ (the last round of a test split is often
// shorter): [rounds].
at::Tensor RatePerRound(RateEstimator estimator, const at::Tensor& z, const Gaussian& p,
                        const std::vector<int64_t>& batch_sizes) {
  std::vector<at::Tensor> rates;
  int64_t row = 0;
  for (size_t i = 0; i < batch_sizes.size();) {
    size_t j = i;
    while (j < batch_sizes.size() && batch_sizes[j] == batch_sizes[i]) ++j;
    const int64_t groups = static_cast<int64_t>(j - i);
    const int64_t count = groups * batch_sizes[i];
    const auto view = [&](const at::Tensor& x) {
      return x.narrow(0, row, count).reshape({groups, batch_sizes[i], x.size(1)});
    };
    rates.push_back(info::Rate(estimator, view(z), view(p.mu), view(p.sigma)));
    row += count;
    i = j;
  }
  return rates.size() == 1 ? rates.front() : at::cat(rates);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EncoderBank>> EncoderBank::Create(const Scenario& scenario, int k) {
  auto bank = std::unique_ptr<EncoderBank>(new EncoderBank(scenario, k));
  ASSIGN_OR_RETURN(bank->modalities_, data::OpenModalities(scenario, k));
  return bank;
}

EncoderBank::EncoderBank(const Scenario& scenario, int k)
    : scenario_(scenario),
      k_(k),
      deterministic_(MethodOf(scenario).encoder == EncoderRule::kDeterministic),
      device_(scenario.transmitters[k].device),
      task_embedding_(method::TaskEmbeddings(scenario).to(device_)) {
  Reset();
}

void EncoderBank::Reset() {
  const int64_t d = scenario_.model.embedding;
  passes_.clear();
  networks_.clear();
  optimizers_.clear();
  for (int m = 0; m < scenario_.M(k_); ++m) {
    const int64_t in = ModalitySize(scenario_.transmitters[k_].modalities[m]) + d;
    networks_.emplace_back(nn::BaseNetworkOptions{in, deterministic_ ? d : 2 * d,
                                                  scenario_.model.hidden1, scenario_.model.hidden2},
                           RandomStream(scenario_.seed, Purpose::kParameters, 0, 0,
                                        (uint64_t{1} << 32) | scenario_.Slot(k_, m)),
                           device_);
    optimizers_.emplace_back(networks_.back().parameters(),
                             method::CodecOptimizer(scenario_.training));
  }
}

uint64_t EncoderBank::LinkKey(int m, int t) const {
  return (static_cast<uint64_t>(scenario_.Slot(k_, m)) << 32) | static_cast<uint32_t>(t);
}

at::Tensor EncoderBank::Noise(const method::WindowPlan& plan, const ActiveLink& link) const {
  const int64_t d = scenario_.model.embedding;
  at::Tensor noise = at::empty({plan.rows(link.rounds), d}, at::kFloat);
  float* out = noise.data_ptr<float>();
  for (uint32_t round : link.rounds) {
    const size_t count = plan.rounds[round].samples.size() * d;
    RandomStream(plan.seed, Purpose::kFeatureNoise, plan.stream(), round, LinkKey(link.m, link.t))
        .FillNormal(out, count);
    out += count;
  }
  return noise.to(device_);
}

std::vector<EncodedLink> EncoderBank::Encode(const method::WindowPlan& plan,
                                             const std::vector<ActiveLink>& links) {
  passes_.clear();
  encoded_ = links;
  rows_.clear();
  for (const ActiveLink& link : links) rows_.push_back(plan.rows(link.rounds));
  std::vector<EncodedLink> out;
  for (int m = 0; m < scenario_.M(k_); ++m) EncodeModality(plan, links, m, &out);
  return out;
}

void EncoderBank::EncodeModality(const method::WindowPlan& plan,
                                 const std::vector<ActiveLink>& links, int m,
                                 std::vector<EncodedLink>* out) {
  std::vector<const ActiveLink*> mine;
  for (const ActiveLink& link : links) {
    if (link.m == m) mine.push_back(&link);
  }
  if (mine.empty()) return;
  const at::AutoGradMode grad_mode(plan.train());
  const RowPlan rows = PlanRows(plan, mine);
  const at::Tensor x = modalities_[m]->Batch(plan.key(), plan.Select(rows.rounds)).to(device_);
  const at::Tensor e = task_embedding_.index_select(0, IndexTensor(rows.task, device_));
  const at::Tensor output = networks_[m].ForwardShared(x, IndexTensor(rows.source, device_), e);
  const Pass pass =
      deterministic_ ? DeterministicPass(plan, mine, output) : GaussianPass(plan, mine, output);
  if (plan.train()) passes_[m] = pass;

  const bool send_mean = !plan.train() && scenario_.evaluation.mean_feature;
  const at::Tensor sent = (send_mean ? pass.mean : pass.z).detach().to(at::kCPU);
  const at::Tensor rates = pass.rate.detach().to(at::kCPU, at::kFloat).contiguous();
  int64_t row = 0;
  int64_t round = 0;
  for (const ActiveLink* link : mine) {
    const int64_t count = plan.rows(link->rounds);
    const float* first = rates.data_ptr<float>() + round;
    out->push_back({*link, sent.narrow(0, row, count),
                    std::vector<float>(first, first + link->rounds.size())});
    row += count;
    round += static_cast<int64_t>(link->rounds.size());
  }
}

EncoderBank::Pass EncoderBank::GaussianPass(const method::WindowPlan& plan,
                                            const std::vector<const ActiveLink*>& links,
                                            const at::Tensor& output) const {
  const Gaussian p = Split(output, scenario_.model.embedding);
  std::vector<at::Tensor> noise;
  std::vector<int64_t> batch_sizes;
  for (const ActiveLink* link : links) {
    noise.push_back(Noise(plan, *link));
    for (uint32_t r : link->rounds)
      batch_sizes.push_back(static_cast<int64_t>(plan.rounds[r].samples.size()));
  }
  const at::Tensor z = p.mu + p.sigma * at::cat(noise);
  return {z, p.mu, RatePerRound(scenario_.rate.estimator, z, p, batch_sizes)};
}

EncoderBank::Pass EncoderBank::DeterministicPass(const method::WindowPlan& plan,
                                                 const std::vector<const ActiveLink*>& links,
                                                 const at::Tensor& output) const {
  const at::Tensor codes = output.detach().to(at::kCPU);
  std::vector<at::Tensor> rates;
  int64_t row = 0;
  for (const ActiveLink* link : links) {
    // A round is too small to estimate from: all rounds of the link have the window's value.
    const int64_t count = plan.rows(link->rounds);
    const double entropy =
        info::KnnEntropy(codes.narrow(0, row, std::min(count, kMostEntropySamples)));
    rates.push_back(at::full({static_cast<int64_t>(link->rounds.size())}, entropy, at::kFloat));
    row += count;
  }
  return {output, output, at::cat(rates)};
}

at::Tensor EncoderBank::EncodeSamples(const method::WindowPlan& plan, int m, int t,
                                      uint64_t sequence, int64_t first_sample, int64_t samples) {
  at::NoGradGuard no_grad;
  data::RoundSamples round{static_cast<uint32_t>(sequence), {}};
  for (int64_t i = 0; i < samples; ++i) round.samples.push_back((first_sample + i) % test_size());
  const at::Tensor x = modalities_[m]->Batch(plan.key(), {round}).to(device_);
  const at::Tensor e = task_embedding_.narrow(0, t, 1).expand({samples, scenario_.model.embedding});
  const at::Tensor output = networks_[m].Forward(at::cat({x, e}, 1));
  if (deterministic_) return output.to(at::kCPU);
  const Gaussian p = Split(output, scenario_.model.embedding);
  if (scenario_.evaluation.mean_feature) return p.mu.to(at::kCPU);
  at::Tensor noise =
      at::empty({samples, static_cast<int64_t>(scenario_.model.embedding)}, at::kFloat);
  RandomStream(plan.seed, Purpose::kFeatureNoise, plan.stream(), round.round, LinkKey(m, t))
      .FillNormal(noise.data_ptr<float>(), noise.numel());
  return (p.mu + p.sigma * noise.to(device_)).to(at::kCPU);
}

void EncoderBank::Backward(const std::vector<at::Tensor>& dz) {
  for (auto& [m, pass] : passes_) {
    std::vector<at::Tensor> mine;
    at::Tensor rate_weight = at::full_like(pass.rate, scenario_.training.beta);
    bool any = false;
    int64_t round = 0;
    for (size_t i = 0; i < encoded_.size(); ++i) {
      if (encoded_[i].m != m) continue;
      const int64_t rounds = static_cast<int64_t>(encoded_[i].rounds.size());
      if (dz[i].defined()) {
        mine.push_back(dz[i]);
        any = true;
      } else {
        mine.push_back(at::zeros({rows_[i], pass.z.size(1)}, at::kFloat));
        rate_weight.narrow(0, round, rounds).zero_();
      }
      round += rounds;
    }
    if (!any) continue;
    const at::Tensor dz_of_pass = at::cat(mine).to(device_);
    if (pass.rate.requires_grad()) {
      torch::autograd::backward({pass.z, pass.rate}, {dz_of_pass, rate_weight});
    } else {
      torch::autograd::backward({pass.z}, {dz_of_pass});
    }
  }
  passes_.clear();
}

void EncoderBank::Step(double rate_factor) {
  for (nn::AdamW& optimizer : optimizers_) optimizer.Step(1.0, rate_factor);
  passes_.clear();
}

void EncoderBank::Discard() {
  for (nn::AdamW& optimizer : optimizers_) optimizer.Discard();
  passes_.clear();
}

}  // namespace semlink::transmitter
