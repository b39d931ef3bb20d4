// Selections without a selector: every node derives the same links from what OpenWindow says, so
// nobody has to be told.
#ifndef SEMLINK_COMMON_METHOD_SHARED_SELECTION_H_
#define SEMLINK_COMMON_METHOD_SHARED_SELECTION_H_

#include <memory>
#include <vector>

#include "common/base/ids.h"
#include "common/links/random_selection.h"
#include "common/method/window_plan.h"
#include "common/scenario/method_table.h"
#include "common/scenario/scenario.h"

namespace semlink::method {

// A TRAIN window in which kRanked measures single links: of the first method.measuring_share of the
// run.
bool MeasuresLinks(const Scenario& scenario, const WindowPlan& plan);

// How the links of this window are found: the method's rule, but kRandom while it measures.
SelectionRule RuleOf(const Scenario& scenario, const WindowPlan& plan);

class SharedSelection {
 public:
  explicit SharedSelection(const Scenario& scenario) : scenario_(scenario) {}

  // The links of each round, sorted by (k, m, t); none over a pair that is not linked. `rule`:
  //   kRandom      TRAIN: drawn for each round. EVALUATE, INFER: one for the session, by its draw.
  //   kRandomOnce  the same in every window of a run with this seed. It is drawn as if everybody
  //                were up; what can't be reached is left out.
  //   kListed      those of method.links.
  //   kFull        all.
  //   kFunction    those that the method's row names, and as for kRandom: one for the session.
  std::vector<std::vector<Link>> Draw(const WindowPlan& plan, SelectionRule rule);

 private:
  // What the function of the method's row names for this turn, sorted, each once. Throws
  // std::out_of_range if the scenario has no such link.
  std::vector<Link> Named(uint64_t turn, RandomStream stream) const;
  const FeasibleSelections& Space(const std::vector<std::vector<bool>>& linked);

  Scenario scenario_;
  std::unique_ptr<FeasibleSelections> selections_;  // of the last view
};

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_SHARED_SELECTION_H_
