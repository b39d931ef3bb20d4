#include "common/data/idx.h"

#include <zlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/data/data_files.h"

namespace semlink::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<uint8_t> Ramp(int n) {
  std::vector<uint8_t> bytes(n);
  for (int i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

void ExpectError(const std::string& path, int rank, absl::StatusCode code,
                 const std::string& part) {
  const auto array = ReadIdx(path, rank);
  ASSERT_FALSE(array.ok()) << path;
  EXPECT_EQ(array.status().code(), code) << array.status();
  EXPECT_THAT(std::string(array.status().message()), HasSubstr(path));
  EXPECT_THAT(std::string(array.status().message()), HasSubstr(part));
}

TEST(Idx, ReadsPlainAndGzipAlike) {
  const TempDir folder;
  const std::vector<uint8_t> bytes = IdxBytes({2, 3, 4}, Ramp(24));
  WriteBytes(folder / "plain", bytes);
  WriteGzip(folder / "packed.gz", bytes);
  for (const char* name : {"plain", "packed.gz"}) {
    const auto array = ReadIdx(folder / name, 3);
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_THAT(array->dims, ElementsAre(2, 3, 4));
    EXPECT_EQ(array->bytes, Ramp(24));
    const auto dims = ReadIdxDims(folder / name, 3);
    ASSERT_TRUE(dims.ok()) << dims.status();
    EXPECT_THAT(*dims, ElementsAre(2, 3, 4));
  }
}

TEST(Idx, DimensionsAreReadFromTheHeaderAlone) {
  const TempDir folder;
  WriteBytes(folder / "header", IdxBytes({60000, 28, 28}, {}));
  const auto dims = ReadIdxDims(folder / "header", 3);
  ASSERT_TRUE(dims.ok()) << dims.status();
  EXPECT_THAT(*dims, ElementsAre(60000, 28, 28));
}

TEST(Idx, MissingFile) {
  const TempDir folder;
  ExpectError(folder / "none", 1, absl::StatusCode::kNotFound, "no such file");
  ExpectError(folder.path(), 1, absl::StatusCode::kNotFound, "no such file");
}

TEST(Idx, WrongMagicRankAndType) {
  const TempDir folder;
  std::vector<uint8_t> bytes = IdxBytes({4}, Ramp(4));
  WriteBytes(folder / "labels", bytes);
  std::vector<uint8_t> padded = bytes;
  padded.resize(64);
  WriteBytes(folder / "rank", padded);
  ExpectError(folder / "rank", 3, absl::StatusCode::kInvalidArgument, "magic number 00000801");
  bytes[2] = 13;  // floats
  WriteBytes(folder / "type", bytes);
  ExpectError(folder / "type", 1, absl::StatusCode::kInvalidArgument, "expected 00000801");
  WriteBytes(folder / "text", {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'});
  ExpectError(folder / "text", 1, absl::StatusCode::kInvalidArgument, "magic number");
}

TEST(Idx, TooShortForAHeader) {
  const TempDir folder;
  WriteBytes(folder / "empty", {});
  ExpectError(folder / "empty", 1, absl::StatusCode::kDataLoss, "too few");
  WriteBytes(folder / "stub", {0, 0, 8, 3, 0, 0});
  ExpectError(folder / "stub", 3, absl::StatusCode::kDataLoss, "too few");
}

TEST(Idx, MoreOrFewerBytesThanPromised) {
  const TempDir folder;
  for (const bool gzip : {false, true}) {
    const auto write = gzip ? WriteGzip : WriteBytes;
    write(folder / "few", IdxBytes({100}, Ramp(99)));
    ExpectError(folder / "few", 1, absl::StatusCode::kDataLoss, "its header says");
    write(folder / "many", IdxBytes({100}, Ramp(101)));
    ExpectError(folder / "many", 1, absl::StatusCode::kDataLoss, "its header says");
  }
}

TEST(Idx, EveryTruncationOfAGzipFileIsFound) {
  const TempDir folder;
  WriteGzip(folder / "whole", IdxBytes({200}, Ramp(200)));
  const std::vector<uint8_t> whole = ReadBytes(folder / "whole");
  ASSERT_GT(whole.size(), 40u);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    WriteBytes(folder / "cut", {whole.begin(), whole.begin() + static_cast<long>(n)});
    EXPECT_FALSE(ReadIdx(folder / "cut", 1).ok()) << n << " of " << whole.size() << " bytes";
  }
}

TEST(Idx, DamagedGzipIsFoundByItsChecksum) {
  const TempDir folder;
  WriteGzip(folder / "file", IdxBytes({200}, Ramp(200)));
  std::vector<uint8_t> bytes = ReadBytes(folder / "file");
  bytes[bytes.size() - 6] ^= 1;  // in the CRC
  WriteBytes(folder / "file", bytes);
  ExpectError(folder / "file", 1, absl::StatusCode::kDataLoss, "damaged gzip");
}

TEST(Idx, AbsurdDimensionsTakeNoMemory) {
  const TempDir folder;
  const uint32_t huge = 0xFFFFFFFF;
  WriteBytes(folder / "huge", IdxBytes({huge, huge, huge}, Ramp(8)));
  ExpectError(folder / "huge", 3, absl::StatusCode::kInvalidArgument, "dimensions");
  // 2^64 + something small: the product wraps around.
  WriteBytes(folder / "wrap", IdxBytes({1u << 31, 1u << 31, 4}, Ramp(8)));
  ExpectError(folder / "wrap", 3, absl::StatusCode::kInvalidArgument, "dimensions");
  WriteBytes(folder / "zero", IdxBytes({10, 0, 28}, {}));
  ExpectError(folder / "zero", 3, absl::StatusCode::kInvalidArgument, "dimensions");
  // Within the limit, but far beyond what so small a file can hold.
  WriteBytes(folder / "plain", IdxBytes({1u << 20, 28, 28}, Ramp(8)));
  ExpectError(folder / "plain", 3, absl::StatusCode::kDataLoss, "its header says");
  WriteGzip(folder / "packed", IdxBytes({1u << 20, 28, 28}, Ramp(8)));
  ExpectError(folder / "packed", 3, absl::StatusCode::kDataLoss, "its header says");
}

}  // namespace
}  // namespace semlink::data
