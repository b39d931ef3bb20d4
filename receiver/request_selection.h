// The receiver's half of the selection: which transmitters it asks in which round, and the baseline
// of its policy gradient (pom2dib Algorithm 1, step 6, and eq. 21).
#ifndef SEMLINK_RECEIVER_REQUEST_SELECTION_H_
#define SEMLINK_RECEIVER_REQUEST_SELECTION_H_

#include <optional>
#include <vector>

#include "common/method/selector.h"
#include "common/method/window_plan.h"
#include "common/scenario/scenario.h"

namespace semlink::receiver {

class RequestSelection {
 public:
  RequestSelection(const Scenario& scenario, int t);

  // By transmitter: the rounds, ascending, in which it is asked. Never more than E_t transmitters
  // in a round, never one that is down or cut off from this receiver. Without policy.renormalise it
  // draws from all, and what it would ask of those is lost.
  std::vector<std::vector<uint32_t>> Draw(const method::WindowPlan& plan);

  // loss: L_t per round, penalties included. Returns loss - b_t per round, and keeps the window's
  // mean for Step.
  std::vector<float> Advantage(const std::vector<float>& loss);

  // Adds the policy gradient of the last Draw.
  void Accumulate(const std::vector<float>& advantage, double entropy_bonus) {
    selector_.Accumulate(advantage, entropy_bonus);
  }

  void Step();
  void Discard() { selector_.Discard(); }
  method::Selector& selector() { return selector_; }
  std::optional<double>& baseline() { return baseline_; }

 private:
  Scenario scenario_;
  int t_;
  method::Selector selector_;
  std::optional<double> baseline_;  // b_t, nats; nullopt until the first window of a running mean
  double window_mean_ = 0;
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_REQUEST_SELECTION_H_
