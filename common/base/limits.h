// The most that nodes take of each other. Scenarios, jobs and flags are checked against what the
// nodes will refuse, so each figure stands here once.
#ifndef SEMLINK_COMMON_BASE_LIMITS_H_
#define SEMLINK_COMMON_BASE_LIMITS_H_

#include <cstdint>

namespace semlink {

// Largest message accepted from a peer: parameters of a node travel in one.
inline constexpr int kMaxMessageBytes = 256 << 20;

// Of the features, or gradients, in one message. Half of it, so that the rest of the message fits.
inline constexpr int64_t kMaxFeatureBytes = kMaxMessageBytes / 2;

// Messages of one peer that a node has been sent and has not taken yet. In training no more than a
// few wait: all rounds of a window travel in one message each way. An inference has kMaxInFlight
// answers under way at most, and of features in them kMaxFeatureBytesInFlight: half of this.
inline constexpr int64_t kMaxWaitingBytes = int64_t{1} << 30;
inline constexpr int64_t kMaxFeatureBytesInFlight = kMaxWaitingBytes / 2;

// Inference: samples in one request, and requests of one receiver under way at once. A transmitter
// answers no longer request, and keeps no more of them that have overtaken the opening of the
// window.
inline constexpr int kMaxInferenceBatch = 16384;
inline constexpr int kMaxInFlight = 1024;

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_LIMITS_H_
