// Named tensors in a safetensors file, which other programs read too
// (https://huggingface.co/docs/safetensors: Metadata parsing, Format).
//
//   u64 little-endian   length of the header, bytes
//   header              JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//                       ..., "__metadata__": {"key": "text", ...}}, padded with spaces to a
//                       multiple of 8 bytes
//   data                the tensors, row-major little-endian, at their offsets from here; no gap,
//                       no overlap
//
// FLOAT32 (F32) is the only element type, as in v1::Tensor.
#ifndef SEMLINK_COMMON_STORE_SAFETENSORS_H_
#define SEMLINK_COMMON_STORE_SAFETENSORS_H_

#include <google/protobuf/repeated_field.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "semlink/v1/message.pb.h"

namespace semlink::store {

struct TensorFile {
  // In the order of their data. Names are distinct.
  google::protobuf::RepeatedPtrField<v1::NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
};

// The bytes of the file: the same for the same tensors and metadata. INVALID_ARGUMENT names the
// tensor whose dtype, shape and data do not agree, or whose name can't stand in the header (used
// twice, "__metadata__", not UTF-8).
absl::StatusOr<std::string> EncodeSafetensors(const TensorFile& file);

// The reverse. DATA_LOSS says what is wrong, `what` (a path) says where. Trusts nothing: the memory
// it takes is bounded by the size of the bytes, whatever the header claims. Tensors without
// elements that share an offset come sorted by name.
absl::StatusOr<TensorFile> DecodeSafetensors(absl::string_view bytes, const std::string& what);

// The same to and from a file, which is replaced whole or not at all.
absl::Status WriteSafetensors(const std::string& path, const TensorFile& file);
absl::StatusOr<TensorFile> ReadSafetensors(const std::string& path);

}  // namespace semlink::store

#endif  // SEMLINK_COMMON_STORE_SAFETENSORS_H_
