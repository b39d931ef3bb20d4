// Safetensors and checkpoints. The first byte says which: 0 safetensors as they come, 1 a
// checkpoint as it comes, 2 a checkpoint whose checksum is put right first, so that what lies
// behind it is reached.
#include <string>

#include "common/base/sha256.h"
#include "common/store/checkpoint.h"
#include "common/store/safetensors.h"
#include "tests/fuzz/fuzz.h"

namespace {

using semlink::fuzz::Require;
using semlink::store::TensorFile;

const semlink::store::CheckpointOwner kOwner = {"transmitter1", 7, std::string(64, 'a')};
constexpr uint64_t kWindow = 3;

bool SameFile(const TensorFile& a, const TensorFile& b) {
  if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
  for (int i = 0; i < a.tensors.size(); ++i) {
    if (a.tensors[i].SerializeAsString() != b.tensors[i].SerializeAsString()) return false;
  }
  return true;
}

void CheckSafetensors(absl::string_view bytes) {
  const auto file = semlink::store::DecodeSafetensors(bytes, "fuzz");
  if (!file.ok()) return Require(absl::IsDataLoss(file.status()), file.status().message());
  const auto encoded = semlink::store::EncodeSafetensors(*file);
  Require(encoded.ok(), "what was read can be written");
  const auto again = semlink::store::DecodeSafetensors(*encoded, "again");
  Require(again.ok() && SameFile(*file, *again), "what was written is read as the same");
}

void CheckCheckpoint(absl::string_view bytes) {
  const auto file = semlink::store::DecodeCheckpoint(bytes, kOwner, kWindow, "fuzz");
  if (!file.ok()) {
    return Require(absl::IsDataLoss(file.status()) || absl::IsFailedPrecondition(file.status()),
                   file.status().message());
  }
  const auto encoded = semlink::store::EncodeCheckpoint(kOwner, kWindow, *file);
  Require(encoded.ok(), "what was read can be written");
  const auto again = semlink::store::DecodeCheckpoint(*encoded, kOwner, kWindow, "again");
  Require(again.ok() && SameFile(*file, *again), "what was written is read as the same");
}

// docs/formats/checkpoint.md: the SHA-256 of the file with zeros for the digits of the checksum.
std::string WithChecksum(absl::string_view bytes) {
  std::string file(bytes);
  const std::string key = "\"checksum\":\"";
  const size_t at = file.find(key);
  if (at == std::string::npos || at + key.size() + 64 > file.size()) return file;
  file.replace(at + key.size(), 64, std::string(64, '0'));
  file.replace(at + key.size(), 64, semlink::Sha256Hex(file));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  semlink::fuzz::Input input(data, size);
  const int kind = input.Below(3);
  if (kind == 0) CheckSafetensors(input.Rest());
  if (kind == 1) CheckCheckpoint(input.Rest());
  if (kind == 2) CheckCheckpoint(WithChecksum(input.Rest()));
  return 0;
}
