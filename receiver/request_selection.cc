#include "receiver/request_selection.h"

#include <algorithm>

namespace semlink::receiver {
namespace {

method::SelectorOptions Options(const Scenario& scenario) {
  method::SelectorOptions options;
  options.input = scenario.model.embedding;
  options.numbers = scenario.limits.e_t;
  options.positions = scenario.K();
  options.model = scenario.model;
  options.training = scenario.training;
  return options;
}

}  // namespace

RequestSelection::RequestSelection(const Scenario& scenario, int t)
    : scenario_(scenario),
      t_(t),
      selector_(Options(scenario),
                RandomStream(scenario.seed, Purpose::kParameters, 0, 0, (uint64_t{5} << 32) | t)) {
  if (scenario.policy.baseline == Baseline::kConstant) baseline_ = scenario.receivers[t].baseline;
}

std::vector<std::vector<uint32_t>> RequestSelection::Draw(const method::WindowPlan& plan) {
  const uint32_t rounds = static_cast<uint32_t>(plan.rounds.size());
  std::vector<bool> linked(scenario_.K());
  for (int k = 0; k < scenario_.K(); ++k) linked[k] = plan.linked(k, t_);
  const std::vector<bool> up =
      scenario_.policy.renormalise ? linked : std::vector<bool>(scenario_.K(), true);
  std::vector<policy::Draw> draws;
  if (plan.train()) {
    std::vector<RandomStream> streams;
    for (uint32_t r = 0; r < rounds; ++r) {
      streams.emplace_back(plan.seed, Purpose::kReceiverSelection, plan.window, r, t_);
    }
    draws = selector_.Sample(plan.u, streams, up);
  } else {
    // All rounds of a session share u, so one row decides for all.
    draws.assign(rounds, selector_.Mode(plan.u.narrow(0, 0, 1), up).front());
  }
  drawn_.clear();
  for (policy::Draw& draw : draws) drawn_.push_back(std::move(draw.order));
  std::vector<std::vector<uint32_t>> requests(scenario_.K());
  for (uint32_t r = 0; r < rounds; ++r) {
    for (int k : drawn_[r]) {
      if (linked[k]) requests[k].push_back(r);
    }
  }
  return requests;
}

std::vector<bool> RequestSelection::Counted(const std::vector<bool>& lost) const {
  std::vector<bool> counted;
  for (const std::vector<int>& order : drawn_) {
    const bool all_came =
        std::none_of(order.begin(), order.end(), [&](int k) -> bool { return lost[k]; });
    counted.push_back(!order.empty() && all_came);
  }
  return counted;
}

std::vector<float> RequestSelection::Advantage(const std::vector<float>& loss,
                                               const std::vector<bool>& counted) {
  std::vector<float> advantage(loss.size(), 0);
  const auto rounds = std::count(counted.begin(), counted.end(), true);
  window_mean_.reset();
  if (rounds == 0) return advantage;
  double sum = 0;
  for (size_t r = 0; r < loss.size(); ++r) {
    if (counted[r]) sum += loss[r];
  }
  window_mean_ = sum / static_cast<double>(rounds);
  const double baseline = baseline_.value_or(*window_mean_);
  for (size_t r = 0; r < loss.size(); ++r) {
    if (counted[r]) advantage[r] = static_cast<float>(loss[r] - baseline);
  }
  return advantage;
}

void RequestSelection::Step() {
  selector_.Step();
  if (scenario_.policy.baseline == Baseline::kConstant || !window_mean_.has_value()) return;
  if (baseline_.has_value()) {
    *baseline_ += scenario_.policy.running_mean_rate * (*window_mean_ - *baseline_);
  } else {
    baseline_ = window_mean_;
  }
}

}  // namespace semlink::receiver
