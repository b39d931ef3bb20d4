// Random streams. Every random number in semlink comes from a stream keyed by (seed, purpose,
// window, round, id), so that any node can draw the same numbers at any time, in any order, and a
// resumed run repeats itself.
#ifndef SEMLINK_COMMON_BASE_RNG_H_
#define SEMLINK_COMMON_BASE_RNG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace semlink {

// What a stream is for. The values are part of the reproducibility of a run: append only.
enum class Purpose : uint32_t {
  kCommonRandomness = 1,      // u of a training round: window, round
  kEvaluationCr = 2,          // u of an evaluation or inference session: window = draw
  kSamples = 3,               // which training samples a round uses: window, round
  kParameters = 4,            // initial weights: id = network
  kEmbedding = 5,             // task and modality embeddings: id = which
  kReceiverSelection = 6,     // window, round, id = receiver
  kTransmitterSelection = 7,  // window, round, id = transmitter * 2^16 + receiver
  kTrim = 8,                  // feasibility kernel: window, round, id = transmitter
  kFeatureNoise = 9,          // epsilon of the Gaussian encoder: window, round, id = link
  kModalityNoise = 10,        // the noise modality: window, round, id = slot
  kPairing = 11,              // image -> recording: id = split
  kAugmentation = 12,         // window, round, id
  kSynthetic = 13,            // generated data: id
  kFault = 14,
  kLinkSelection = 15,  // random feasible selections: window, round
};

// Counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
// 3", 2011). The key is a mix of (seed, purpose); the counter holds the position and a mix of
// (window, round, id). Not thread-safe; cheap to construct.
class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint64_t window = 0, uint32_t round = 0,
               uint64_t id = 0);

  uint32_t NextU32();
  // Uniform in [0, 1), 24 bits.
  float Uniform();
  // Uniform in [-size, size), as Uniform().
  float Swing(double size);
  // Uniform in [0, 1), 53 bits: for draws that must reach what is rarer than 6e-8.
  double UniformDouble();
  // Uniform in [0, n), n > 0, without modulo bias.
  uint32_t UniformInt(uint32_t n);
  // Standard normal (Box-Muller).
  float Normal();
  void FillNormal(float* out, std::size_t n);
  void FillUniform(float* out, std::size_t n);
  // A uniformly random subset of `keep` out of 0..n-1, ascending.
  std::vector<int> Subset(int n, int keep);

 private:
  void Refill();

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_;
  int used_ = 4;
  bool has_spare_ = false;
  float spare_ = 0;
};

// One Philox4x32-10 block, exposed for the known-answer test.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_RNG_H_
