// Tensors on the wire: the float32 codec. Every other feature codec is compared with it.
#ifndef SEMLINK_COMMON_CODEC_TENSOR_CODEC_H_
#define SEMLINK_COMMON_CODEC_TENSOR_CODEC_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "semlink/v1/message.pb.h"

namespace semlink::codec {

// Copies `tensor` (any device, any float type) to a row-major float32 payload.
v1::Tensor EncodeFloat32(const at::Tensor& tensor);

// The tensor on the CPU. INVALID_ARGUMENT unless dtype, shape and payload length are exactly as
// expected and every value is finite; nothing is allocated before these checks. `what` names the
// tensor in the error.
absl::StatusOr<at::Tensor> DecodeFloat32(const v1::Tensor& message,
                                         const std::vector<int64_t>& shape,
                                         const std::string& what);

}  // namespace semlink::codec

#endif  // SEMLINK_COMMON_CODEC_TENSOR_CODEC_H_
