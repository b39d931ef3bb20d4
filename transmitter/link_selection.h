// The transmitter's half of the selection: which of its modalities serve which request, and what is
// left under E_k (pom2dib Algorithm 1, step 9, and section VII-A).
#ifndef SEMLINK_TRANSMITTER_LINK_SELECTION_H_
#define SEMLINK_TRANSMITTER_LINK_SELECTION_H_

#include <ATen/ATen.h>

#include <map>
#include <vector>

#include "common/method/selector.h"
#include "common/method/window_plan.h"
#include "common/scenario/scenario.h"
#include "transmitter/encoder_bank.h"

namespace semlink::transmitter {

class LinkSelection {
 public:
  LinkSelection(const Scenario& scenario, int k);

  // requests[t]: the rounds (ascending) in which receiver t asks for this transmitter. Draws the
  // modalities of every request (the mode for EVALUATE and INFER), trims each round to E_k, and
  // returns the links left, sorted by (m, t).
  std::vector<ActiveLink> Draw(const method::WindowPlan& plan,
                               const std::vector<std::vector<uint32_t>>& requests);

  // Share of the window's rounds in which (m, t) was drawn, before the trim.
  double DrawnShare(int m, int t) const;

  // advantage[t]: by round, of those that receiver t asked for. A draw for a round that is missing
  // there is left out: the gradients did not come, or other features of the round were lost. Adds
  // the policy gradient of the draws before the trim; each draw answers for the losses that
  // policy.credit names.
  void Accumulate(const std::vector<std::map<uint32_t, float>>& advantage, double entropy_bonus);

  void Step() { selector_.Step(); }
  void Discard() { selector_.Discard(); }
  method::Selector& selector() { return selector_; }

 private:
  std::vector<policy::Draw> DrawRows(const method::WindowPlan& plan,
                                     const std::vector<std::vector<uint32_t>>& requests);
  std::vector<policy::Draw> ModeRows(const method::WindowPlan& plan,
                                     const std::vector<std::vector<uint32_t>>& requests) const;

  Scenario scenario_;
  int k_;
  at::Tensor task_embedding_;
  method::Selector selector_;
  std::vector<std::vector<int>> drawn_;          // [m][t], rounds
  std::vector<std::vector<uint32_t>> requests_;  // of the last Draw
  int64_t rounds_ = 0;
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TRANSMITTER_LINK_SELECTION_H_
