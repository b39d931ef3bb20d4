// What changes over a run: the codec's learning rate and the entropy bonus.
#ifndef SEMLINK_COMMON_METHOD_SCHEDULE_H_
#define SEMLINK_COMMON_METHOD_SCHEDULE_H_

#include "common/scenario/scenario.h"

namespace semlink::method {

// Factor on training.learning_rate_codec at `progress` in [0, 1]. constant: 1. cosine: 1 down to
// 0.02.
double CodecRateFactor(const TrainingOptions& options, double progress);

// Entropy bonus at `progress`: linear from policy.entropy_bonus to 0 at policy.entropy_decay.
double EntropyBonus(const PolicyOptions& options, double progress);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_SCHEDULE_H_
