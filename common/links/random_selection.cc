#include "common/links/random_selection.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace semlink {
namespace {

double Binomial(int n, int k) {
  double value = 1;
  for (int i = 1; i <= k; ++i) value = value * (n - k + i) / i;
  return std::round(value);
}

int Size(uint32_t set) { return __builtin_popcount(set); }

// An index with probability weight / total. `total` is the sum of the weights.
size_t DrawByWeight(const std::vector<double>& weights, double total, RandomStream& stream) {
  double left = stream.UniformDouble() * total;
  size_t last = 0;  // where rounding leaves something over: the last one that can be drawn
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

// by_budget[p][b] of one transmitter.
std::vector<std::vector<double>> CountByBudget(int modalities, int receivers, int e_k) {
  const int most = std::min(e_k, modalities * receivers);
  std::vector<std::vector<double>> ways(receivers + 1, std::vector<double>(most + 1, 0.0));
  std::fill(ways[0].begin(), ways[0].end(), 1.0);
  for (int p = 1; p <= receivers; ++p) {
    for (int b = 1; b <= most; ++b) {
      for (int size = 1; size <= std::min(modalities, b); ++size) {
        ways[p][b] += Binomial(modalities, size) * ways[p - 1][b - size];
      }
    }
  }
  return ways;
}

}  // namespace

double CountingCost(int e_t, int transmitters, int receivers) {
  return transmitters * std::pow(2.0 * (e_t + 1), receivers);
}

FeasibleSelections::FeasibleSelections(SelectionSpace space) : space_(std::move(space)) {
  const int transmitters = static_cast<int>(space_.modalities.size());
  receivers_ = space_.linked.empty() ? 0 : static_cast<int>(space_.linked.front().size());
  int states = 1;
  for (int t = 0; t < receivers_; ++t) {
    place_.push_back(states);
    states *= space_.e_t + 1;
  }
  for (int k = 0; k < transmitters; ++k) {
    by_budget_.push_back(CountByBudget(space_.modalities[k], receivers_, space_.e_k));
  }
  ways_.assign(transmitters + 1, std::vector<double>(states, 0.0));
  std::fill(ways_.back().begin(), ways_.back().end(), 1.0);
  for (int k = transmitters - 1; k >= 0; --k) {
    const uint32_t all = LinkedSet(k);
    for (int state = 0; state < states; ++state) {
      // Every subset of `all`, the empty one last.
      for (uint32_t set = all;; set = (set - 1) & all) {
        const int after = After(state, set);
        if (after >= 0) ways_[k][state] += Served(k, set) * ways_[k + 1][after];
        if (set == 0) break;
      }
    }
  }
}

double FeasibleSelections::Served(int k, uint32_t set) const {
  return by_budget_[k][Size(set)].back();
}

uint32_t FeasibleSelections::LinkedSet(int k) const {
  uint32_t set = 0;
  for (int t = 0; t < receivers_; ++t) {
    if (space_.linked[k][t]) set |= uint32_t{1} << t;
  }
  return set;
}

int FeasibleSelections::After(int state, uint32_t set) const {
  int after = state;
  for (int t = 0; t < receivers_; ++t) {
    if (((set >> t) & 1) == 0) continue;
    if (state / place_[t] % (space_.e_t + 1) >= space_.e_t) return -1;
    after += place_[t];
  }
  return after;
}

std::vector<Link> FeasibleSelections::Draw(RandomStream& stream) const {
  std::vector<Link> links;
  int state = 0;
  for (int k = 0; k < static_cast<int>(space_.modalities.size()); ++k) {
    const uint32_t all = LinkedSet(k);
    std::vector<uint32_t> sets;
    std::vector<double> weights;
    for (uint32_t set = all;; set = (set - 1) & all) {
      const int after = After(state, set);
      if (after >= 0) {
        sets.push_back(set);
        weights.push_back(Served(k, set) * ways_[k + 1][after]);
      }
      if (set == 0) break;
    }
    const uint32_t set = sets[DrawByWeight(weights, ways_[k][state], stream)];
    DrawModalities(k, set, stream, &links);
    state = After(state, set);
  }
  std::sort(links.begin(), links.end());
  return links;
}

void FeasibleSelections::DrawModalities(int k, uint32_t set, RandomStream& stream,
                                        std::vector<Link>* links) const {
  const std::vector<std::vector<double>>& ways = by_budget_[k];
  int budget = static_cast<int>(ways.front().size()) - 1;
  int left = Size(set);
  for (int t = 0; t < receivers_; ++t) {
    if (((set >> t) & 1) == 0) continue;
    std::vector<double> weights;  // by size - 1
    for (int size = 1; size <= std::min(space_.modalities[k], budget); ++size) {
      weights.push_back(Binomial(space_.modalities[k], size) * ways[left - 1][budget - size]);
    }
    const int size = 1 + static_cast<int>(DrawByWeight(weights, ways[left][budget], stream));
    for (int m : stream.Subset(space_.modalities[k], size)) links->push_back({k, m, t});
    budget -= size;
    --left;
  }
}

}  // namespace semlink
