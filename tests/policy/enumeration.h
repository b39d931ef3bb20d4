// Every selection with its probability, written down from the definition and sharing nothing with
// the code under test.
#ifndef SEMLINK_TESTS_POLICY_ENUMERATION_H_
#define SEMLINK_TESTS_POLICY_ENUMERATION_H_

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "common/policy/selection.h"

namespace semlink::policy {

using Order = std::vector<int>;

inline void ExtendSelection(const std::vector<double>& position, const std::vector<bool>& up,
                            const std::vector<double>& number, double numbers_total,
                            double probability, Order* order, std::map<Order, double>* all) {
  if (order->size() == number.size()) return;
  double total = 0;
  const auto free = [&](int p) {
    if (!up.empty() && !up[p]) return false;
    for (int drawn : *order) {
      if (drawn == p) return false;
    }
    return true;
  };
  for (size_t p = 0; p < position.size(); ++p) {
    if (free(p)) total += std::exp(position[p]);
  }
  for (size_t p = 0; p < position.size(); ++p) {
    if (!free(p)) continue;
    const double next = probability * std::exp(position[p]) / total;
    order->push_back(static_cast<int>(p));
    (*all)[*order] = next * std::exp(number[order->size() - 1]) / numbers_total;
    ExtendSelection(position, up, number, numbers_total, next, order, all);
    order->pop_back();
  }
}

// Ordered draws of one row of logits with their probabilities.
inline std::map<Order, double> Enumerate(const std::vector<double>& row, int numbers,
                                         const std::vector<bool>& up = {}) {
  const std::vector<double> position(row.begin() + numbers, row.end());
  size_t free = position.size();
  if (!up.empty()) free = std::count(up.begin(), up.end(), true);
  const std::vector<double> number(row.begin(), row.begin() + std::min<size_t>(numbers, free));
  double numbers_total = 0;
  for (double logit : number) numbers_total += std::exp(logit);
  std::map<Order, double> all;
  Order order;
  ExtendSelection(position, up, number, numbers_total, 1, &order, &all);
  return all;
}

inline at::Tensor Rows(const std::vector<double>& row, int64_t rows) {
  return at::tensor(row, at::kDouble).unsqueeze(0).expand({rows, -1}).contiguous();
}

struct PolicyCase {
  std::vector<double> row;
  int numbers;
  std::vector<bool> up;
};

inline std::vector<PolicyCase> PolicyCases() {
  return {
      {{0, 0, 0, 0, 0}, 2, {}},
      {{0.7, -0.4, 1.2, -0.3, 0.1, 2.0}, 2, {}},
      {{-1.0, 0.5, 0.9, 1.5, -2.0, 0.3, 0.2}, 3, {}},
      {{0.3, 0.9, 0.1, 1.0, -1.0, 0.5, 0.0}, 3, {true, false, true, true}},
      {{0.3, 0.9, 1.4, 1.0, -1.0, 0.5, 0.0}, 3, {false, true, false, true}},
      {{0.2, 0.1, 0.4, -0.5, 0.3}, 3, {}},       // more number logits than positions
      {{3.0, 1.5, 4.0, -3.0, 0.0, 1.0}, 2, {}},  // some draws are rare
  };
}

}  // namespace semlink::policy

#endif  // SEMLINK_TESTS_POLICY_ENUMERATION_H_
