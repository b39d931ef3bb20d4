#include "common/base/sha256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_system.h"
#include "tests/base/temp_dir.h"

namespace semlink {
namespace {

// NIST FIPS 180-2, appendix B, and the empty message.
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kMillionA[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256Test, GivesTheKnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), kEmpty);
  EXPECT_EQ(Sha256Hex("abc"), kAbc);
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')), kMillionA);
}

TEST(Sha256Test, PiecesGiveTheDigestOfTheWhole) {
  Sha256 digest;
  for (int i = 0; i < 1000; ++i) digest.Update(std::string(1000, 'a'));
  EXPECT_EQ(digest.Finish(), kMillionA);
}

TEST(Sha256Test, OfAFileIsThatOfItsBytes) {
  const TempDir dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "x", std::string(1000000, 'a')).ok());
  EXPECT_EQ(Sha256OfFile(dir / "x").value(), kMillionA);
  ASSERT_TRUE(WriteFileAtomically(dir / "x", "").ok());
  EXPECT_EQ(Sha256OfFile(dir / "x").value(), kEmpty);
}

TEST(Sha256Test, ErrorsNameTheFile) {
  const TempDir dir;
  const absl::Status missing = Sha256OfFile(dir / "missing").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), ::testing::HasSubstr(dir / "missing"));
  EXPECT_FALSE(Sha256OfFile(dir.path()).ok()) << "a folder has no bytes";
}

}  // namespace
}  // namespace semlink
