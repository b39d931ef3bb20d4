#include "common/codec/tensor_codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace semlink::codec {

v1::Tensor EncodeFloat32(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  v1::Tensor message;
  message.set_dtype(v1::Tensor::FLOAT32);
  for (int64_t size : dense.sizes()) message.add_shape(static_cast<uint32_t>(size));
  message.set_data(dense.data_ptr<float>(), dense.numel() * sizeof(float));
  return message;
}

absl::StatusOr<at::Tensor> DecodeFloat32(const v1::Tensor& message,
                                         const std::vector<int64_t>& shape,
                                         const std::string& what) {
  if (message.dtype() != v1::Tensor::FLOAT32) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, ": dtype is ", v1::Tensor::DType_Name(message.dtype()), ", expected FLOAT32"));
  }
  if (!std::equal(shape.begin(), shape.end(), message.shape().begin(), message.shape().end())) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": shape is [", absl::StrJoin(message.shape(), ", "), "], expected [",
                     absl::StrJoin(shape, ", "), "]"));
  }
  size_t count = 1;
  for (int64_t size : shape) count *= static_cast<size_t>(size);
  if (message.data().size() != count * sizeof(float)) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": payload has ", message.data().size(),
                                                   " bytes, expected ", count * sizeof(float)));
  }
  at::Tensor tensor = at::empty(shape, at::kFloat);
  if (count > 0) {
    std::memcpy(tensor.data_ptr<float>(), message.data().data(), message.data().size());
    // A sum of absolute values is finite only if every value is, short of an overflow that deserves
    // refusal as well.
    if (!std::isfinite(tensor.abs().sum().item<float>())) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": has a value that is not finite"));
    }
  }
  return tensor;
}

}  // namespace semlink::codec
