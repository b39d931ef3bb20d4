#include "common/data/speech.h"

#include <algorithm>
#include <cmath>

#include "common/data/corpus.h"
#include "common/data/wav.h"

namespace semlink::data {
namespace {

constexpr float kTwoPi = 6.283185307179586f;

struct Sound {
  float f1 = 0;  // Hz; 0: a hiss
  float f2 = 0;  // Hz; of a hiss its centre
  float seconds = 0;
};

// Formants after Peterson and Barney (1952), rounded.
constexpr Sound kZ{0, 3000, .07f}, kS{0, 3400, .12f}, kF{0, 2000, .07f}, kT{0, 2800, .04f};
constexpr Sound kIh{390, 1990, .12f}, kEe{270, 2290, .18f}, kEh{530, 1840, .12f};
constexpr Sound kAh{640, 1190, .12f}, kAa{730, 1090, .14f}, kOh{570, 840, .18f};
constexpr Sound kOo{300, 870, .22f}, kR{310, 1060, .08f}, kW{300, 610, .08f}, kN{280, 1700, .12f};
constexpr Sound kV{250, 1300, .06f};

const std::vector<Sound>& Word(int digit) {
  static const auto& words = *new std::vector<std::vector<Sound>>{
      {kZ, kIh, kR, kOh}, {kW, kAh, kN},     {kT, kOo},         {kF, kR, kEe},  {kF, kOh, kR},
      {kF, kAa, kIh, kV}, {kS, kIh, kT, kS}, {kS, kEh, kV, kN}, {kEh, kIh, kT}, {kN, kAa, kIh, kN},
  };
  return words[digit];
}

struct Speaker {
  float pitch = 0;  // Hz
  float tract = 1;  // factor on all formants
  float tempo = 1;  // factor on all durations
};

// A voice: two formants, opened and closed at the pitch. A hiss: noise moved to its centre
// frequency.
void AppendSound(const Sound& sound, const Speaker& speaker, float loudness, RandomStream* random,
                 std::vector<float>* wave) {
  const int n = static_cast<int>(sound.seconds * speaker.tempo * kSampleRate);
  const float w1 = kTwoPi * sound.f1 * speaker.tract / kSampleRate;
  const float w2 = kTwoPi * std::min(3700.0f, sound.f2 * speaker.tract) / kSampleRate;
  const float w0 = kTwoPi * speaker.pitch / kSampleRate;
  const bool hiss = sound.f1 == 0;
  for (int i = 0; i < n; ++i) {
    const float t = static_cast<float>(i);
    const float edge = std::min({1.0f, (t + 1) / 80, (static_cast<float>(n) - t) / 80});
    const float value = hiss ? 0.5f * random->Swing(1) * std::cos(w2 * t)
                             : (0.6f + 0.4f * std::cos(w0 * t)) *
                                   (0.6f * std::sin(w1 * t) + 0.4f * std::sin(w2 * t));
    wave->push_back(loudness * edge * value);
  }
}

}  // namespace

std::vector<float> SpeakDigit(int digit, double difficulty, RandomStream* random) {
  Speaker speaker;
  speaker.pitch = 140 * std::exp2(random->Swing(std::min(1.0, 0.7 * difficulty)));
  speaker.tract = std::exp2(random->Swing(0.35 * difficulty));
  speaker.tempo = std::exp2(random->Swing(0.5 * difficulty));
  std::vector<float> wave(
      static_cast<std::size_t>(std::min(2000.0, 800 * difficulty * random->Uniform())));
  for (Sound sound : Word(digit)) {
    sound.f1 *= std::exp2(random->Swing(0.42 * difficulty));
    sound.f2 *= std::exp2(random->Swing(0.36 * difficulty));
    sound.seconds *= std::exp2(random->Swing(0.7 * difficulty));
    const float loudness = 0.4f * std::exp2(random->Swing(1.2 * difficulty));
    AppendSound(sound, speaker, loudness, random, &wave);
  }
  const auto noise = static_cast<float>(0.12 * difficulty);
  for (float& x : wave) x = std::min(1.0f, std::max(-1.0f, x + noise * random->Normal()));
  if (wave.size() > kWaveSamples) wave.resize(kWaveSamples);
  return wave;
}

}  // namespace semlink::data
