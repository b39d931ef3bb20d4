// Drawing a selection from a selector's logits (pom2dib section V-B.1, design section 3, "Sampling
// a selection").
//
// The logits are [number logits (L), position logits (P)]. n - 1 is drawn from softmax(number
// logits), so n is in 1..L; then n distinct positions are drawn one by one from softmax(position
// logits), renormalised after each draw. Positions that are down (failed transmitters) are masked
// out first, and n is limited to the positions that are up; the number logits are renormalised over
// the feasible n. If nothing is up, every selection is empty, with probability 1 and entropy 0.
//
// All functions throw c10::Error on shapes that do not fit together; Sample, Mode and
// InclusionProbability also on logits that are not finite (a selector that has diverged).
#ifndef SEMLINK_COMMON_POLICY_SELECTION_H_
#define SEMLINK_COMMON_POLICY_SELECTION_H_

#include <ATen/ATen.h>

#include <vector>

#include "common/base/rng.h"

namespace semlink::policy {

struct Draw {
  std::vector<int> order;  // the positions in the order drawn, distinct; empty if nothing is up
};

// Draws one selection per row. logits [R, L + P] on the CPU; `streams` one per row; up [P] (empty:
// all up).
std::vector<Draw> Sample(const at::Tensor& logits, int numbers, std::vector<RandomStream>& streams,
                         const std::vector<bool>& up = {});

// The mode given the logits: the largest number logit, then the top n positions in descending order
// of logit (ties: the lower index).
std::vector<Draw> Mode(const at::Tensor& logits, int numbers, const std::vector<bool>& up = {});

// log P of each draw, in the order drawn. [R], differentiable in logits.
at::Tensor LogProbability(const at::Tensor& logits, int numbers, const std::vector<Draw>& draws,
                          const std::vector<bool>& up = {});

// Entropy of the number distribution plus the entropy of the first position draw, nats. [R],
// differentiable in logits: a cheap stand-in for the entropy of the whole selection, whose
// enumeration grows with P!.
at::Tensor Entropy(const at::Tensor& logits, int numbers, const std::vector<bool>& up = {});

// P(position p is in the selection) for each row, by enumeration over the sets drawn so far: for
// tests and reports, at most 20 positions. [R, P], double, on the CPU, without gradient.
at::Tensor InclusionProbability(const at::Tensor& logits, int numbers,
                                const std::vector<bool>& up = {});

}  // namespace semlink::policy

#endif  // SEMLINK_COMMON_POLICY_SELECTION_H_
