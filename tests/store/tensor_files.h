// Tensors to store, for the tests of this folder.
#ifndef SEMLINK_TESTS_STORE_TENSOR_FILES_H_
#define SEMLINK_TESTS_STORE_TENSOR_FILES_H_

#include <string>
#include <vector>

#include "common/store/safetensors.h"

namespace semlink::store {

inline v1::NamedTensor Named(const std::string& name, const std::vector<uint32_t>& shape,
                             const std::vector<float>& values) {
  v1::NamedTensor named;
  named.set_name(name);
  named.mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
  for (uint32_t size : shape) named.mutable_tensor()->add_shape(size);
  named.mutable_tensor()->set_data(values.data(), values.size() * sizeof(float));
  return named;
}

// A matrix, a scalar, a tensor without elements and a name that needs escapes, in an order that is
// not that of the names.
inline TensorFile Example() {
  TensorFile file;
  *file.tensors.Add() = Named("z.weight", {2, 3}, {1, 2, 3, 4, 5, -6.5f});
  *file.tensors.Add() = Named("a.scale", {}, {0.25f});
  *file.tensors.Add() = Named("empty", {4, 0}, {});
  *file.tensors.Add() = Named("quote\" \\ \xC3\xA9\n", {1}, {7});
  file.metadata = {{"scenario", "a: 1\nb: \"two\""}, {"window", "2000"}};
  return file;
}

// Header and data as the format puts them together, with a length that may lie.
inline std::string Assemble(const std::string& header, const std::string& data, uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  return bytes + header + data;
}
inline std::string Assemble(const std::string& header, const std::string& data) {
  return Assemble(header, data, header.size());
}

}  // namespace semlink::store

#endif  // SEMLINK_TESTS_STORE_TENSOR_FILES_H_
