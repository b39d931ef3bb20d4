// A selector: the network that turns (u, embedding) into logits, and the policy gradient that
// trains it (pom2dib sections V-B.1 and VI-A.1, eq. 21; design section 3).
#ifndef SEMLINK_COMMON_METHOD_SELECTOR_H_
#define SEMLINK_COMMON_METHOD_SELECTOR_H_

#include <ATen/ATen.h>

#include <vector>

#include "common/base/rng.h"
#include "common/nn/adamw.h"
#include "common/nn/base_network.h"
#include "common/policy/selection.h"
#include "common/scenario/scenario.h"

namespace semlink::method {

struct SelectorOptions {
  int64_t input = 0;  // width of the input rows
  int numbers = 0;    // L: most positions a selection may have
  int positions = 0;  // P
  ModelOptions model;
  TrainingOptions training;
};

class Selector {
 public:
  Selector(const SelectorOptions& options, RandomStream init);

  // Draws one selection per row of `input` [R, input] and keeps what the gradient needs. streams:
  // one per row.
  std::vector<policy::Draw> Sample(const at::Tensor& input, std::vector<RandomStream>& streams,
                                   const std::vector<bool>& up);

  // The mode of each row. Keeps nothing.
  std::vector<policy::Draw> Mode(const at::Tensor& input, const std::vector<bool>& up) const;

  // Mean entropy (nats) of the last Sample.
  double entropy() const { return entropy_; }

  // Adds the gradient of sum_r advantage[r] * log p(draw r) - entropy_bonus * sum_r H(row r), over
  // the rows of the last Sample. `counted`, one per row (empty: all): rows without it add nothing;
  // their advantage must be 0. Does nothing if nothing was drawn in any row that counts.
  void Accumulate(const std::vector<float>& advantage, double entropy_bonus,
                  const std::vector<bool>& counted = {});

  // advantage[r] * log p(draw r) of each row of the last Sample, as Accumulate took them up; rows
  // that do not count are 0. Empty if it did nothing. Nats squared where the advantage is in nats.
  const std::vector<double>& weighted_log_probability() const { return weighted_; }

  // One AdamW step with the gradient clipped to the scenario's norm; forgets the last Sample.
  // Discard: without the step.
  void Step();
  void Discard();

  nn::BaseNetwork& network() { return network_; }
  nn::AdamW& optimizer() { return optimizer_; }

 private:
  SelectorOptions options_;
  nn::BaseNetwork network_;
  nn::AdamW optimizer_;
  at::Tensor logits_;
  std::vector<policy::Draw> draws_;
  std::vector<bool> up_;
  std::vector<double> weighted_;
  double entropy_ = 0;
};

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_SELECTOR_H_
