#include "receiver/request_selection.h"

#include <algorithm>
#include <utility>

#include "common/scenario/method_table.h"

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
    : scenario_(scenario), t_(t), shared_(scenario), ranking_(scenario) {
  if (MethodOf(scenario).selection == SelectionRule::kPolicy) {
    selector_.emplace(Options(scenario), RandomStream(scenario.seed, Purpose::kParameters, 0, 0,
                                                      (uint64_t{5} << 32) | t));
  }
  if (scenario.policy.baseline == Baseline::kConstant) baseline_ = scenario.receivers[t].baseline;
}

std::vector<std::vector<int>> RequestSelection::DrawByPolicy(const method::WindowPlan& plan,
                                                             const std::vector<bool>& linked) {
  const uint32_t rounds = static_cast<uint32_t>(plan.rounds.size());
  const std::vector<bool> up =
      scenario_.policy.renormalise ? linked : std::vector<bool>(scenario_.K(), true);
  std::vector<policy::Draw> draws;
  if (plan.train()) {
    std::vector<RandomStream> streams;
    for (uint32_t r = 0; r < rounds; ++r) {
      streams.emplace_back(plan.seed, Purpose::kReceiverSelection, plan.window, r, t_);
    }
    draws = selector_->Sample(plan.u, streams, up);
  } else {
    // All rounds of a session share u, so one row decides for all.
    draws.assign(rounds, selector_->Mode(plan.u.narrow(0, 0, 1), up).front());
  }
  std::vector<std::vector<int>> drawn;
  for (policy::Draw& draw : draws) drawn.push_back(std::move(draw.order));
  return drawn;
}

std::vector<std::vector<int>> RequestSelection::Transmitters(const method::WindowPlan& plan,
                                                             const std::vector<bool>& linked) {
  const SelectionRule rule = method::RuleOf(scenario_, plan);
  if (rule == SelectionRule::kPolicy) return DrawByPolicy(plan, linked);
  if (rule == SelectionRule::kRanked) {
    return std::vector<std::vector<int>>(plan.rounds.size(), ranking_.Transmitters(linked));
  }
  std::vector<std::vector<int>> drawn;
  for (const std::vector<Link>& links : shared_.Draw(plan, rule)) {
    std::vector<int>& order = drawn.emplace_back();
    for (const Link& link : links) {
      if (link.t == t_ && (order.empty() || order.back() != link.k)) order.push_back(link.k);
    }
  }
  return drawn;
}

std::vector<std::vector<uint32_t>> RequestSelection::Draw(const method::WindowPlan& plan) {
  std::vector<bool> linked(scenario_.K());
  for (int k = 0; k < scenario_.K(); ++k) linked[k] = plan.linked(k, t_);
  drawn_ = Transmitters(plan, linked);
  std::vector<std::vector<uint32_t>> requests(scenario_.K());
  for (uint32_t r = 0; r < drawn_.size(); ++r) {
    for (int k : drawn_[r]) {
      if (linked[k]) requests[k].push_back(r);
    }
  }
  return requests;
}

std::vector<float> RequestSelection::Relevance(const method::WindowPlan& plan, int k) const {
  if (method::RuleOf(scenario_, plan) != SelectionRule::kRanked) return {};
  return ranking_.Relevance(k);
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

void RequestSelection::Discard() {
  if (selector_.has_value()) selector_->Discard();
  ranking_.Discard();
}

void RequestSelection::Step() {
  if (selector_.has_value()) selector_->Step();
  ranking_.Step();
  if (scenario_.policy.baseline == Baseline::kConstant || !window_mean_.has_value()) return;
  if (baseline_.has_value()) {
    *baseline_ += scenario_.policy.running_mean_rate * (*window_mean_ - *baseline_);
  } else {
    baseline_ = window_mean_;
  }
}

}  // namespace semlink::receiver
