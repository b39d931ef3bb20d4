// The IDX format of MNIST: a magic number (0, 0, type 8 = unsigned byte, rank), the dimensions as
// big-endian 32-bit numbers, then the bytes, last dimension fastest. Files may be plain or gzip.
#ifndef SEMLINK_COMMON_DATA_IDX_H_
#define SEMLINK_COMMON_DATA_IDX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace semlink::data {

// Refused above this: no array that this project reads comes near it.
inline constexpr uint64_t kMaxIdxBytes = uint64_t{1} << 30;

struct IdxArray {
  std::vector<uint32_t> dims;  // `rank` of them
  std::vector<uint8_t> bytes;  // product of dims
};

// Dimensions only: reads the first 4 + 4 * rank bytes.
// NOT_FOUND if the file can't be opened; DATA_LOSS if it is damaged or too short; INVALID_ARGUMENT
// if it is something else: another magic number, rank or type, dimensions that are zero or beyond
// kMaxIdxBytes.
absl::StatusOr<std::vector<uint32_t>> ReadIdxDims(const std::string& path, int rank);

// The whole file. Errors as above; also DATA_LOSS if there are more or fewer bytes than the
// dimensions say. A header that promises more than the file can hold is found out before memory is
// taken for it.
absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int rank);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_IDX_H_
