#include "receiver/link_ranking.h"

#include <algorithm>
#include <limits>

#include "common/scenario/method_table.h"

namespace semlink::receiver {
namespace {

// Weight of a new measurement in the running mean.
constexpr double kWeight = 0.05;

}  // namespace

LinkRanking::LinkRanking(const Scenario& scenario)
    : scenario_(scenario),
      values_(at::zeros({scenario.J()}, at::kFloat)),
      weights_(at::zeros({scenario.J()}, at::kFloat)) {}

void LinkRanking::Measure(int k, int m, double nats) {
  measured_.emplace_back(scenario_.Slot(k, m), nats);
}

void LinkRanking::Step() {
  float* values = values_.data_ptr<float>();
  float* weights = weights_.data_ptr<float>();
  for (const auto& [slot, nats] : measured_) {
    const double weight = weights[slot] + kWeight * (1 - weights[slot]);
    values[slot] += static_cast<float>(kWeight / weight * (nats - values[slot]));
    weights[slot] = static_cast<float>(weight);
  }
  measured_.clear();
}

float LinkRanking::Best(int k) const {
  const std::vector<float> values = Relevance(k);
  return *std::max_element(values.begin(), values.end());
}

std::vector<int> LinkRanking::Transmitters(const std::vector<bool>& up) const {
  std::vector<int> order;
  for (int k = 0; k < scenario_.K(); ++k) {
    if (up[k]) order.push_back(k);
  }
  std::stable_sort(order.begin(), order.end(), [this](int a, int b) { return Best(a) > Best(b); });
  const size_t most = static_cast<size_t>(LimitsInForce(scenario_).e_t);
  if (order.size() > most) order.resize(most);
  return order;
}

std::vector<float> LinkRanking::Relevance(int k) const {
  const float* value = values_.data_ptr<float>() + scenario_.Slot(k, 0);
  const float* weight = weights_.data_ptr<float>() + scenario_.Slot(k, 0);
  std::vector<float> relevance;
  for (int m = 0; m < scenario_.M(k); ++m) {
    relevance.push_back(weight[m] > 0 ? value[m] : std::numeric_limits<float>::lowest());
  }
  return relevance;
}

}  // namespace semlink::receiver
