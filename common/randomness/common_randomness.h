// Common randomness u (design section 3): the vector that all selectors of a round see, so that
// they agree without talking.
#ifndef SEMLINK_COMMON_RANDOMNESS_COMMON_RANDOMNESS_H_
#define SEMLINK_COMMON_RANDOMNESS_COMMON_RANDOMNESS_H_

#include <cstdint>
#include <vector>

#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// The u of all rounds of a window, row-major [open.rounds(), d].
//   derived:   TRAIN: one standard normal vector per round, from (seed, window, round). EVALUATE
//   and INFER: the vector of
//              open.cr_draw, repeated for every round.
//   broadcast: what the coordinator sent in open.common_randomness, as it came. The receiving node
//   checks that there are
//              rounds * d numbers. The coordinator fills it with the `derived` numbers, so both
//              sources give the same run.
//   constant:  zeros. No common randomness.
// Depends on the arguments alone, so every node gets the same floats.
std::vector<float> WindowRandomness(CrSource source, uint64_t seed, const v1::OpenWindow& open,
                                    int d);

// FNV-1a (64 bit) over the little-endian bytes of the numbers. For
// Request.common_randomness_digest: it finds a mistake, it does not stop an attacker.
uint64_t RandomnessDigest(const std::vector<float>& u);

}  // namespace semlink

#endif  // SEMLINK_COMMON_RANDOMNESS_COMMON_RANDOMNESS_H_
