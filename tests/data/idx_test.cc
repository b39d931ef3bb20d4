#include "common/data/idx.h"

#include <zlib.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/data/test_folder.h"

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
  const TestFolder folder;
  const std::vector<uint8_t> bytes = IdxBytes({2, 3, 4}, Ramp(24));
  WriteBytes(folder.File("plain"), bytes);
  WriteGzip(folder.File("packed.gz"), bytes);
  for (const char* name : {"plain", "packed.gz"}) {
    const auto array = ReadIdx(folder.File(name), 3);
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_THAT(array->dims, ElementsAre(2, 3, 4));
    EXPECT_EQ(array->bytes, Ramp(24));
    const auto dims = ReadIdxDims(folder.File(name), 3);
    ASSERT_TRUE(dims.ok()) << dims.status();
    EXPECT_THAT(*dims, ElementsAre(2, 3, 4));
  }
}

TEST(Idx, DimensionsAreReadFromTheHeaderAlone) {
  const TestFolder folder;
  WriteBytes(folder.File("header"), IdxBytes({60000, 28, 28}, {}));
  const auto dims = ReadIdxDims(folder.File("header"), 3);
  ASSERT_TRUE(dims.ok()) << dims.status();
  EXPECT_THAT(*dims, ElementsAre(60000, 28, 28));
}

TEST(Idx, MissingFile) {
  const TestFolder folder;
  ExpectError(folder.File("none"), 1, absl::StatusCode::kNotFound, "no such file");
  ExpectError(folder.path(), 1, absl::StatusCode::kNotFound, "no such file");
}

TEST(Idx, WrongMagicRankAndType) {
  const TestFolder folder;
  std::vector<uint8_t> bytes = IdxBytes({4}, Ramp(4));
  WriteBytes(folder.File("labels"), bytes);
  std::vector<uint8_t> padded = bytes;
  padded.resize(64);
  WriteBytes(folder.File("rank"), padded);
  ExpectError(folder.File("rank"), 3, absl::StatusCode::kInvalidArgument, "magic number 00000801");
  bytes[2] = 13;  // floats
  WriteBytes(folder.File("type"), bytes);
  ExpectError(folder.File("type"), 1, absl::StatusCode::kInvalidArgument, "expected 00000801");
  WriteBytes(folder.File("text"), {'h', 'e', 'l', 'l', 'o', ' ', 'y', 'o', 'u'});
  ExpectError(folder.File("text"), 1, absl::StatusCode::kInvalidArgument, "magic number");
}

TEST(Idx, TooShortForAHeader) {
  const TestFolder folder;
  WriteBytes(folder.File("empty"), {});
  ExpectError(folder.File("empty"), 1, absl::StatusCode::kDataLoss, "too few");
  WriteBytes(folder.File("stub"), {0, 0, 8, 3, 0, 0});
  ExpectError(folder.File("stub"), 3, absl::StatusCode::kDataLoss, "too few");
}

TEST(Idx, MoreOrFewerBytesThanPromised) {
  const TestFolder folder;
  for (const bool gzip : {false, true}) {
    const auto write = gzip ? WriteGzip : WriteBytes;
    write(folder.File("few"), IdxBytes({100}, Ramp(99)));
    ExpectError(folder.File("few"), 1, absl::StatusCode::kDataLoss, "its header says");
    write(folder.File("many"), IdxBytes({100}, Ramp(101)));
    ExpectError(folder.File("many"), 1, absl::StatusCode::kDataLoss, "its header says");
  }
}

TEST(Idx, EveryTruncationOfAGzipFileIsFound) {
  const TestFolder folder;
  WriteGzip(folder.File("whole"), IdxBytes({200}, Ramp(200)));
  const std::vector<uint8_t> whole = ReadBytes(folder.File("whole"));
  ASSERT_GT(whole.size(), 40u);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    WriteBytes(folder.File("cut"), {whole.begin(), whole.begin() + static_cast<long>(n)});
    EXPECT_FALSE(ReadIdx(folder.File("cut"), 1).ok()) << n << " of " << whole.size() << " bytes";
  }
}

TEST(Idx, DamagedGzipIsFoundByItsChecksum) {
  const TestFolder folder;
  WriteGzip(folder.File("file"), IdxBytes({200}, Ramp(200)));
  std::vector<uint8_t> bytes = ReadBytes(folder.File("file"));
  bytes[bytes.size() - 6] ^= 1;  // in the CRC
  WriteBytes(folder.File("file"), bytes);
  ExpectError(folder.File("file"), 1, absl::StatusCode::kDataLoss, "damaged gzip");
}

TEST(Idx, AbsurdDimensionsTakeNoMemory) {
  const TestFolder folder;
  const uint32_t huge = 0xFFFFFFFF;
  WriteBytes(folder.File("huge"), IdxBytes({huge, huge, huge}, Ramp(8)));
  ExpectError(folder.File("huge"), 3, absl::StatusCode::kInvalidArgument, "dimensions");
  // 2^64 + something small: the product wraps around.
  WriteBytes(folder.File("wrap"), IdxBytes({1u << 31, 1u << 31, 4}, Ramp(8)));
  ExpectError(folder.File("wrap"), 3, absl::StatusCode::kInvalidArgument, "dimensions");
  WriteBytes(folder.File("zero"), IdxBytes({10, 0, 28}, {}));
  ExpectError(folder.File("zero"), 3, absl::StatusCode::kInvalidArgument, "dimensions");
  // Within the limit, but far beyond what so small a file can hold.
  WriteBytes(folder.File("plain"), IdxBytes({1u << 20, 28, 28}, Ramp(8)));
  ExpectError(folder.File("plain"), 3, absl::StatusCode::kDataLoss, "its header says");
  WriteGzip(folder.File("packed"), IdxBytes({1u << 20, 28, 28}, Ramp(8)));
  ExpectError(folder.File("packed"), 3, absl::StatusCode::kDataLoss, "its header says");
}

}  // namespace
}  // namespace semlink::data
