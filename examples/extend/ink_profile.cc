// A modality: how much ink there is in each row and in each column of a digit's picture.
#include "common/scenario/extensions.h"

namespace semlink::extensions {
namespace {

constexpr int kSide = 28;

// numbers[0..27]: mean of each row; numbers[28..55]: mean of each column; 0 (no ink) to 1.
void InkProfile(const uint8_t* image, float* numbers) {
  for (int i = 0; i < 2 * kSide; ++i) numbers[i] = 0;
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      const float ink = static_cast<float>(image[row * kSide + column]) / (255.0f * kSide);
      numbers[row] += ink;
      numbers[kSide + column] += ink;
    }
  }
}

}  // namespace

Extension ink_profile() {
  ModalityExtension modality;
  modality.name = "ink_profile";
  modality.size = 2 * kSide;
  modality.from_image = InkProfile;
  Extension extension;
  extension.modalities = {modality};
  return extension;
}

}  // namespace semlink::extensions
