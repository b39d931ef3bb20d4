#include "common/scenario/presets.h"

#include "common/scenario/extensions.h"

namespace semlink {
const std::vector<Preset>& Presets() {
  // `paper` does what the published code does, and samples z at inference as its evaluation does.
  static const auto& presets = *new std::vector<Preset>{
      {"default", ImageScale::kSample, true, 2e-4, 0.01, Schedule::kCosine, Baseline::kRunningMean,
       Credit::kShared, 0.05, RateEstimator::kMarginal, true},
      {"paper", ImageScale::kBatch, false, 1e-4, 0, Schedule::kConstant, Baseline::kConstant,
       Credit::kOwn, 0, RateEstimator::kMarginal, false},
  };
  return presets;
}

const Preset* FindPreset(const std::string& name) {
  for (const Preset& preset : Presets()) {
    if (name == preset.name) return &preset;
  }
  return nullptr;
}

void ApplyPreset(const Preset& preset, Scenario* scenario) {
  scenario->method.preset = preset.name;
  scenario->data.image_scale = preset.image_scale;
  scenario->model.missing_slot_learned = preset.missing_slot_learned;
  scenario->training.learning_rate_codec = preset.learning_rate_codec;
  scenario->training.gamma = preset.gamma;
  scenario->training.schedule = preset.schedule;
  scenario->policy.baseline = preset.baseline;
  scenario->policy.credit = preset.credit;
  scenario->policy.entropy_bonus = preset.entropy_bonus;
  scenario->rate.estimator = preset.estimator;
  scenario->evaluation.mean_feature = preset.mean_feature;
}

double PresetBaseline(TaskKind task) {
  switch (task) {
    case TaskKind::kParity:
      return 0.6;
    case TaskKind::kRing:
      return 1.3;
    case TaskKind::kDigit:
      return 2.1;
  }
  const TaskExtension* extension = ExtensionOf(task);
  return extension == nullptr ? 0 : extension->baseline;
}

}  // namespace semlink
