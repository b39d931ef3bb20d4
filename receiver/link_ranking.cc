#include "receiver/link_ranking.h"

#include <algorithm>

#include "common/scenario/method_table.h"

namespace semlink::receiver {
namespace {

// Weight of a new measurement in the running mean.
constexpr double kWeight = 0.05;

}  // namespace

LinkRanking::LinkRanking(const Scenario& scenario)
    : scenario_(scenario), values_(at::zeros({scenario.J()}, at::kFloat)) {}

void LinkRanking::Measure(int k, int m, double nats) {
  measured_.emplace_back(scenario_.Slot(k, m), nats);
}

void LinkRanking::Step() {
  float* values = values_.data_ptr<float>();
  for (const auto& [slot, nats] : measured_) {
    values[slot] += static_cast<float>(kWeight * (nats - values[slot]));
  }
  measured_.clear();
}

float LinkRanking::Best(int k) const {
  const float* first = values_.data_ptr<float>() + scenario_.Slot(k, 0);
  return *std::max_element(first, first + scenario_.M(k));
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
  const float* first = values_.data_ptr<float>() + scenario_.Slot(k, 0);
  return {first, first + scenario_.M(k)};
}

}  // namespace semlink::receiver
