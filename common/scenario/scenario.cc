#include "common/scenario/scenario.h"

#include "common/scenario/extensions.h"

namespace semlink {

int ModalitySize(ModalityKind kind) {
  switch (kind) {
    case ModalityKind::kImageFft:
      return 14 * 14;
    case ModalityKind::kMel:
      return 16 * 32;
    case ModalityKind::kNoise:
      return 14 * 14;
  }
  const ModalityExtension* extension = ExtensionOf(kind);
  return extension == nullptr ? 0 : extension->size;
}

int TaskClasses(TaskKind kind) {
  switch (kind) {
    case TaskKind::kParity:
      return 2;
    case TaskKind::kRing:
      return 6;
    case TaskKind::kDigit:
      return 10;
  }
  const TaskExtension* extension = ExtensionOf(kind);
  return extension == nullptr ? 0 : extension->classes;
}

const char* BuiltInName(ModalityKind kind) {
  switch (kind) {
    case ModalityKind::kImageFft:
      return "image_fft";
    case ModalityKind::kMel:
      return "mel";
    case ModalityKind::kNoise:
      return "noise";
  }
  return nullptr;
}

const char* BuiltInName(TaskKind kind) {
  switch (kind) {
    case TaskKind::kParity:
      return "parity";
    case TaskKind::kRing:
      return "ring";
    case TaskKind::kDigit:
      return "digit";
  }
  return nullptr;
}

const char* BuiltInName(DataSource source) {
  switch (source) {
    case DataSource::kAvMnist:
      return "av_mnist";
    case DataSource::kSynthetic:
      return "synthetic";
  }
  return nullptr;
}

const char* Name(ModalityKind kind) { return ModalityNames()[static_cast<int>(kind)].c_str(); }
const char* Name(TaskKind kind) { return TaskNames()[static_cast<int>(kind)].c_str(); }

const char* Name(RateEstimator estimator) {
  switch (estimator) {
    case RateEstimator::kMarginal:
      return "marginal";
    case RateEstimator::kJoint:
      return "joint";
    case RateEstimator::kKnnEntropy:
      return "knn_entropy";
  }
  return "?";
}

int Scenario::J() const {
  int sum = 0;
  for (int k = 0; k < K(); ++k) sum += M(k);
  return sum;
}

int Scenario::Slot(int k, int m) const {
  int slot = m;
  for (int before = 0; before < k; ++before) slot += M(before);
  return slot;
}

}  // namespace semlink
