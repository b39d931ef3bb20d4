// The optimisers of a scenario.
#ifndef SEMLINK_COMMON_METHOD_OPTIMIZER_H_
#define SEMLINK_COMMON_METHOD_OPTIMIZER_H_

#include "common/nn/adamw.h"
#include "common/scenario/scenario.h"

namespace semlink::method {

// Of encoders and decoders; the schedule multiplies its rate (schedule.h).
inline nn::AdamWOptions CodecOptimizer(const TrainingOptions& training) {
  nn::AdamWOptions options;
  options.learning_rate = training.learning_rate_codec;
  options.weight_decay = training.weight_decay;
  return options;
}

// Of selectors.
inline nn::AdamWOptions SelectorOptimizer(const TrainingOptions& training) {
  nn::AdamWOptions options = CodecOptimizer(training);
  options.learning_rate = training.learning_rate_selector;
  return options;
}

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_OPTIMIZER_H_
