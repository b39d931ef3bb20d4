// The networks of one AV-MNIST training window (20 rounds of 20 samples, folded): Base as it is
// against the same network from plain autograd operations, in one run on one thread.
//   9 encoders:        330 rows, 196 + 24 -> 48
//   3 fused decoders:  400 rows, 9 slots of 25, about 2.5 of them present in a round
//   3 local decoders: 1000 rows, 24 + 24 -> 10, with gradients for the features
// Times are CPU time of the thread, best of several windows. The plain network uses ATen's product
// (OpenBLAS picks its kernels by processor and may pick slow ones in a virtual machine; compare
// with OPENBLAS_CORETYPE=SkylakeX where AVX-512 is there), and dense inputs throughout. Shares of
// the peak count only products that are needed: no absent slots, no gradients of data.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/sgemm_peak.h"
#include "common/base/rng.h"
#include "common/info/rate.h"
#include "common/nn/adamw.h"
#include "common/nn/base_network.h"
#include "common/nn/gemm.h"
#include "common/nn/process_setup.h"

namespace {

using semlink::Purpose;
using semlink::RandomStream;
using semlink::bench::ThreadSeconds;
using semlink::nn::AdamW;
using semlink::nn::BaseNetwork;
using semlink::nn::BaseNetworkOptions;
using semlink::nn::SlotInput;

constexpr int64_t kRounds = 20, kBatch = 20, kSlots = 9, kSlotWidth = 25;
constexpr int kWindows = 7;

at::Tensor Random(at::IntArrayRef shape, uint64_t id) {
  at::Tensor x = at::empty(shape);
  RandomStream(1, Purpose::kSynthetic, 0, 0, id)
      .FillNormal(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));
  return x;
}

// What a network is given in a window.
struct Job {
  BaseNetworkOptions options;
  int64_t rows = 0;
  at::Tensor x;                  // dense input; for slots their concatenation
  std::vector<SlotInput> slots;  // empty: dense
  bool input_gradient = false;
  double first_layer_columns = 0;  // of x that are present, on average over rows

  double ForwardFlops(const BaseNetwork& network) const {
    const double first = 4.0 * static_cast<double>(rows * options.hidden1);
    return network.ForwardFlops(rows) -
           first * (static_cast<double>(options.in) - first_layer_columns);
  }
  double BackwardFlops(const BaseNetwork& network) const {
    const double first = 4.0 * static_cast<double>(rows * options.hidden1) * first_layer_columns;
    return 2 * ForwardFlops(network) - (input_gradient ? 0 : first);
  }
};

Job DenseJob(int64_t rows, int64_t in, int64_t out, bool input_gradient) {
  Job job;
  job.options = {in, out};
  job.rows = rows;
  job.x = Random({rows, in}, 10).set_requires_grad(input_gradient);
  job.input_gradient = input_gradient;
  job.first_layer_columns = static_cast<double>(in);
  return job;
}

Job SlotsJob(uint64_t id) {
  Job job;
  job.options = {kSlots * kSlotWidth, 10};
  job.rows = kRounds * kBatch;
  job.x = at::zeros({job.rows, job.options.in});
  job.input_gradient = true;
  std::vector<std::vector<int64_t>> rows(kSlots);
  for (uint32_t round = 0; round < kRounds; ++round) {
    RandomStream random(1, Purpose::kSynthetic, 1, round, id);
    for (const int slot : random.Subset(kSlots, 2 + static_cast<int>(round % 2))) {
      for (int64_t i = 0; i < kBatch; ++i) rows[slot].push_back(round * kBatch + i);
    }
  }
  for (int64_t s = 0; s < kSlots; ++s) {
    if (rows[s].empty()) continue;
    const at::Tensor index = at::tensor(rows[s], at::kLong);
    const at::Tensor value = Random({index.size(0), kSlotWidth}, 20 + s);
    job.x.narrow(1, s * kSlotWidth, kSlotWidth).index_copy_(0, index, value);
    job.slots.push_back({s, index, at::Tensor(value).set_requires_grad(true)});
    job.first_layer_columns +=
        static_cast<double>(index.size(0) * kSlotWidth) / static_cast<double>(job.rows);
  }
  job.x.set_requires_grad(true);
  return job;
}

std::vector<Job> WindowJobs() {
  std::vector<Job> jobs;
  for (int i = 0; i < 9; ++i) jobs.push_back(DenseJob(330, 220, 48, false));
  for (uint64_t i = 0; i < 3; ++i) jobs.push_back(SlotsJob(i));
  for (int i = 0; i < 3; ++i) jobs.push_back(DenseJob(1000, 48, 10, true));
  return jobs;
}

// The same network and optimiser from plain operations.
class PlainNetwork {
 public:
  explicit PlainNetwork(const BaseNetwork& network) {
    for (const auto& [name, view] : network.NamedParameters()) {
      State& state = parameters_[name];
      state.value = view.clone().set_requires_grad(true);
      state.m = at::zeros_like(view);
      state.v = at::zeros_like(view);
    }
  }

  at::Tensor Forward(const at::Tensor& x) const {
    const at::Tensor hidden = Norm(Residual(x, "block1."), "norm1.");
    return Linear(Norm(Residual(hidden, "block2."), "norm2."), "output.");
  }

  void Step() {
    at::NoGradGuard guard;
    ++steps_;
    const double correction1 = 1 - std::pow(0.9, steps_), correction2 = 1 - std::pow(0.999, steps_);
    for (auto& [name, s] : parameters_) {
      const at::Tensor g = s.value.grad();
      s.value.mul_(1 - 1e-4 * 1e-4);
      s.m.mul_(0.9).add_(g, 0.1);
      s.v.mul_(0.999).addcmul_(g, g, 0.001);
      s.value.addcdiv_(s.m, (s.v.sqrt() / std::sqrt(correction2)).add_(1e-8), -1e-4 / correction1);
      s.value.mutable_grad().zero_();
    }
  }

 private:
  struct State {
    at::Tensor value, m, v;
  };

  at::Tensor Linear(const at::Tensor& x, const std::string& name) const {
    return at::linear(x, parameters_.at(name + "weight").value,
                      parameters_.at(name + "bias").value);
  }
  at::Tensor Norm(const at::Tensor& x, const std::string& name) const {
    return at::layer_norm(x, {x.size(1)}, parameters_.at(name + "weight").value,
                          parameters_.at(name + "bias").value);
  }
  at::Tensor Residual(const at::Tensor& x, const std::string& name) const {
    return at::relu(Linear(at::relu(Linear(x, name + "linear1.")), name + "linear2.") +
                    Linear(x, name + "shortcut."));
  }

  std::map<std::string, State> parameters_;
  int steps_ = 0;
};

// Seconds of the fastest window, phase by phase.
struct Phases {
  double forward = 1e9, backward = 1e9, step = 1e9;

  void Keep(const Phases& other) {
    forward = std::min(forward, other.forward);
    backward = std::min(backward, other.backward);
    step = std::min(step, other.step);
  }
  double total() const { return forward + backward + step; }
};

struct Side {
  std::function<at::Tensor(std::size_t)> forward;
  std::function<void(std::size_t)> step;
};

Phases RunWindow(const Side& side, const std::vector<at::Tensor>& d_out, std::size_t first,
                 std::size_t last) {
  std::vector<at::Tensor> outputs;
  const double start = ThreadSeconds();
  for (std::size_t i = first; i < last; ++i) outputs.push_back(side.forward(i));
  const double after_forward = ThreadSeconds();
  for (std::size_t i = first; i < last; ++i) outputs[i - first].backward(d_out[i]);
  const double after_backward = ThreadSeconds();
  for (std::size_t i = first; i < last; ++i) side.step(i);
  return {after_forward - start, after_backward - after_forward, ThreadSeconds() - after_backward};
}

void PrintRow(const char* what, double ours, double plain, double gflop, double peak) {
  std::printf("%-26s %9.1f %9.1f %8.2f", what, 1e3 * ours, 1e3 * plain, plain / ours);
  if (gflop > 0) std::printf(" %9.2f %7.0f %%", gflop, 100 * gflop / ours / peak);
  std::printf("\n");
}

void BenchNetworks(double peak) {
  const std::vector<Job> jobs = WindowJobs();
  std::vector<BaseNetwork> networks;
  std::vector<AdamW> optimizers;
  std::vector<PlainNetwork> plain;
  std::vector<at::Tensor> d_out;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    networks.emplace_back(jobs[i].options, RandomStream(1, Purpose::kParameters, 0, 0, i),
                          at::kCPU);
    optimizers.emplace_back(networks[i].parameters(), semlink::nn::AdamWOptions());
    plain.emplace_back(networks[i]);
    d_out.push_back(Random({jobs[i].rows, jobs[i].options.out}, 40 + i) * 1e-2);
  }
  const Side ours = {[&](std::size_t i) {
                       return jobs[i].slots.empty()
                                  ? networks[i].Forward(jobs[i].x)
                                  : networks[i].ForwardSlots(jobs[i].slots, jobs[i].rows);
                     },
                     [&](std::size_t i) { optimizers[i].Step(); }};
  const Side theirs = {[&](std::size_t i) { return plain[i].Forward(jobs[i].x); },
                       [&](std::size_t i) { plain[i].Step(); }};

  struct Group {
    const char* name;
    std::size_t first, last;
    Phases ours, theirs;
    double forward_gflop = 0, backward_gflop = 0;
  };
  std::vector<Group> groups = {{"encoders", 0, 9, {}, {}},
                               {"fused decoders", 9, 12, {}, {}},
                               {"local decoders", 12, 15, {}, {}},
                               {"window", 0, 15, {}, {}}};
  for (Group& group : groups) {
    for (std::size_t i = group.first; i < group.last; ++i) {
      group.forward_gflop += 1e-9 * jobs[i].ForwardFlops(networks[i]);
      group.backward_gflop += 1e-9 * jobs[i].BackwardFlops(networks[i]);
    }
    RunWindow(ours, d_out, group.first, group.last);
    RunWindow(theirs, d_out, group.first, group.last);
    for (int window = 0; window < kWindows; ++window) {
      group.ours.Keep(RunWindow(ours, d_out, group.first, group.last));
      group.theirs.Keep(RunWindow(theirs, d_out, group.first, group.last));
    }
    const double forward = group.forward_gflop, backward = group.backward_gflop;
    std::printf("%s\n", group.name);
    PrintRow("  forward", group.ours.forward, group.theirs.forward, forward, peak);
    PrintRow("  backward", group.ours.backward, group.theirs.backward, backward, peak);
    PrintRow("  AdamW", group.ours.step, group.theirs.step, 0, peak);
    PrintRow("  all", group.ours.total(), group.theirs.total(), forward + backward, peak);
  }
}

void BenchRate(semlink::RateEstimator estimator, const char* name) {
  const at::Tensor mu = Random({150, kBatch, 24}, 1).set_requires_grad(true);
  const at::Tensor sigma = (Random({150, kBatch, 24}, 2) * 0.1).exp().set_requires_grad(true);
  const at::Tensor z = Random({150, kBatch, 24}, 3).set_requires_grad(true);
  const auto ours = [&] { semlink::info::Rate(estimator, z, mu, sigma).sum().backward(); };
  const auto plain = [&] {
    const at::Tensor t = (z.unsqueeze(2) - mu.unsqueeze(1)) / sigma.unsqueeze(1);
    at::Tensor density = -0.5 * t * t - sigma.log().unsqueeze(1);
    if (estimator == semlink::RateEstimator::kJoint) density = density.sum(3, true);
    (density.diagonal(0, 1, 2).sum() - density.logsumexp({2}).sum()).backward();
  };
  PrintRow(name, semlink::bench::BestSeconds(ours, kWindows),
           semlink::bench::BestSeconds(plain, kWindows), 0, 1);
}

}  // namespace

int main(int argc, char** argv) {
  // --untuned: with the allocator's defaults, to see what TuneAllocator() is worth.
  const bool tuned = argc < 2 || std::string(argv[1]) != "--untuned";
  if (tuned) semlink::nn::TuneAllocator();
  semlink::nn::UseOneThread();
  const double peak = semlink::bench::SgemmPeak();
  std::printf("sgemm peak %.1f GFLOP/s on one thread; products by %s; allocator %s\n", peak,
              semlink::nn::GemmBackend(), tuned ? "tuned" : "untuned");
  std::printf("%-26s %9s %9s %8s %9s %9s\n", "CPU milliseconds", "Base", "plain", "ratio", "GFLOP",
              "of peak");
  BenchNetworks(peak);
  std::printf("rate, 150 x 20 x 20 x 24, forward and backward\n");
  BenchRate(semlink::RateEstimator::kMarginal, "  marginal");
  BenchRate(semlink::RateEstimator::kJoint, "  joint");
  return 0;
}
