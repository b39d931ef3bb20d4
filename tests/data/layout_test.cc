#include "common/data/layout.h"

#include <filesystem>

#include "common/data/recordings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/data/data_files.h"

namespace semlink::data {
namespace {

using ::testing::HasSubstr;

// What becomes of the rows of a folder whose files are fine but not the published ones.
constexpr char kDiffers[] = "differs from the published file";

DataOptions Options(const std::string& root) {
  DataOptions options;
  options.source = DataSource::kAvMnist;
  options.root = root;
  return options;
}

TEST(SplitSizes, ComeFromTheHeadersAndTheScenario) {
  for (const bool gzip : {true, false}) {
    const TempDir folder;
    MakeAvMnist(folder.path(), 30, 12, gzip);
    DataOptions options = Options(folder.path());
    auto sizes = ReadSplitSizes(options);
    ASSERT_TRUE(sizes.ok()) << sizes.status();
    EXPECT_EQ(sizes->train, 30);
    EXPECT_EQ(sizes->test, 12);
    options.train_samples = 7;
    options.test_samples = 5;
    sizes = ReadSplitSizes(options);
    ASSERT_TRUE(sizes.ok()) << sizes.status();
    EXPECT_EQ(sizes->train, 7);
    EXPECT_EQ(sizes->test, 5);
    options.test_samples = 13;
    sizes = ReadSplitSizes(options);
    EXPECT_EQ(sizes.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(sizes.status().message()), HasSubstr("data.test_samples: 13"));
  }
}

TEST(SplitSizes, OfGeneratedDataNeedNoFiles) {
  DataOptions options;
  auto sizes = ReadSplitSizes(options);
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(sizes->train, 20000);
  EXPECT_EQ(sizes->test, 2000);
  options.train_samples = 100;
  EXPECT_EQ(ReadSplitSizes(options)->train, 100);
}

TEST(SplitSizes, MissingFilesAreNamed) {
  const TempDir folder;
  const auto sizes = ReadSplitSizes(Options(folder.path()));
  EXPECT_EQ(sizes.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(sizes.status().message()), HasSubstr("train-labels-idx1-ubyte.gz"));
}

TEST(RecordingNames, AreParsed) {
  const auto name = ParseRecordingName("7_jackson_12.wav");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->digit, 7);
  EXPECT_EQ(name->speaker, "jackson");
  EXPECT_EQ(name->index, 12);
  EXPECT_EQ(name->split(), Split::kTrain);
  EXPECT_EQ(ParseRecordingName("7_jackson_4.wav")->split(), Split::kTest);
  EXPECT_EQ(ParseRecordingName("7_jackson_5.wav")->split(), Split::kTrain);
  for (const char* wrong :
       {"", "wav", ".wav", "7.wav", "7_jackson.wav", "x_jackson_1.wav", "7__1.wav", "10_a_1.wav",
        "-1_a_1.wav", "7_a_-1.wav", "7_a_1_2.wav", "7_a_1.mp3"}) {
    EXPECT_FALSE(ParseRecordingName(wrong).has_value()) << wrong;
  }
}

TEST(RecordingNames, FolderIsListedInOrder) {
  const TempDir folder;
  MakeAvMnist(folder.path(), 1, 1);
  const auto names = ListRecordings(RecordingsDir(folder.path()));
  ASSERT_TRUE(names.ok()) << names.status();
  ASSERT_EQ(names->size(), 160u);
  for (std::size_t i = 1; i < names->size(); ++i) EXPECT_LT((*names)[i - 1].file, (*names)[i].file);
  WriteWav(RecordingsDir(folder.path()) + "/hello.wav", {0.1f});
  EXPECT_EQ(ListRecordings(RecordingsDir(folder.path())).status().code(),
            absl::StatusCode::kInvalidArgument);
}

class CheckFolderTest : public ::testing::Test {
 protected:
  void SetUp() override { MakeAvMnist(folder_.path(), 6, 4); }

  std::vector<CheckedFile> Check() {
    const auto rows = CheckFolder(folder_.path());
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *rows : std::vector<CheckedFile>();
  }

  TempDir folder_;
};

TEST_F(CheckFolderTest, DescribesFilesThatAreNotThePublishedOnes) {
  const std::vector<CheckedFile> rows = Check();
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].path, "mnist/train-images-idx3-ubyte.gz");
  EXPECT_EQ(rows[0].what, "6 images of 28x28");
  EXPECT_EQ(rows[3].what, "4 labels");
  EXPECT_EQ(rows[4].path, "fsdd/recordings");
  EXPECT_EQ(rows[4].what, "160 recordings, 8000 Hz, mono: 60 for training, 100 for the test");
  for (const CheckedFile& row : rows) {
    EXPECT_EQ(row.verdict, kDiffers) << row.path;
    EXPECT_FALSE(row.ok);
    EXPECT_EQ(row.sha256.size(), 64u) << row.path;
    EXPECT_GT(row.bytes, 0u);
  }
}

TEST_F(CheckFolderTest, EachDamageIsFoundInItsRow) {
  const std::string images = folder_ / "mnist/train-images-idx3-ubyte.gz";
  std::vector<uint8_t> bytes = ReadBytes(images);
  bytes.resize(bytes.size() / 2);
  WriteBytes(images, bytes);
  std::filesystem::remove(folder_ / "mnist/train-labels-idx1-ubyte.gz");
  WriteGzip(folder_ / "mnist/t10k-labels-idx1-ubyte.gz", IdxBytes({2, 2}, {1, 2, 3, 4}));
  WriteWav(folder_ / "fsdd/recordings/3_bob_2.wav", std::vector<float>(50, .1f), 44100);
  const std::vector<CheckedFile> rows = Check();
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_THAT(rows[0].verdict, HasSubstr("cut off"));
  EXPECT_EQ(rows[1].verdict, "missing");
  EXPECT_EQ(rows[2].verdict, kDiffers);
  EXPECT_THAT(rows[3].verdict, HasSubstr("magic number"));
  EXPECT_THAT(rows[4].verdict, HasSubstr("3_bob_2.wav: 44100 Hz"));
  for (const CheckedFile& row : rows) EXPECT_FALSE(row.ok);
}

TEST_F(CheckFolderTest, MissingRecordings) {
  std::filesystem::remove_all(folder_ / "fsdd/recordings");
  EXPECT_EQ(Check()[4].verdict, "missing");
  std::filesystem::create_directories(folder_ / "fsdd/recordings");
  EXPECT_THAT(Check()[4].verdict, HasSubstr("no recordings"));
}

TEST_F(CheckFolderTest, MissingFolderIsTheOnlyError) {
  EXPECT_EQ(CheckFolder(folder_ / "nowhere").status().code(), absl::StatusCode::kNotFound);
  std::filesystem::remove_all(folder_ / "mnist");
  EXPECT_EQ(Check().size(), 5u);
}

TEST_F(CheckFolderTest, SameContentHasTheSameVerdictHoweverPacked) {
  const std::string packed = folder_ / "mnist/t10k-labels-idx1-ubyte.gz";
  const CheckedFile before = Check()[3];
  std::filesystem::remove(packed);
  WriteBytes(folder_ / "mnist/t10k-labels-idx1-ubyte", IdxBytes({4}, {1, 2, 3, 4}));
  const CheckedFile after = Check()[3];
  EXPECT_EQ(after.path, "mnist/t10k-labels-idx1-ubyte");
  EXPECT_EQ(after.what, before.what);
  EXPECT_EQ(after.bytes, 12u);
}

}  // namespace
}  // namespace semlink::data
