// Uniformly random feasible selections (pom2dib eqs. 9 and 10; RS-DIB of its section VIII-A.4).
//
// A selection is a set of links. It is feasible if no receiver draws on more than E_t transmitters
// and no transmitter serves more than E_k links. Every feasible selection is drawn with the same
// probability. They are too many to list, so they are counted: with N_k(s) the number of ways to
// fill transmitters k, k + 1, ... when the receivers have drawn on s transmitters so far,
//
//   N_k(s) = sum over the sets P of receivers that k may serve of  w(|P|) N_{k+1}(s + 1_P),
//
// where w(p) counts the ways to give p receivers a non-empty set of modalities each, at most E_k
// links in all. A draw then goes through the transmitters in order.
#ifndef SEMLINK_COMMON_LINKS_RANDOM_SELECTION_H_
#define SEMLINK_COMMON_LINKS_RANDOM_SELECTION_H_

#include <cstdint>
#include <vector>

#include "common/base/ids.h"
#include "common/base/rng.h"

namespace semlink {

// What is feasible.
struct SelectionSpace {
  int e_t = 0;                            // most transmitters of a receiver
  int e_k = 0;                            // most links of a transmitter
  std::vector<int> modalities;            // M(k) by transmitter
  std::vector<std::vector<bool>> linked;  // [K][T]: k and t can reach each other

  friend bool operator==(const SelectionSpace& a, const SelectionSpace& b) {
    return a.e_t == b.e_t && a.e_k == b.e_k && a.modalities == b.modalities && a.linked == b.linked;
  }
};

// Steps of the counting, about K (E_t + 1)^T 2^T: what a FeasibleSelections of this space costs.
double CountingCost(int e_t, int transmitters, int receivers);
// The most that is built.
inline constexpr double kMostCountingCost = 2e7;

class FeasibleSelections {
 public:
  // CountingCost must be at most kMostCountingCost.
  explicit FeasibleSelections(SelectionSpace space);

  const SelectionSpace& space() const { return space_; }
  // How many there are, the empty one included.
  double count() const { return ways_.front().front(); }

  // One of them, as links sorted by (k, m, t). Depends on the stream alone.
  std::vector<Link> Draw(RandomStream& stream) const;

 private:
  // Ways to serve exactly the receivers in `set`, nobody else, at transmitter k.
  double Served(int k, uint32_t set) const;
  uint32_t LinkedSet(int k) const;
  // The state after the receivers in `set` have got one more transmitter; -1: one has too many.
  int After(int state, uint32_t set) const;
  void DrawModalities(int k, uint32_t set, RandomStream& stream, std::vector<Link>* links) const;

  SelectionSpace space_;
  int receivers_ = 0;
  std::vector<int> place_;  // by receiver: (E_t + 1)^t, its digit in the number of a state
  // ways_[k][state] = N_k(state), k in 0..K.
  std::vector<std::vector<double>> ways_;
  // by_budget_[k][p][b]: ways to give p receivers a non-empty set of k's modalities each, at most b
  // links in all.
  std::vector<std::vector<std::vector<double>>> by_budget_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_LINKS_RANDOM_SELECTION_H_
