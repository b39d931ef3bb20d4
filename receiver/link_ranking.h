// What single links tell about the receiver's task, and which of them are the best (TADIB section
// V-A: "assign each individual modality-task link a relevance value, then select the top-k").
//
// The relevance of a link is the lower bound of pom2dib Proposition 1 (i),
//
//   I(Z; Y_t) >= H(Y_t) - CE(local decoder of t on this link alone),
//
// taken on training samples that the decoder has not met in this window. It is a running mean over
// the windows in which links are measured: v = sum of (1 - a)^(n - i) x_i over the same sum of
// weights, a = 0.05, so that the first measurement is the mean of one, whatever its sign, and a
// link that was measured seldom is not drawn towards 0.
#ifndef SEMLINK_RECEIVER_LINK_RANKING_H_
#define SEMLINK_RECEIVER_LINK_RANKING_H_

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "common/scenario/scenario.h"

namespace semlink::receiver {

class LinkRanking {
 public:
  explicit LinkRanking(const Scenario& scenario);

  // One measurement of link (k, m) in the open window, nats. It counts from Step on.
  void Measure(int k, int m, double nats);
  void Step();
  void Discard() { measured_.clear(); }

  // The transmitters to draw on: E_t at most, of those with up[k], in the order of their best link.
  std::vector<int> Transmitters(const std::vector<bool>& up) const;

  // By modality of transmitter k, nats. Of a link that was never measured: the lowest finite
  // number. Nothing speaks for it, so it comes after those that were.
  std::vector<float> Relevance(int k) const;

  // Both are parts of the node's parameters. [J] by slot: the means, nats; 0 where nothing is
  // known.
  const at::Tensor& values() const { return values_; }
  // [J] by slot: 1 - (1 - a)^n after n measurements, what the mean's weights come to; 0: none.
  const at::Tensor& weights() const { return weights_; }

 private:
  float Best(int k) const;

  Scenario scenario_;
  at::Tensor values_, weights_;
  std::vector<std::pair<int, double>> measured_;  // slot, nats
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_LINK_RANKING_H_
