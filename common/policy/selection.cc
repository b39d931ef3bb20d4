#include "common/policy/selection.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace semlink::policy {
namespace {

constexpr int kMostEnumerated = 20;

// What the logits and the mask allow.
struct Space {
  int numbers = 0;          // number logits (L)
  int positions = 0;        // position logits (P)
  int most = 0;             // n is in 1..most; 0 if nothing is up
  std::vector<int64_t> up;  // positions that are up, ascending
};

Space MakeSpace(const at::Tensor& logits, int numbers, const std::vector<bool>& up) {
  TORCH_CHECK(logits.dim() == 2, "selection: logits must be [R, L + P], got ", logits.sizes());
  TORCH_CHECK(numbers >= 1 && logits.size(1) > numbers, "selection: ", logits.size(1),
              " logits can't hold ", numbers, " number logits and at least one position logit");
  Space space;
  space.numbers = numbers;
  space.positions = static_cast<int>(logits.size(1)) - numbers;
  TORCH_CHECK(up.empty() || static_cast<int>(up.size()) == space.positions,
              "selection: the mask has ", up.size(), " entries for ", space.positions,
              " positions");
  for (int p = 0; p < space.positions; ++p) {
    if (up.empty() || up[p]) space.up.push_back(p);
  }
  space.most = std::min(numbers, static_cast<int>(space.up.size()));
  return space;
}

// The logits as rows of doubles that plain C++ can walk.
at::Tensor CpuDouble(const at::Tensor& logits) {
  const at::Tensor rows = logits.detach().to(at::kCPU, at::kDouble).contiguous();
  TORCH_CHECK(at::isfinite(rows).all().item<bool>(), "selection: logits are not finite");
  return rows;
}

// softmax of values[0..n). The largest weight is 1 before the division, so it never divides by 0.
std::vector<double> Softmax(const std::vector<double>& values) {
  const double top = *std::max_element(values.begin(), values.end());
  std::vector<double> weights(values.size());
  double total = 0;
  for (size_t i = 0; i < values.size(); ++i) total += weights[i] = std::exp(values[i] - top);
  for (double& weight : weights) weight /= total;
  return weights;
}

int DrawIndex(const std::vector<double>& logits, RandomStream& stream) {
  const std::vector<double> weights = Softmax(logits);
  double left = stream.UniformDouble();
  int last = 0;  // where rounding leaves something over: the last index that can be drawn
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = static_cast<int>(i);
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

Draw SampleRow(const double* row, const Space& space, RandomStream& stream) {
  Draw draw;
  if (space.most == 0) return draw;
  const int n = 1 + DrawIndex({row, row + space.most}, stream);
  std::vector<int64_t> left = space.up;
  std::vector<double> logits;
  for (int64_t p : left) logits.push_back(row[space.numbers + p]);
  for (int i = 0; i < n; ++i) {
    const int drawn = DrawIndex(logits, stream);
    draw.order.push_back(static_cast<int>(left[drawn]));
    left.erase(left.begin() + drawn);
    logits.erase(logits.begin() + drawn);
  }
  return draw;
}

Draw ModeRow(const double* row, const Space& space) {
  if (space.most == 0) return {};
  const int n = 1 + static_cast<int>(std::max_element(row, row + space.most) - row);
  Draw draw;
  draw.order.assign(space.up.begin(), space.up.end());
  const double* position = row + space.numbers;
  std::stable_sort(draw.order.begin(), draw.order.end(),
                   [position](int a, int b) { return position[a] > position[b]; });
  draw.order.resize(n);
  return draw;
}

// The draws as tensors over all rows at once.
struct DrawTables {
  at::Tensor number;  // [R, 1], int64: n - 1
  at::Tensor
      sorted;        // [R, U], int64: the row's draw in order, then the other positions that are up
  at::Tensor drawn;  // [R, U], bool: the first n of them
};

DrawTables MakeTables(const std::vector<Draw>& draws, const Space& space) {
  const auto rows = static_cast<int64_t>(draws.size());
  const auto width = static_cast<int64_t>(space.up.size());
  DrawTables tables{at::empty({rows, 1}, at::kLong), at::empty({rows, width}, at::kLong),
                    at::zeros({rows, width}, at::kBool)};
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<int>& order = draws[r].order;
    const auto n = static_cast<int64_t>(order.size());
    TORCH_CHECK(n >= 1 && n <= space.most, "selection: draw ", r, " has ", n,
                " positions, expected 1 to ", space.most);
    std::vector<bool> free(space.positions, false);
    for (int64_t p : space.up) free[p] = true;
    int64_t* sorted = tables.sorted.data_ptr<int64_t>() + r * width;
    for (int p : order) {
      TORCH_CHECK(p >= 0 && p < space.positions && free[p], "selection: draw ", r, " has position ",
                  p, ", which is down, drawn before or not among the ", space.positions);
      free[p] = false;
      *sorted++ = p;
    }
    for (int64_t p : space.up) {
      if (free[p]) *sorted++ = p;
    }
    std::fill_n(tables.drawn.data_ptr<bool>() + r * width, n, true);
    tables.number.data_ptr<int64_t>()[r] = n - 1;
  }
  return tables;
}

// 0 for each row, on the graph of the logits, so that a caller may still call backward.
at::Tensor ZeroRows(const at::Tensor& logits) { return logits.slice(1, 0, 0).sum(1); }

at::Tensor SoftmaxEntropy(const at::Tensor& logits) {
  const at::Tensor log_p = at::log_softmax(logits, 1);
  return -(log_p.exp() * log_p).sum(1);
}

// Adds to inclusion[p] for every p that is up. reach[s] is the probability that the set s (bits
// over space.up) is met on the way when as many positions as allowed are drawn; P(n > |s|) says
// whether the next draw takes place.
void AddInclusion(const double* row, const Space& space, double* inclusion) {
  const int width = static_cast<int>(space.up.size());
  const std::vector<double> number = Softmax({row, row + space.most});
  std::vector<double> reach(size_t{1} << width, 0.0);
  reach[0] = 1;
  for (size_t set = 0; set < reach.size(); ++set) {
    std::vector<int> left;
    std::vector<double> logits;
    for (int i = 0; i < width; ++i) {
      if ((set >> i) & 1) continue;
      left.push_back(i);
      logits.push_back(row[space.numbers + space.up[i]]);
    }
    const int size = width - static_cast<int>(left.size());
    if (size >= space.most || reach[set] == 0) continue;
    double drawn_on = 0;
    for (int n = size; n < space.most; ++n) drawn_on += number[n];
    const std::vector<double> next = Softmax(logits);
    for (size_t j = 0; j < left.size(); ++j) {
      const double probability = reach[set] * next[j];
      reach[set | (size_t{1} << left[j])] += probability;
      inclusion[space.up[left[j]]] += probability * drawn_on;
    }
  }
}

}  // namespace

std::vector<Draw> Sample(const at::Tensor& logits, int numbers, std::vector<RandomStream>& streams,
                         const std::vector<bool>& up) {
  const Space space = MakeSpace(logits, numbers, up);
  const at::Tensor rows = CpuDouble(logits);
  TORCH_CHECK(static_cast<int64_t>(streams.size()) == rows.size(0), "selection: ", streams.size(),
              " random streams for ", rows.size(0), " rows");
  std::vector<Draw> draws;
  draws.reserve(streams.size());
  for (size_t r = 0; r < streams.size(); ++r) {
    const double* row = rows.data_ptr<double>() + static_cast<int64_t>(r) * rows.size(1);
    draws.push_back(SampleRow(row, space, streams[r]));
  }
  return draws;
}

std::vector<Draw> Mode(const at::Tensor& logits, int numbers, const std::vector<bool>& up) {
  const Space space = MakeSpace(logits, numbers, up);
  const at::Tensor rows = CpuDouble(logits);
  std::vector<Draw> draws;
  for (int64_t r = 0; r < rows.size(0); ++r) {
    draws.push_back(ModeRow(rows.data_ptr<double>() + r * rows.size(1), space));
  }
  return draws;
}

at::Tensor LogProbability(const at::Tensor& logits, int numbers, const std::vector<Draw>& draws,
                          const std::vector<bool>& up) {
  const Space space = MakeSpace(logits, numbers, up);
  TORCH_CHECK(static_cast<int64_t>(draws.size()) == logits.size(0), "selection: ", draws.size(),
              " draws for ", logits.size(0), " rows");
  if (space.most == 0) {
    for (const Draw& draw : draws) {
      TORCH_CHECK(draw.order.empty(), "selection: a draw has positions although nothing is up");
    }
    return ZeroRows(logits);
  }
  const DrawTables tables = MakeTables(draws, space);
  const auto device = logits.device();
  const at::Tensor number =
      at::log_softmax(logits.slice(1, 0, space.most), 1).gather(1, tables.number.to(device));
  // Each row sorted into what was drawn first, second, ..., and the rest: then what the s-th draw
  // chose from are the entries s, s + 1,
  // ..., and one running logsumexp from the right gives every normaliser.
  const at::Tensor sorted = logits.slice(1, numbers).gather(1, tables.sorted.to(device));
  const at::Tensor normaliser = at::flip(at::logcumsumexp(at::flip(sorted, {1}), 1), {1});
  const at::Tensor steps = (sorted - normaliser).masked_fill(~tables.drawn.to(device), 0);
  return number.squeeze(1) + steps.sum(1);
}

at::Tensor Entropy(const at::Tensor& logits, int numbers, const std::vector<bool>& up) {
  const Space space = MakeSpace(logits, numbers, up);
  if (space.most == 0) return ZeroRows(logits);
  const at::Tensor index = at::tensor(space.up, at::kLong).to(logits.device());
  return SoftmaxEntropy(logits.slice(1, 0, space.most)) +
         SoftmaxEntropy(logits.slice(1, numbers).index_select(1, index));
}

at::Tensor InclusionProbability(const at::Tensor& logits, int numbers,
                                const std::vector<bool>& up) {
  const Space space = MakeSpace(logits, numbers, up);
  TORCH_CHECK(space.positions <= kMostEnumerated, "selection: inclusion probabilities of ",
              space.positions, " positions, at most ", kMostEnumerated, " can be enumerated");
  const at::Tensor rows = CpuDouble(logits);
  at::Tensor inclusion = at::zeros({rows.size(0), space.positions}, at::kDouble);
  if (space.most == 0) return inclusion;
  for (int64_t r = 0; r < rows.size(0); ++r) {
    AddInclusion(rows.data_ptr<double>() + r * rows.size(1), space,
                 inclusion.data_ptr<double>() + r * space.positions);
  }
  return inclusion;
}

}  // namespace semlink::policy
