#include "common/store/checkpoint.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/errno_status.h"
#include "common/base/file_system.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace semlink::store {
namespace {

constexpr size_t kDigits = 64;  // of a SHA-256
// As it stands in the header: a value could not hold this text unescaped.
constexpr char kChecksumKey[] = "\"checksum\":\"";
constexpr char kPrefix[] = "window-";
constexpr char kSuffix[] = ".safetensors";

std::string NoChecksum() { return std::string(kDigits, '0'); }

// Where the digits of the checksum stand, or npos.
size_t ChecksumPosition(absl::string_view bytes) {
  const size_t key = bytes.find(kChecksumKey);
  if (key == absl::string_view::npos) return key;
  const size_t digits = key + sizeof(kChecksumKey) - 1;
  const bool whole = digits + kDigits < bytes.size() && bytes[digits + kDigits] == '"';
  return whole ? digits : absl::string_view::npos;
}

// The digits that stand in a checkpoint.
std::string StoredChecksum(absl::string_view bytes) {
  return std::string(bytes.substr(ChecksumPosition(bytes), kDigits));
}

// SHA-256 of the file with zeros for the checksum's digits.
std::string Checksum(absl::string_view bytes, size_t digits) {
  Sha256 digest;
  digest.Update(bytes.substr(0, digits));
  digest.Update(NoChecksum());
  digest.Update(bytes.substr(digits + kDigits));
  return digest.Finish();
}

std::map<std::string, std::string> OwnMetadata(const CheckpointOwner& owner, uint64_t window) {
  return {{"format", kCheckpointFormat},
          {"version", kCheckpointVersion},
          {"node", owner.node},
          {"seed", absl::StrCat(owner.seed)},
          {"scenario_sha256", owner.scenario_sha256},
          {"window", absl::StrCat(window)}};
}

// The order is that of what says most.
constexpr const char* kKeys[] = {"format", "version", "node", "scenario_sha256", "seed", "window"};

absl::Status CheckOwner(const std::map<std::string, std::string>& expected,
                        const std::map<std::string, std::string>& found, const std::string& what) {
  for (const char* key : kKeys) {
    const auto value = found.find(key);
    const std::string is = value == found.end() ? "missing" : absl::StrCat("'", value->second, "'");
    const std::string& should = expected.at(key);
    if (value != found.end() && value->second == should) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(what, ": not a checkpoint that can be used here: its ", key, " is ", is,
                     ", expected '", should, "'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> EncodeCheckpoint(const CheckpointOwner& owner, uint64_t window,
                                             TensorFile state) {
  state.metadata["checksum"] = NoChecksum();
  for (auto& [key, value] : OwnMetadata(owner, window)) state.metadata[key] = value;
  ASSIGN_OR_RETURN(std::string bytes, EncodeSafetensors(state));
  const size_t digits = ChecksumPosition(bytes);
  if (digits == std::string::npos) {
    return absl::InternalError("the header of a checkpoint has no place for the checksum");
  }
  bytes.replace(digits, kDigits, Checksum(bytes, digits));
  return bytes;
}

absl::StatusOr<TensorFile> DecodeCheckpoint(absl::string_view bytes, const CheckpointOwner& owner,
                                            uint64_t window, const std::string& what) {
  const size_t digits = ChecksumPosition(bytes);
  if (digits == absl::string_view::npos) {
    return absl::DataLossError(
        absl::StrCat(what, ": damaged, or not a checkpoint: it has no checksum"));
  }
  if (Checksum(bytes, digits) != bytes.substr(digits, kDigits)) {
    return absl::DataLossError(absl::StrCat(
        what, ": damaged or truncated: its checksum does not fit its ", bytes.size(), " bytes"));
  }
  ASSIGN_OR_RETURN(TensorFile file, DecodeSafetensors(bytes, what));
  RETURN_IF_ERROR(CheckOwner(OwnMetadata(owner, window), file.metadata, what));
  for (const char* key : kKeys) file.metadata.erase(key);
  file.metadata.erase("checksum");
  return file;
}

absl::StatusOr<CheckpointFolder> CheckpointFolder::Open(const std::string& folder,
                                                        const CheckpointOwner& owner) {
  RETURN_IF_ERROR(MakeDirs(folder));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(folder));
  for (const std::string& name : names) {
    if (absl::StartsWith(name, kPrefix) && absl::StrContains(name, ".tmp.")) {
      unlink(absl::StrCat(folder, "/", name).c_str());
    }
  }
  return CheckpointFolder(folder, owner);
}

std::string CheckpointFolder::PathOf(uint64_t window) const {
  return absl::StrCat(folder_, "/", kPrefix, absl::StrFormat("%06d", window), kSuffix);
}

absl::StatusOr<CheckpointFolder::Written> CheckpointFolder::Write(uint64_t window,
                                                                  TensorFile state) {
  ASSIGN_OR_RETURN(const std::string bytes, EncodeCheckpoint(owner_, window, std::move(state)));
  verified_.erase(window);
  RETURN_IF_ERROR(WriteFileAtomically(PathOf(window), bytes));
  Written written;
  written.id.set_window(window);
  written.id.set_sha256(StoredChecksum(bytes));
  written.bytes = bytes.size();
  verified_[window] = written.id.sha256();
  return written;
}

absl::StatusOr<TensorFile> CheckpointFolder::Read(const v1::CheckpointId& id) const {
  const std::string path = PathOf(id.window());
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(TensorFile file, DecodeCheckpoint(bytes, owner_, id.window(), path));
  if (const std::string checksum = StoredChecksum(bytes); checksum != id.sha256()) {
    return absl::DataLossError(
        absl::StrCat(path, ": another checkpoint than the one asked for: its checksum is ",
                     checksum, ", expected ", id.sha256()));
  }
  return file;
}

std::vector<v1::CheckpointId> CheckpointFolder::List(std::vector<std::string>* complaints) {
  std::vector<v1::CheckpointId> list;
  const absl::StatusOr<std::vector<uint64_t>> windows = Windows();
  if (!windows.ok()) {
    complaints->push_back(std::string(windows.status().message()));
    return list;
  }
  for (uint64_t window : *windows) {
    if (verified_.count(window) == 0) {
      const std::string path = PathOf(window);
      const absl::StatusOr<std::string> bytes = ReadFile(path);
      absl::Status status = bytes.status();
      if (status.ok()) status = DecodeCheckpoint(*bytes, owner_, window, path).status();
      if (!status.ok()) {
        complaints->push_back(std::string(status.message()));
        continue;
      }
      verified_[window] = StoredChecksum(*bytes);
    }
    list.emplace_back();
    list.back().set_window(window);
    list.back().set_sha256(verified_[window]);
  }
  return list;
}

absl::Status CheckpointFolder::Prune(uint64_t keep_from) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> windows, Windows());
  for (uint64_t window : windows) {
    if (window >= keep_from) continue;
    const std::string path = PathOf(window);
    verified_.erase(window);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "delete", path);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> CheckpointFolder::Windows() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(folder_));
  std::vector<uint64_t> windows;
  for (const std::string& name : names) {
    absl::string_view digits = name;
    uint64_t window = 0;
    if (!absl::ConsumePrefix(&digits, kPrefix) || !absl::ConsumeSuffix(&digits, kSuffix) ||
        !absl::SimpleAtoi(digits, &window)) {
      continue;
    }
    // Only names that PathOf gives: "window-50" is none.
    if (PathOf(window) == absl::StrCat(folder_, "/", name)) windows.push_back(window);
  }
  std::sort(windows.begin(), windows.end());
  return windows;
}

}  // namespace semlink::store
