// Presets: what `method.preset` sets before the keys of the file are read.
#ifndef SEMLINK_COMMON_SCENARIO_PRESETS_H_
#define SEMLINK_COMMON_SCENARIO_PRESETS_H_

#include <string>
#include <vector>

#include "common/scenario/scenario.h"

namespace semlink {

// One row of the table of presets: the fields on which the presets differ.
struct Preset {
  const char* name;
  ImageScale image_scale;
  bool missing_slot_learned;
  double learning_rate_codec;
  double gamma;
  Schedule schedule;
  Baseline baseline;
  Credit credit;
  double entropy_bonus;
  RateEstimator estimator;
  bool mean_feature;
};

// All presets. The first is the one of a scenario that names none.
const std::vector<Preset>& Presets();

// nullptr if there is no preset of that name.
const Preset* FindPreset(const std::string& name);

// Sets the fields of the preset, and method.preset. Everything else is left as it is.
void ApplyPreset(const Preset& preset, Scenario* scenario);

// Constant baseline b_t of a task, nats: about the entropy of its labels, as in the published code.
double PresetBaseline(TaskKind task);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_PRESETS_H_
