// Generated digits to hear.
#ifndef SEMLINK_COMMON_DATA_SPEECH_H_
#define SEMLINK_COMMON_DATA_SPEECH_H_

#include <vector>

#include "common/base/rng.h"

namespace semlink::data {

// One "spoken" digit: a sequence of sounds, each two formants of a voice or a hiss, roughly those
// of the English word. Speaker (pitch, length of the vocal tract, speed), carelessness and
// background noise are drawn; `difficulty` scales all of them. 8 kHz, at most 8000 samples, in
// -1..1.
std::vector<float> SpeakDigit(int digit, double difficulty, RandomStream* random);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_SPEECH_H_
