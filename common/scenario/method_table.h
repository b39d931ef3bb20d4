// The methods as rows of one table. Nodes know no method by name: they read the columns. Another
// method is another row, and at most one class for a new value of a column.
#ifndef SEMLINK_COMMON_SCENARIO_METHOD_TABLE_H_
#define SEMLINK_COMMON_SCENARIO_METHOD_TABLE_H_

#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/rng.h"
#include "common/links/random_selection.h"
#include "common/scenario/scenario.h"

namespace semlink {

// What an encoder sends.
enum class EncoderRule {
  kGaussian,       // z = mu + sigma * epsilon
  kDeterministic,  // z is the output of the network
};

// How the links of a round are found.
enum class SelectionRule {
  kPolicy,      // learned by the selectors (pom2dib section V-B.1)
  kRandom,      // a fresh uniformly random feasible selection in each round
  kRandomOnce,  // one for the whole run
  kRanked,      // single links are measured first; then the best of them stay (TADIB section V-A)
  kListed,      // those of method.links
  kFull,        // all links
  kFunction,    // the row's function names them
};

// The links of a round, in any order. All nodes call it with the same arguments, so it must depend
// on them alone. `limits` are those in force. `turn`: TRAIN: the number of the round in the run;
// EVALUATE, INFER: the draw of u, whose links stay. `random` is a stream of this turn. Links to
// nodes that are away are left out by the caller.
using LinkFunction = std::vector<Link> (*)(const Scenario& scenario, const LimitOptions& limits,
                                           uint64_t turn, RandomStream* random);

// Which of the scenario's limits are kept.
enum class LimitRule {
  kKept,      // E_t and E_k
  kReceiver,  // E_t alone
  kIgnored,   // neither
};

// What stands for the rate of a link.
enum class RateRule {
  kInformation,  // I(X;Z), estimated from the encoder's densities (rate.estimator), times beta in
                 // the loss
  kCodeEntropy,  // differential entropy of the codes by nearest neighbours; measured, no part of
                 // the loss, in which the local decoders have none either
};

struct MethodRow {
  const char* name;
  EncoderRule encoder;
  SelectionRule selection;
  bool constant_randomness;  // u never changes
  LimitRule limits;
  RateRule rate;
  LinkFunction links = nullptr;  // kFunction
};

// The rows of this table.
const std::vector<MethodRow>& BuiltInMethods();

// They and those of extensions. The first is the one of a scenario that names none.
const std::vector<MethodRow>& Methods();

// nullptr if there is no method of that name.
const MethodRow* FindMethod(const std::string& name);

// Methods of the papers that are not there yet.
const std::vector<std::string>& PlannedMethods();

// The row of scenario.method.name, which must be one of the table: the reader has checked it.
const MethodRow& MethodOf(const Scenario& scenario);

// Sets method.name and what the row says about other keys: common_randomness.source and
// rate.estimator.
void ApplyMethod(const MethodRow& row, Scenario* scenario);

// The limits that selections are held to: the scenario's, or, where the method ignores one of them,
// what no selection can exceed.
LimitOptions LimitsInForce(const Scenario& scenario);

// The selections that keep these limits, everybody being in reach.
SelectionSpace SpaceInForce(const Scenario& scenario);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_METHOD_TABLE_H_
