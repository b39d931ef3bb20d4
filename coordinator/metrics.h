// Numbers of one committed window: the line of metrics.jsonl, and the counts that show whether the
// limits were kept.
#ifndef SEMLINK_COORDINATOR_METRICS_H_
#define SEMLINK_COORDINATOR_METRICS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/scenario/scenario.h"
#include "coordinator/traffic.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

// Counted from the granted links themselves, apart from the code that granted them.
struct LimitCounts {
  int links_max = 0;         // most links that a transmitter served in a round
  int transmitters_max = 0;  // most transmitters that a receiver drew on in a round
  int limits_exceeded = 0;   // (node, round) pairs above E_k or E_t
};
LimitCounts CountLimits(const LimitOptions& limits, const std::vector<v1::LinkRounds>& granted);

struct LinkCounts : LimitCounts {
  std::vector<double> links_per_round;  // [T], mean over the rounds

  double links_total() const;  // mean over the rounds, all receivers
};
LinkCounts CountLinks(const Scenario& scenario, const WindowRecord& record);

// By receiver: in how many rounds it was granted exactly these kinds of modality. A set of kinds is
// written "image_fft+mel", sorted, each kind once whatever the number of its links; "none" without
// a link.
using KindRounds = std::vector<std::map<std::string, int>>;
KindRounds CountGrantedKinds(const Scenario& scenario, const WindowRecord& record);

// In how many rounds exactly this set of links was granted: by its text, "1.3->1,2.2->1", "" for
// none (common/links/link_sets.h).
std::map<std::string, int> CountGrantedSets(const WindowRecord& record);

// Sum over the links of the mean rate, weighted by the share of rounds in which the link was
// active. Nats per sample.
double SumRate(const WindowRecord& record);

// Correct / samples of receiver t; 0 without samples.
double Accuracy(const WindowRecord& record, int t);

// The log-likelihood of the selection for receiver t (pom2dib eq. 21, TADIB eq. 26 and Fig. 6):
// mean over the rounds of (L_t - b_t) log p(a_t | u), p being the probability of all draws for it,
// its own and the transmitters'; nats squared. With policy.credit shared the transmitters' draws
// are weighed as they are in the gradient. nullopt for a method without selectors, and outside
// TRAIN.
std::optional<double> LogLikelihood(const WindowRecord& record, int t);

// [receiver][transmitter][modality]: a share of rounds for every link of the scenario.
using LinkShares = std::vector<std::vector<std::vector<double>>>;
LinkShares NoLinks(const Scenario& scenario);  // all 0
// In which the link was drawn, before the trim to E_k.
LinkShares RequestProbability(const Scenario& scenario, const WindowRecord& record);

// One line of metrics.jsonl (docs/formats/run_folder.md). Nodes are numbered from 1 in it.
Json MetricsLine(const Scenario& scenario, const WindowRecord& record, const PairCosts& costs);

// Mean of a non-empty list; the median of one (0 if empty); p in [0, 1] quantile by nearest rank (0
// if empty).
double Mean(const std::vector<double>& values);
double Quantile(std::vector<double> values, double p);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_METRICS_H_
