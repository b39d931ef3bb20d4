#include "common/data/pairing.h"

#include <algorithm>

#include "common/base/rng.h"
#include "common/data/corpus.h"

namespace semlink::data {

std::vector<int32_t> PairRecordings(const std::vector<uint8_t>& image_digits,
                                    const std::vector<uint8_t>& recording_digits, Pairing pairing,
                                    uint64_t seed, Split split) {
  std::vector<std::vector<int32_t>> by_digit(kDigits);
  for (std::size_t i = 0; i < recording_digits.size(); ++i) {
    by_digit[recording_digits[i]].push_back(static_cast<int32_t>(i));
  }
  const bool in_order = pairing == Pairing::kReference && split == Split::kTest;
  std::vector<std::size_t> used(kDigits, 0);
  RandomStream random(seed, Purpose::kPairing, 0, 0, split == Split::kTrain ? 0 : 1);
  std::vector<int32_t> pairs;
  pairs.reserve(image_digits.size());
  for (const uint8_t digit : image_digits) {
    const std::vector<int32_t>& choices = by_digit[digit];
    const std::size_t pick = in_order ? std::min(used[digit]++, choices.size() - 1)
                                      : random.UniformInt(static_cast<uint32_t>(choices.size()));
    pairs.push_back(choices[pick]);
  }
  return pairs;
}

}  // namespace semlink::data
