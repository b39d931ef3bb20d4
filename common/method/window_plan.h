// What every node derives alike from OpenWindow: u, the samples of each round, who is up.
#ifndef SEMLINK_COMMON_METHOD_WINDOW_PLAN_H_
#define SEMLINK_COMMON_METHOD_WINDOW_PLAN_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::method {

struct WindowPlan {
  uint64_t window = 0;
  v1::WindowKind kind = v1::WINDOW_KIND_UNSPECIFIED;
  uint64_t seed = 0;
  uint32_t draw = 0;                       // EVALUATE, INFER
  at::Tensor u;                            // [rounds, d]
  uint64_t digest = 0;                     // of u
  std::vector<data::RoundSamples> rounds;  // INFER: one round without samples
  std::vector<bool> transmitter_up;
  std::vector<bool> receiver_up;
  double progress = 0;
  uint64_t attempt = 0;               // set by the node: OpenWindow does not carry it
  std::set<std::pair<int, int>> cut;  // (k, t): live, but without a data stream
  // Replay: (k, t, stage) of what failed in this window when it was committed.
  std::set<std::tuple<int, int, v1::PairFailure::Stage>> failures;

  // Transmitter k and receiver t take part and can reach each other.
  bool linked(int k, int t) const {
    return transmitter_up[k] && receiver_up[t] && cut.count({k, t}) == 0;
  }
  // A replay, in which this is left out again. Whoever got no request sends no features, and who
  // got no features sends no gradients: a stage brings the later ones with it.
  bool failed_before(int k, int t, v1::PairFailure::Stage stage) const;

  bool train() const { return kind == v1::TRAIN; }
  data::Split split() const { return train() ? data::Split::kTrain : data::Split::kTest; }
  data::BatchKey key() const { return {split(), seed, stream()}; }
  // What the noise of samples and features is keyed by, beside the seed: the number of the window;
  // in an evaluation the draw of u and the first sample, so that to evaluate a finished run again
  // gives what the run found, whatever windows came before.
  uint64_t stream() const;
  int64_t rows(const std::vector<uint32_t>& round_indices) const;
  std::vector<data::RoundSamples> Select(const std::vector<uint32_t>& round_indices) const;
};

// INVALID_ARGUMENT if the message contradicts the scenario or itself.
absl::StatusOr<WindowPlan> MakeWindowPlan(const Scenario& scenario, const v1::OpenWindow& open,
                                          int64_t train_size, int64_t test_size);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_WINDOW_PLAN_H_
