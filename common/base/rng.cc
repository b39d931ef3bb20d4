#include "common/base/rng.h"

#include <cmath>

namespace semlink {
namespace {

// Mixes 64-bit words so that close keys give unrelated streams (the finaliser of SplitMix64).
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

RandomStream::RandomStream(uint64_t seed, Purpose purpose, uint64_t window, uint32_t round,
                           uint64_t id) {
  // Seed and purpose make the key. The counter's low half is the position; its high half tells the
  // streams of one key apart, so that none runs into another.
  const uint64_t where = Mix(Mix(Mix(window) ^ round) ^ id);
  const uint64_t key = Mix(seed ^ Mix(static_cast<uint64_t>(purpose)));
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<uint32_t>(where), static_cast<uint32_t>(where >> 32)};
}

void RandomStream::Refill() {
  block_ = Philox4x32(counter_, key_);
  if (++counter_[0] == 0) ++counter_[1];
  used_ = 0;
}

uint32_t RandomStream::NextU32() {
  if (used_ == 4) Refill();
  return block_[used_++];
}

float RandomStream::Uniform() { return static_cast<float>(NextU32() >> 8) * 0x1.0p-24f; }

float RandomStream::Swing(double size) { return static_cast<float>(size) * (2 * Uniform() - 1); }

double RandomStream::UniformDouble() {
  const uint64_t high = NextU32() >> 5;
  const uint64_t low = NextU32() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1.0p-53;
}

uint32_t RandomStream::UniformInt(uint32_t n) {
  const uint32_t limit = UINT32_MAX - UINT32_MAX % n;
  uint32_t x = NextU32();
  while (x >= limit) x = NextU32();
  return x % n;
}

float RandomStream::Normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const float u1 = (static_cast<float>(NextU32() >> 8) + 1.0f) * 0x1.0p-24f;  // (0, 1]
  const float u2 = Uniform();
  const float r = std::sqrt(-2.0f * std::log(u1));
  const float angle = 6.283185307179586f * u2;
  spare_ = r * std::sin(angle);
  has_spare_ = true;
  return r * std::cos(angle);
}

void RandomStream::FillNormal(float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = Normal();
}

void RandomStream::FillUniform(float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = Uniform();
}

std::vector<int> RandomStream::Subset(int n, int keep) {
  // Selection sampling (Knuth, TAOCP vol. 2, algorithm 3.4.2 S).
  std::vector<int> kept;
  for (int i = 0; i < n && static_cast<int>(kept.size()) < keep; ++i) {
    const int needed = keep - static_cast<int>(kept.size());
    if (static_cast<int>(UniformInt(n - i)) < needed) kept.push_back(i);
  }
  return kept;
}

}  // namespace semlink
