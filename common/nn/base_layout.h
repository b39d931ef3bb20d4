// Where the parameters of Base lie in its flat tensor. Internal to common/nn.
#ifndef SEMLINK_COMMON_NN_BASE_LAYOUT_H_
#define SEMLINK_COMMON_NN_BASE_LAYOUT_H_

#include <ATen/ATen.h>

#include <cstdint>

#include "common/nn/base_network.h"

namespace semlink::nn {

// One matrix [rows, columns] or vector [1, columns] of the flat tensor.
struct Slice {
  int64_t offset = 0;
  int64_t rows = 0;
  int64_t columns = 0;

  at::Tensor Of(const at::Tensor& flat) const {
    return flat.as_strided({rows, columns}, {columns, 1}, flat.storage_offset() + offset);
  }
  at::Tensor VectorOf(const at::Tensor& flat) const {
    return flat.as_strided({columns}, {1}, flat.storage_offset() + offset);
  }
};

// residual(in -> hidden) and the LayerNorm behind it. Linear1 and the shortcut read the same input,
// so their weights are stored one above the other and multiplied in one product.
struct BlockLayout {
  int64_t in = 0;
  int64_t hidden = 0;
  bool identity = false;  // in == hidden: the shortcut is the input itself

  Slice entry;  // [2 hidden, in]: linear1 above shortcut; [hidden, in] with an identity
  Slice inner;  // linear2 [hidden, hidden]
  Slice entry_bias, inner_bias, shortcut_bias, gain, shift;  // [hidden]

  int64_t entry_columns() const { return entry.rows; }
};

// Matrices first, then all vectors, so that the vectors' gradients can be cleared at once.
struct BaseLayout {
  explicit BaseLayout(const BaseNetworkOptions& options);

  BlockLayout block[2];
  Slice output;       // [out, hidden2]
  Slice output_bias;  // [out]
  Slice vectors;      // all of them, as one
  int64_t size = 0;
};

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_BASE_LAYOUT_H_
