// Which recording goes with which image.
#ifndef SEMLINK_COMMON_DATA_PAIRING_H_
#define SEMLINK_COMMON_DATA_PAIRING_H_

#include <cstdint>
#include <vector>

#include "common/data/layout.h"
#include "common/scenario/scenario.h"

namespace semlink::data {

// For each image the index of a recording of its digit, out of the recordings of the same split.
// kUniform: drawn uniformly for each image (Purpose::kPairing, id = split).
// kReference: as the published code pairs its test set: the recordings of a digit are used once
// each, in order of file name, and all further images of that digit get the last one. Training
// pairs are drawn uniformly here too, because that code makes its training recordings last by
// augmenting them. Every digit in `image_digits` must occur in `recording_digits`.
std::vector<int32_t> PairRecordings(const std::vector<uint8_t>& image_digits,
                                    const std::vector<uint8_t>& recording_digits, Pairing pairing,
                                    uint64_t seed, Split split);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_PAIRING_H_
