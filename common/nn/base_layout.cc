#include "common/nn/base_layout.h"

namespace semlink::nn {
namespace {

// Hands out consecutive parts of the flat tensor.
class Allocator {
 public:
  Slice Take(int64_t rows, int64_t columns) {
    const Slice slice{next_, rows, columns};
    next_ += rows * columns;
    return slice;
  }
  int64_t next() const { return next_; }

 private:
  int64_t next_ = 0;
};

}  // namespace

BaseLayout::BaseLayout(const BaseNetworkOptions& options) {
  block[0].in = options.in;
  block[0].hidden = options.hidden1;
  block[1].in = options.hidden1;
  block[1].hidden = options.hidden2;

  Allocator flat;
  for (BlockLayout& b : block) {
    b.identity = b.in == b.hidden;
    b.entry = flat.Take(b.identity ? b.hidden : 2 * b.hidden, b.in);
    b.inner = flat.Take(b.hidden, b.hidden);
  }
  output = flat.Take(options.out, options.hidden2);

  const int64_t first_vector = flat.next();
  for (BlockLayout& b : block) {
    b.entry_bias = flat.Take(1, b.hidden);
    b.inner_bias = flat.Take(1, b.hidden);
    if (!b.identity) b.shortcut_bias = flat.Take(1, b.hidden);
    b.gain = flat.Take(1, b.hidden);
    b.shift = flat.Take(1, b.hidden);
  }
  output_bias = flat.Take(1, options.out);
  size = flat.next();
  vectors = {first_vector, 1, size - first_vector};
}

}  // namespace semlink::nn
