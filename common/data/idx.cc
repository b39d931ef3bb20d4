#include "common/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"

namespace semlink::data {
namespace {

// Deflate can't shrink by more than this, so a gzip file bounds what it can hold.
constexpr uint64_t kMaxDeflateRatio = 1032;

struct GzClose {
  void operator()(gzFile_s* file) const { gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, GzClose>;

absl::StatusOr<GzFile> Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  GzFile file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return absl::NotFoundError(absl::StrCat(path, ": can't be opened: ", std::strerror(errno)));
  }
  gzbuffer(file.get(), 1 << 17);
  return file;
}

// Reads up to n bytes. DATA_LOSS if the gzip stream is damaged or cut off.
absl::StatusOr<uint64_t> ReadUpTo(gzFile_s* file, const std::string& path, uint8_t* out,
                                  uint64_t n) {
  uint64_t done = 0;
  while (done < n) {
    const auto want = static_cast<unsigned>(std::min<uint64_t>(n - done, 1u << 24));
    const int got = gzread(file, out + done, want);
    int code = Z_OK;
    const char* message = gzerror(file, &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      return absl::DataLossError(absl::StrCat(path, ": damaged gzip file (",
                                              code == Z_BUF_ERROR ? "cut off" : message,
                                              "); fetch it again"));
    }
    if (got == 0) break;
    done += static_cast<uint64_t>(got);
  }
  return done;
}

absl::StatusOr<std::vector<uint32_t>> ReadDims(gzFile_s* file, const std::string& path, int rank) {
  uint8_t head[4 + 4 * 4] = {};
  const uint64_t size = 4 + 4 * static_cast<uint64_t>(rank);
  ASSIGN_OR_RETURN(const uint64_t got, ReadUpTo(file, path, head, size));
  if (got < size) {
    return absl::DataLossError(
        absl::StrCat(path, ": ", got, " bytes are too few for an IDX header of ", size));
  }
  if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != rank) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: magic number %02x%02x%02x%02x, expected 0000080%d (IDX, unsigned bytes, rank %d)",
        path, head[0], head[1], head[2], head[3], rank, rank));
  }
  std::vector<uint32_t> dims;
  uint64_t total = 1;
  for (int i = 1; i <= rank; ++i) {
    const uint8_t* p = head + 4 * i;
    dims.push_back(uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3]);
    // Each factor is below 2^32 and the product so far at most 2^30: no overflow.
    total *= dims.back();
    if (total == 0 || total > kMaxIdxBytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": dimensions ",
                                                     absl::StrJoin(dims, "x"), ", expected 1 to ",
                                                     kMaxIdxBytes, " bytes"));
    }
  }
  return dims;
}

uint64_t Product(const std::vector<uint32_t>& dims) {
  uint64_t total = 1;
  for (const uint32_t d : dims) total *= d;
  return total;
}

absl::Status CheckFits(gzFile_s* file, const std::string& path, uint64_t header, uint64_t bytes) {
  std::error_code error;
  const uint64_t on_disk = std::filesystem::file_size(path, error);
  if (error) return absl::DataLossError(absl::StrCat(path, ": ", error.message()));
  const bool plain = gzdirect(file) == 1;
  if (plain ? on_disk != header + bytes : on_disk * kMaxDeflateRatio < bytes) {
    return absl::DataLossError(absl::StrCat(path, ": ", on_disk, " bytes", plain ? "" : " of gzip",
                                            ", but its header says ", header, " + ", bytes,
                                            "; fetch it again"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> ReadIdxDims(const std::string& path, int rank) {
  ASSIGN_OR_RETURN(const GzFile file, Open(path));
  return ReadDims(file.get(), path, rank);
}

absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int rank) {
  ASSIGN_OR_RETURN(const GzFile file, Open(path));
  IdxArray array;
  ASSIGN_OR_RETURN(array.dims, ReadDims(file.get(), path, rank));
  const uint64_t bytes = Product(array.dims);
  RETURN_IF_ERROR(CheckFits(file.get(), path, 4 + 4 * static_cast<uint64_t>(rank), bytes));
  array.bytes.resize(bytes);
  ASSIGN_OR_RETURN(const uint64_t got, ReadUpTo(file.get(), path, array.bytes.data(), bytes));
  // One byte more than promised: finds trailing bytes, and makes zlib check the checksum at the
  // end.
  uint8_t extra = 0;
  ASSIGN_OR_RETURN(const uint64_t more, ReadUpTo(file.get(), path, &extra, 1));
  if (got != bytes || more != 0) {
    return absl::DataLossError(absl::StrCat(path, ": ", more != 0 ? "more" : "fewer", " than the ",
                                            bytes, " bytes that its header says; fetch it again"));
  }
  return array;
}

}  // namespace semlink::data
