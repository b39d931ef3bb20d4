// Generated digits to see.
#ifndef SEMLINK_COMMON_DATA_GLYPHS_H_
#define SEMLINK_COMMON_DATA_GLYPHS_H_

#include <cstdint>

#include "common/base/rng.h"

namespace semlink::data {

// Writes one 28x28 image (0 background, 255 ink) of a digit made of strokes. `difficulty` scales
// every disturbance: place, angle, size, slant, bent strokes, thickness, stray strokes, grain. 0
// draws the bare glyph.
void DrawDigit(int digit, double difficulty, RandomStream* random, uint8_t* image);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_GLYPHS_H_
