#include "common/store/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/base/file_system.h"
#include "common/base/sha256.h"
#include "tests/base/temp_dir.h"
#include "tests/store/tensor_files.h"

namespace semlink::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

CheckpointOwner Owner() { return {"transmitter2", 7, Sha256Hex("seed: 7")}; }
std::string Good() { return EncodeCheckpoint(Owner(), 50, Example()).value(); }
absl::Status Read(const std::string& bytes) {
  return DecodeCheckpoint(bytes, Owner(), 50, "the/path").status();
}
std::string Text(const TensorFile& file) { return EncodeSafetensors(file).value(); }

TEST(CheckpointTest, ReadsWhatWasWritten) {
  const auto file = DecodeCheckpoint(Good(), Owner(), 50, "x");
  ASSERT_TRUE(file.ok()) << file.status();
  // `window` is a key of the format, so the example's own does not come back.
  TensorFile expected = Example();
  expected.metadata.erase("window");
  EXPECT_EQ(Text(*file), Text(expected));
  EXPECT_EQ(Good(), Good());
}

// Any safetensors reader can read it.
TEST(CheckpointTest, IsASafetensorsFileThatSaysWhatItIs) {
  const auto file = DecodeSafetensors(Good(), "x");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->metadata.at("format"), "semlink checkpoint");
  EXPECT_EQ(file->metadata.at("version"), "1");
  EXPECT_EQ(file->metadata.at("node"), "transmitter2");
  EXPECT_EQ(file->metadata.at("window"), "50");
  EXPECT_EQ(file->metadata.at("seed"), "7");
  EXPECT_EQ(file->metadata.at("scenario_sha256"), Sha256Hex("seed: 7"));
  // The documented checksum, by the documented way.
  std::string bytes = Good();
  const std::string checksum = file->metadata.at("checksum");
  bytes.replace(bytes.find(checksum), 64, std::string(64, '0'));
  EXPECT_EQ(Sha256Hex(bytes), checksum);
}

// Length, header, metadata, padding, data: no byte may change.
TEST(CheckpointTest, EveryDamagedByteIsFound) {
  const std::string good = Good();
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int flip : {1, 0x20, 0x80}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      const absl::Status status = Read(bad);
      ASSERT_TRUE(absl::IsDataLoss(status)) << "byte " << i << ": " << status;
      ASSERT_THAT(std::string(status.message()),
                  AllOf(HasSubstr("the/path"), HasSubstr("damaged")));
    }
  }
}

TEST(CheckpointTest, EveryTruncationAndAnythingAddedIsFound) {
  const std::string good = Good();
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_TRUE(absl::IsDataLoss(Read(good.substr(0, size)))) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(Read(good + '\0')));
  EXPECT_TRUE(absl::IsDataLoss(Read(good + good)));
}

TEST(CheckpointTest, AnotherOwnersIsRefusedAndSaysWhy) {
  const auto refused = [](const CheckpointOwner& owner, uint64_t window, const std::string& what) {
    const absl::Status status = DecodeCheckpoint(Good(), owner, window, "the/path").status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("the/path"), HasSubstr(what)));
  };
  CheckpointOwner owner = Owner();
  owner.node = "transmitter1";
  refused(owner, 50, "its node is 'transmitter2', expected 'transmitter1'");
  owner = Owner();
  owner.scenario_sha256 = Sha256Hex("seed: 8");
  refused(owner, 50, "scenario_sha256");
  owner = Owner();
  owner.seed = 8;
  refused(owner, 50, "its seed is '7', expected '8'");
  refused(Owner(), 51, "its window is '50', expected '51'");
}

// A whole file of another version, with its right checksum.
TEST(CheckpointTest, AnotherVersionIsRefused) {
  std::string bytes = Good();
  const size_t at = bytes.find("\"version\":\"1\"");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 11] = '2';
  const size_t digits = bytes.find("\"checksum\":\"") + 12;
  bytes.replace(digits, 64, std::string(64, '0'));
  bytes.replace(digits, 64, Sha256Hex(bytes));
  const absl::Status status = Read(bytes);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("its version is '2', expected '1'"));
}

TEST(CheckpointTest, OtherFilesAreNoCheckpoints) {
  EXPECT_TRUE(absl::IsDataLoss(Read(EncodeSafetensors(Example()).value())));
  EXPECT_TRUE(absl::IsDataLoss(Read("")));
  EXPECT_TRUE(absl::IsDataLoss(Read("\"checksum\":\"")));
  EXPECT_TRUE(absl::IsDataLoss(Read("\"checksum\":\"" + std::string(64, '0') + "\"")));
}

class CheckpointFolderTest : public ::testing::Test {
 protected:
  CheckpointFolder Open() { return CheckpointFolder::Open(path_, Owner()).value(); }
  static void Put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  TempDir dir_;
  std::string path_ = dir_.path() + "/state/transmitter2";
};

TEST_F(CheckpointFolderTest, WritesListsReadsAndPrunes) {
  CheckpointFolder folder = Open();
  std::vector<std::string> complaints;
  EXPECT_TRUE(folder.List(&complaints).empty());
  for (uint64_t window : {100, 50, 2000000}) {
    const auto written = folder.Write(window, Example());
    ASSERT_TRUE(written.ok()) << written.status();
    const std::string bytes = ReadFile(folder.PathOf(window)).value();
    EXPECT_EQ(written->id.sha256(), DecodeSafetensors(bytes, "x")->metadata.at("checksum"));
    EXPECT_EQ(written->bytes, bytes.size());
  }
  EXPECT_THAT(
      ListFiles(path_).value(),
      ::testing::UnorderedElementsAre("window-000050.safetensors", "window-000100.safetensors",
                                      "window-2000000.safetensors"));
  CheckpointFolder again = Open();  // another process
  const auto list = again.List(&complaints);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].window(), 50u);
  EXPECT_EQ(list[2].window(), 2000000u);
  EXPECT_EQ(list[0].sha256(), folder.List(&complaints)[0].sha256());
  for (const v1::CheckpointId& id : list) EXPECT_TRUE(again.Read(id).ok());
  ASSERT_TRUE(again.Prune(100).ok());
  EXPECT_EQ(again.List(&complaints).size(), 2u);
  EXPECT_TRUE(absl::IsNotFound(again.Read(list[0]).status()));
  EXPECT_TRUE(complaints.empty());
}

TEST_F(CheckpointFolderTest, DamagedAndForeignFilesAreNotListed) {
  CheckpointFolder folder = Open();
  v1::CheckpointId ids[3];
  for (uint64_t i = 0; i < 3; ++i) ids[i] = folder.Write(10 * (i + 1), Example())->id;
  std::string bytes = ReadFile(folder.PathOf(20)).value();
  bytes[bytes.size() / 2] ^= 1;
  Put(folder.PathOf(20), bytes);
  CheckpointOwner other = Owner();
  other.scenario_sha256 = Sha256Hex("seed: 8");
  Put(folder.PathOf(30), EncodeCheckpoint(other, 30, Example()).value());
  Put(path_ + "/window-40.safetensors", Good());
  Put(path_ + "/notes.txt", "mine");
  CheckpointFolder again = Open();
  std::vector<std::string> complaints;
  const auto list = again.List(&complaints);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].sha256(), ids[0].sha256());
  EXPECT_THAT(complaints,
              ::testing::ElementsAre(HasSubstr("000020"), HasSubstr("scenario_sha256")));
  EXPECT_TRUE(absl::IsDataLoss(again.Read(ids[1]).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(again.Read(ids[2]).status()));
}

// A good checkpoint of the window, but not the one that was asked for.
TEST_F(CheckpointFolderTest, AnotherDigestIsRefused) {
  CheckpointFolder folder = Open();
  v1::CheckpointId id = folder.Write(10, Example())->id;
  TensorFile other = Example();
  other.metadata["more"] = "1";
  ASSERT_TRUE(folder.Write(10, other).ok());
  const absl::Status status = folder.Read(id).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(id.sha256()));
}

TEST_F(CheckpointFolderTest, WhatAKilledWriterLeftIsRemoved) {
  Open();
  Put(path_ + "/window-000010.safetensors.tmp.a1B2c3", "half");
  CheckpointFolder folder = Open();
  EXPECT_TRUE(ListFiles(path_)->empty());
  std::vector<std::string> complaints;
  EXPECT_TRUE(folder.List(&complaints).empty());
  EXPECT_TRUE(complaints.empty());
}

}  // namespace
}  // namespace semlink::store
