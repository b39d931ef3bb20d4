#include "transmitter/link_selection.h"

#include <algorithm>
#include <utility>

#include "common/links/feasibility.h"
#include "common/method/embedding.h"
#include "common/scenario/method_table.h"

namespace semlink::transmitter {
namespace {

method::SelectorOptions Options(const Scenario& scenario, int k) {
  method::SelectorOptions options;
  options.input = 2 * scenario.model.embedding;
  options.numbers = scenario.M(k);
  options.positions = scenario.M(k);
  options.model = scenario.model;
  options.training = scenario.training;
  return options;
}

// The trim of a round. Outside training the links of a session stay fixed, so all its rounds share
// one stream.
RandomStream TrimStream(const method::WindowPlan& plan, uint32_t round, int k) {
  if (plan.train()) return RandomStream(plan.seed, Purpose::kTrim, plan.window, round, k);
  constexpr uint64_t kSession = uint64_t{1} << 63;  // apart from every window number
  return RandomStream(plan.seed, Purpose::kTrim, kSession | plan.draw, 0, k);
}

}  // namespace

LinkSelection::LinkSelection(const Scenario& scenario, int k)
    : scenario_(scenario),
      k_(k),
      e_k_(LimitsInForce(scenario).e_k),
      task_embedding_(method::TaskEmbeddings(scenario)),
      shared_(scenario) {
  if (MethodOf(scenario).selection != SelectionRule::kPolicy) return;
  selector_.emplace(Options(scenario, k), RandomStream(scenario.seed, Purpose::kParameters, 0, 0,
                                                       (uint64_t{2} << 32) | k));
}

std::vector<policy::Draw> LinkSelection::Rows(const method::WindowPlan& plan,
                                              const std::vector<std::vector<uint32_t>>& requests,
                                              const std::vector<std::vector<float>>& relevance) {
  const SelectionRule rule = method::RuleOf(scenario_, plan);
  if (rule == SelectionRule::kRanked) return BestRows(plan, requests, relevance);
  if (rule != SelectionRule::kPolicy) return SharedRows(plan, rule, requests);
  return plan.train() ? DrawRows(plan, requests) : ModeRows(plan, requests);
}

std::vector<policy::Draw> LinkSelection::DrawRows(
    const method::WindowPlan& plan, const std::vector<std::vector<uint32_t>>& requests) {
  std::vector<at::Tensor> rows;
  std::vector<RandomStream> streams;
  for (size_t t = 0; t < requests.size(); ++t) {
    for (uint32_t r : requests[t]) {
      rows.push_back(at::cat({plan.u[r], task_embedding_[t]}));
      streams.emplace_back(plan.seed, Purpose::kTransmitterSelection, plan.window, r,
                           (static_cast<uint64_t>(k_) << 16) | t);
    }
  }
  if (rows.empty()) return {};
  return selector_->Sample(at::stack(rows), streams, {});
}

std::vector<policy::Draw> LinkSelection::ModeRows(
    const method::WindowPlan& plan, const std::vector<std::vector<uint32_t>>& requests) const {
  std::vector<policy::Draw> draws;
  for (size_t t = 0; t < requests.size(); ++t) {
    if (requests[t].empty()) continue;
    // All rounds of a session share u, so one row decides for all.
    const at::Tensor row = at::cat({plan.u[0], task_embedding_[t]}).unsqueeze(0);
    const policy::Draw mode = selector_->Mode(row, {}).front();
    draws.insert(draws.end(), requests[t].size(), mode);
  }
  return draws;
}

std::vector<policy::Draw> LinkSelection::BestRows(
    const method::WindowPlan& plan, const std::vector<std::vector<uint32_t>>& requests,
    const std::vector<std::vector<float>>& relevance) const {
  struct Candidate {
    float nats;
    int m;
    size_t row;
  };
  std::vector<std::vector<Candidate>> by_round(plan.rounds.size());
  size_t rows = 0;
  for (size_t t = 0; t < requests.size(); ++t) {
    for (uint32_t r : requests[t]) {
      for (int m = 0; m < scenario_.M(k_); ++m) by_round[r].push_back({relevance[t][m], m, rows});
      ++rows;
    }
  }
  std::vector<policy::Draw> draws(rows);
  for (std::vector<Candidate>& of_round : by_round) {
    std::stable_sort(of_round.begin(), of_round.end(),
                     [](const Candidate& a, const Candidate& b) { return a.nats > b.nats; });
    if (of_round.size() > static_cast<size_t>(e_k_)) of_round.resize(e_k_);
    for (const Candidate& kept : of_round) draws[kept.row].order.push_back(kept.m);
  }
  return draws;
}

std::vector<policy::Draw> LinkSelection::SharedRows(
    const method::WindowPlan& plan, SelectionRule rule,
    const std::vector<std::vector<uint32_t>>& requests) {
  const std::vector<std::vector<Link>> links = shared_.Draw(plan, rule);
  std::vector<policy::Draw> draws;
  for (size_t t = 0; t < requests.size(); ++t) {
    for (uint32_t r : requests[t]) {
      policy::Draw& draw = draws.emplace_back();
      for (const Link& link : links[r]) {
        if (link.k == k_ && link.t == static_cast<int>(t)) draw.order.push_back(link.m);
      }
    }
  }
  return draws;
}

std::vector<ActiveLink> LinkSelection::Draw(const method::WindowPlan& plan,
                                            const std::vector<std::vector<uint32_t>>& requests,
                                            const std::vector<std::vector<float>>& relevance) {
  const std::vector<policy::Draw> draws = Rows(plan, requests, relevance);
  requests_ = requests;
  rounds_ = static_cast<int64_t>(plan.rounds.size());
  drawn_.assign(scenario_.M(k_), std::vector<int>(scenario_.T(), 0));
  std::vector<std::vector<std::pair<int, int>>> by_round(rounds_);  // (t, m)
  size_t row = 0;
  for (size_t t = 0; t < requests.size(); ++t) {
    for (uint32_t r : requests[t]) {
      std::vector<int> modalities = draws[row++].order;
      std::sort(modalities.begin(), modalities.end());
      for (int m : modalities) {
        by_round[r].emplace_back(static_cast<int>(t), m);
        ++drawn_[m][t];
      }
    }
  }
  std::map<std::pair<int, int>, std::vector<uint32_t>> links;  // (m, t)
  for (uint32_t r = 0; r < by_round.size(); ++r) {
    RandomStream stream = TrimStream(plan, r, k_);
    for (int kept : TrimToLimit(static_cast<int>(by_round[r].size()), e_k_, stream)) {
      const auto [t, m] = by_round[r][kept];
      links[{m, t}].push_back(r);
    }
  }
  std::vector<ActiveLink> active;
  for (auto& [key, rounds] : links) active.push_back({key.first, key.second, std::move(rounds)});
  return active;
}

double LinkSelection::DrawnShare(int m, int t) const {
  return rounds_ == 0 || drawn_.empty()
             ? 0
             : static_cast<double>(drawn_[m][t]) / static_cast<double>(rounds_);
}

void LinkSelection::Accumulate(const std::vector<std::map<uint32_t, float>>& advantage,
                               double entropy_bonus) {
  if (!selector_.has_value()) return;
  std::vector<float> shared(rounds_, 0);
  for (const auto& of_receiver : advantage) {
    for (const auto& [round, value] : of_receiver) shared[round] += value;
  }
  const bool own = scenario_.policy.credit == Credit::kOwn;
  std::vector<float> rows;
  std::vector<bool> counted;
  for (size_t t = 0; t < requests_.size(); ++t) {
    for (uint32_t round : requests_[t]) {
      const auto found = advantage[t].find(round);
      counted.push_back(found != advantage[t].end());
      rows.push_back(!counted.back() ? 0 : own ? found->second : shared[round]);
    }
  }
  selector_->Accumulate(rows, entropy_bonus, counted);
}

std::vector<double> LinkSelection::LogLikelihood() const {
  if (!selector_.has_value()) return {};
  std::vector<double> mean(scenario_.T(), 0.0);
  const std::vector<double>& rows = selector_->weighted_log_probability();
  if (rows.empty()) return mean;
  size_t row = 0;
  for (size_t t = 0; t < requests_.size(); ++t) {
    for (size_t i = 0; i < requests_[t].size(); ++i) mean[t] += rows[row++];
    mean[t] /= static_cast<double>(rounds_);
  }
  return mean;
}

void LinkSelection::Step() {
  if (selector_.has_value()) selector_->Step();
}

void LinkSelection::Discard() {
  if (selector_.has_value()) selector_->Discard();
}

}  // namespace semlink::transmitter
