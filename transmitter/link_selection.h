// The transmitter's half of the selection: which of its modalities serve which request, and what is
// left under E_k (pom2dib Algorithm 1, step 9, and section VII-A). How they are found is the
// method's rule (common/scenario/method_table.h); kPolicy alone has a selector.
#ifndef SEMLINK_TRANSMITTER_LINK_SELECTION_H_
#define SEMLINK_TRANSMITTER_LINK_SELECTION_H_

#include <ATen/ATen.h>

#include <map>
#include <optional>
#include <vector>

#include "common/method/selector.h"
#include "common/method/shared_selection.h"
#include "common/method/window_plan.h"
#include "common/scenario/scenario.h"
#include "transmitter/encoder_bank.h"

namespace semlink::transmitter {

class LinkSelection {
 public:
  LinkSelection(const Scenario& scenario, int k);

  // requests[t]: the rounds (ascending) in which receiver t asks for this transmitter. Draws the
  // modalities of every request (kPolicy: the mode for EVALUATE and INFER), trims each round to
  // E_k if the method keeps it, and returns the links left, sorted by (m, t). relevance[t][m],
  // nats, is for windows of kRanked: what receiver t measured of each modality.
  std::vector<ActiveLink> Draw(const method::WindowPlan& plan,
                               const std::vector<std::vector<uint32_t>>& requests,
                               const std::vector<std::vector<float>>& relevance = {});

  // Share of the window's rounds in which (m, t) was drawn, before the trim.
  double DrawnShare(int m, int t) const;

  // advantage[t]: by round, of those that receiver t asked for. A draw for a round that is missing
  // there is left out: the gradients did not come, or other features of the round were lost. Adds
  // the policy gradient of the draws before the trim; each draw answers for the losses that
  // policy.credit names.
  void Accumulate(const std::vector<std::map<uint32_t, float>>& advantage, double entropy_bonus);

  // By receiver: this transmitter's part of pom2dib eq. 21 after Accumulate, the mean over the
  // window's rounds of advantage times log p of the draws for it, nats squared. Empty without a
  // selector.
  std::vector<double> LogLikelihood() const;

  void Step();
  void Discard();
  bool has_selector() const { return selector_.has_value(); }
  method::Selector& selector() { return *selector_; }

 private:
  // One row for each round that each receiver asked for, by t, then round.
  std::vector<policy::Draw> Rows(const method::WindowPlan& plan,
                                 const std::vector<std::vector<uint32_t>>& requests,
                                 const std::vector<std::vector<float>>& relevance);
  std::vector<policy::Draw> DrawRows(const method::WindowPlan& plan,
                                     const std::vector<std::vector<uint32_t>>& requests);
  std::vector<policy::Draw> ModeRows(const method::WindowPlan& plan,
                                     const std::vector<std::vector<uint32_t>>& requests) const;
  // The E_k most relevant links of each round.
  std::vector<policy::Draw> BestRows(const method::WindowPlan& plan,
                                     const std::vector<std::vector<uint32_t>>& requests,
                                     const std::vector<std::vector<float>>& relevance) const;
  std::vector<policy::Draw> SharedRows(const method::WindowPlan& plan, SelectionRule rule,
                                       const std::vector<std::vector<uint32_t>>& requests);

  Scenario scenario_;
  int k_;
  int e_k_;  // the limit in force
  at::Tensor task_embedding_;
  std::optional<method::Selector> selector_;
  method::SharedSelection shared_;
  std::vector<std::vector<int>> drawn_;          // [m][t], rounds
  std::vector<std::vector<uint32_t>> requests_;  // of the last Draw
  int64_t rounds_ = 0;
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TRANSMITTER_LINK_SELECTION_H_
