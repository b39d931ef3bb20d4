// The receiver's half of the selection: which transmitters it asks in which round, and the baseline
// of its policy gradient (pom2dib Algorithm 1, step 6, and eq. 21). How they are found is the
// method's rule (common/scenario/method_table.h); kPolicy alone has a selector.
#ifndef SEMLINK_RECEIVER_REQUEST_SELECTION_H_
#define SEMLINK_RECEIVER_REQUEST_SELECTION_H_

#include <optional>
#include <vector>

#include "common/method/selector.h"
#include "common/method/shared_selection.h"
#include "common/method/window_plan.h"
#include "common/scenario/scenario.h"
#include "receiver/link_ranking.h"

namespace semlink::receiver {

class RequestSelection {
 public:
  RequestSelection(const Scenario& scenario, int t);

  // By transmitter: the rounds, ascending, in which it is asked. Never more than E_t transmitters
  // in a round, unless the method ignores E_t; never one that is down or cut off from this
  // receiver. Without policy.renormalise the policy draws from all, and what it would ask of those
  // is lost.
  std::vector<std::vector<uint32_t>> Draw(const method::WindowPlan& plan);

  // What a Request to transmitter k says of its modalities, nats: empty unless the window's links
  // are ranked.
  std::vector<float> Relevance(const method::WindowPlan& plan, int k) const;

  // Which rounds of the last Draw the policy learns from. lost[k]: what transmitter k was asked for
  // in this window did not come. Left out are the rounds that asked one of these, and those that
  // drew nobody: their loss says nothing about the draw.
  std::vector<bool> Counted(const std::vector<bool>& lost) const;

  // loss: L_t per round, penalties included; counted: see above. Returns loss - b_t of the rounds
  // that count, 0 for the others, and keeps the mean loss of those that count for Step.
  std::vector<float> Advantage(const std::vector<float>& loss, const std::vector<bool>& counted);

  // Adds the policy gradient of the last Draw, over the rounds that count.
  void Accumulate(const std::vector<float>& advantage, const std::vector<bool>& counted,
                  double entropy_bonus) {
    if (selector_.has_value()) selector_->Accumulate(advantage, entropy_bonus, counted);
  }

  void Step();
  void Discard();
  bool has_selector() const { return selector_.has_value(); }
  method::Selector& selector() { return *selector_; }
  LinkRanking& ranking() { return ranking_; }
  std::optional<double>& baseline() { return baseline_; }

 private:
  // By round: the transmitters asked.
  std::vector<std::vector<int>> Transmitters(const method::WindowPlan& plan,
                                             const std::vector<bool>& linked);
  std::vector<std::vector<int>> DrawByPolicy(const method::WindowPlan& plan,
                                             const std::vector<bool>& linked);

  Scenario scenario_;
  int t_;
  std::optional<method::Selector> selector_;
  method::SharedSelection shared_;
  LinkRanking ranking_;
  std::optional<double> baseline_;  // b_t, nats; nullopt until the first window of a running mean
  std::optional<double> window_mean_;    // of the last Advantage; nullopt if no round counted
  std::vector<std::vector<int>> drawn_;  // by round of the last Draw: transmitters
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_REQUEST_SELECTION_H_
