#include "common/method/schedule.h"

#include <algorithm>
#include <cmath>

namespace semlink::method {

double CodecRateFactor(const TrainingOptions& options, double progress) {
  if (options.schedule == Schedule::kConstant) return 1;
  constexpr double kFloor = 0.02;  // the last windows still learn
  constexpr double kPi = 3.14159265358979323846;
  return kFloor + (1 - kFloor) * 0.5 * (1 + std::cos(kPi * std::clamp(progress, 0.0, 1.0)));
}

double EntropyBonus(const PolicyOptions& options, double progress) {
  if (options.entropy_decay <= 0) return 0;
  return options.entropy_bonus * std::max(0.0, 1 - progress / options.entropy_decay);
}

}  // namespace semlink::method
