// IDX files, plain and gzip. The first byte is the rank that is expected.
#include "common/data/idx.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using semlink::fuzz::Require;
  semlink::fuzz::Input input(data, size);
  const int rank = 1 + input.Below(3);
  const semlink::fuzz::MemoryFile file(input.Rest());

  const auto dims = semlink::data::ReadIdxDims(file.path(), rank);
  const auto array = semlink::data::ReadIdx(file.path(), rank);
  if (!array.ok()) return 0;
  Require(dims.ok() && *dims == array->dims, "the dimensions are those of the array");
  Require(array->dims.size() == static_cast<size_t>(rank), "the rank is the one asked for");
  uint64_t product = 1;
  for (uint32_t dim : array->dims) product *= dim;
  Require(product == array->bytes.size(), "as many bytes as the dimensions say");
  return 0;
}
