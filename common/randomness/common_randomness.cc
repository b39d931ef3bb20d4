#include "common/randomness/common_randomness.h"

#include <algorithm>
#include <cstring>

#include "common/base/rng.h"

namespace semlink {
namespace {

std::vector<float> DerivedRandomness(uint64_t seed, const v1::OpenWindow& open, int d) {
  const size_t width = static_cast<size_t>(d);
  std::vector<float> u(open.rounds() * width);
  if (open.kind() == v1::TRAIN) {
    for (uint32_t round = 0; round < open.rounds(); ++round) {
      RandomStream stream(seed, Purpose::kCommonRandomness, open.window(), round);
      stream.FillNormal(u.data() + round * width, width);
    }
    return u;
  }
  if (u.empty()) return u;
  RandomStream stream(seed, Purpose::kEvaluationCr, open.cr_draw());
  stream.FillNormal(u.data(), width);
  for (uint32_t round = 1; round < open.rounds(); ++round) {
    std::copy_n(u.begin(), width, u.begin() + round * width);
  }
  return u;
}

}  // namespace

std::vector<float> WindowRandomness(CrSource source, uint64_t seed, const v1::OpenWindow& open,
                                    int d) {
  switch (source) {
    case CrSource::kDerived:
      return DerivedRandomness(seed, open, d);
    case CrSource::kBroadcast:
      return {open.common_randomness().begin(), open.common_randomness().end()};
    case CrSource::kConstant:
      break;
  }
  return std::vector<float>(static_cast<size_t>(open.rounds()) * d, 0.0f);
}

uint64_t RandomnessDigest(const std::vector<float>& u) {
  uint64_t digest = 0xcbf29ce484222325ull;  // FNV-1a: offset basis and prime of the 64-bit variant
  for (float value : u) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) {
      digest ^= (bits >> shift) & 0xff;
      digest *= 0x100000001b3ull;
    }
  }
  return digest;
}

}  // namespace semlink
