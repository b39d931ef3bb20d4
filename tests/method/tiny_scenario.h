// A scenario that is quick to open and to run, and the windows of it.
#ifndef SEMLINK_TESTS_METHOD_TINY_SCENARIO_H_
#define SEMLINK_TESTS_METHOD_TINY_SCENARIO_H_

#include <ATen/ATen.h>

#include <cstring>
#include <vector>

#include "common/base/rng.h"
#include "common/method/window_plan.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

inline constexpr int64_t kTinyTrain = 60;
inline constexpr int64_t kTinyTest = 23;

// Two transmitters with 2 and 3 modalities, two receivers; E_t = 2, E_k = 3; 5 rounds of 4 samples.
// No mel, whose speech takes seconds to make.
inline Scenario TinyScenario() {
  Scenario s;
  s.name = "tiny";
  s.seed = 7;
  s.data.train_samples = kTinyTrain;
  s.data.test_samples = kTinyTest;
  s.transmitters = {{{ModalityKind::kNoise, ModalityKind::kImageFft}, "cpu"},
                    {{ModalityKind::kImageFft, ModalityKind::kNoise, ModalityKind::kNoise}, "cpu"}};
  s.receivers = {{TaskKind::kParity, 0.6, "cpu"}, {TaskKind::kDigit, 2.1, "cpu"}};
  s.model.embedding = 6;
  s.model.hidden1 = 24;
  s.model.hidden2 = 12;
  s.limits = {2, 3};
  s.training.windows = 4;
  s.training.rounds_per_window = 5;
  s.training.batch_size = 4;
  s.training.beta = 0.1;
  // Rates at which a step shows in every parameter.
  s.training.learning_rate_codec = 1e-2;
  s.training.learning_rate_selector = 1e-2;
  return s;
}

inline v1::OpenWindow OpenTrain(const Scenario& s, uint64_t window) {
  v1::OpenWindow open;
  open.set_window(window);
  open.set_kind(v1::TRAIN);
  open.set_rounds(s.training.rounds_per_window);
  open.set_batch_size(s.training.batch_size);
  open.set_seed(s.seed);
  open.mutable_transmitter_up()->Resize(s.K(), true);
  open.mutable_receiver_up()->Resize(s.T(), true);
  return open;
}

// `samples` test samples from `first`, in as few rounds as they need.
inline v1::OpenWindow OpenEvaluate(const Scenario& s, uint64_t window, uint64_t first,
                                   uint64_t samples, uint32_t draw) {
  v1::OpenWindow open = OpenTrain(s, window);
  open.set_kind(v1::EVALUATE);
  open.set_rounds(static_cast<uint32_t>((samples + open.batch_size() - 1) / open.batch_size()));
  open.set_first_sample(first);
  open.set_samples(samples);
  open.set_cr_draw(draw);
  return open;
}

inline v1::OpenWindow OpenInfer(const Scenario& s, uint64_t window, uint32_t draw) {
  v1::OpenWindow open = OpenTrain(s, window);
  open.set_kind(v1::INFER);
  open.set_rounds(1);
  open.set_cr_draw(draw);
  return open;
}

inline method::WindowPlan Plan(const Scenario& s, const v1::OpenWindow& open) {
  return method::MakeWindowPlan(s, open, kTinyTrain, kTinyTest).value();
}

// Normal numbers that depend on `id` alone.
inline at::Tensor Numbers(at::IntArrayRef shape, uint64_t id) {
  at::Tensor x = at::empty(shape, at::kFloat);
  RandomStream(99, Purpose::kFault, 0, 0, id)
      .FillNormal(x.data_ptr<float>(), static_cast<size_t>(x.numel()));
  return x;
}

// Bit for bit.
inline bool Same(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  return x.sizes() == y.sizes() && x.dtype() == y.dtype() &&
         std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

inline double Difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach() - b.detach()).abs().max().item<double>();
}

inline std::vector<uint32_t> AllRounds(uint32_t rounds) {
  std::vector<uint32_t> all(rounds);
  for (uint32_t r = 0; r < rounds; ++r) all[r] = r;
  return all;
}

}  // namespace semlink

#endif  // SEMLINK_TESTS_METHOD_TINY_SCENARIO_H_
