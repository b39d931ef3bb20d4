#include "common/base/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <thread>

#include "tests/base/temp_dir.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Read(const std::string& path) {
  const auto bytes = ReadFile(path);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("");
}

// The error must tell where and why.
void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& path,
                 const std::string& reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
}

TEST(FileSystemTest, WritesWhatItReads) {
  const TempDir dir;
  std::string all_bytes;
  for (int i = 0; i < 300000; ++i) all_bytes.push_back(static_cast<char>(i * 7 + i / 256));
  for (const std::string& bytes : {std::string(), std::string("a\0b\n", 4), all_bytes}) {
    ASSERT_TRUE(WriteFileAtomically(dir / "x", bytes).ok());
    EXPECT_EQ(Read(dir / "x"), bytes);
  }
  const auto files = ListFiles(dir.path());
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ElementsAre("x")) << "no temporary file stays";
}

TEST(FileSystemTest, NewFilesCanBeReadByOthers) {
  const TempDir dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "x", "1").ok());
  struct stat info;
  ASSERT_EQ(stat((dir / "x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
}

TEST(FileSystemTest, WritesIntoTheCurrentFolder) {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  EXPECT_TRUE(WriteFileAtomically("bare_name", "1").ok());
  std::filesystem::current_path(before);
  EXPECT_EQ(Read(dir / "bare_name"), "1");
}

TEST(FileSystemTest, ReadsFilesWhoseSizeIsNotKnownBefore) {
  EXPECT_THAT(Read("/proc/self/status"), HasSubstr("Pid:"));
}

TEST(FileSystemTest, AReaderSeesTheOldOrTheNewFileOnly) {
  const TempDir dir;
  const std::string a(200000, 'a'), b(200000, 'b');
  ASSERT_TRUE(WriteFileAtomically(dir / "x", a).ok());
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(WriteFileAtomically(dir / "x", i % 2 == 0 ? b : a).ok());
    }
  });
  for (int i = 0; i < 100; ++i) {
    const auto bytes = ReadFile(dir / "x");
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_TRUE(*bytes == a || *bytes == b) << "a mixture of " << bytes->size() << " bytes";
  }
  writer.join();
}

// The disk "fills up" after 4 KiB: a limit on the file size makes write() fail half-way.
TEST(FileSystemTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TempDir dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "x", "old").ok());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteFileAtomically(dir / "x", std::string(10000, 'n'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("File too large"));
  EXPECT_EQ(Read(dir / "x"), "old");
  EXPECT_THAT(ListFiles(dir.path()).value(), ElementsAre("x"));
}

TEST(FileSystemTest, ErrorsNameThePathAndTheReason) {
  const TempDir dir;
  const std::string missing = dir / "missing";
  const std::string reason = "No such file or directory";
  ExpectError(ReadFile(missing).status(), absl::StatusCode::kNotFound, missing, reason);
  ExpectError(ListFiles(missing).status(), absl::StatusCode::kNotFound, missing, reason);
  ExpectError(WriteFileAtomically(missing + "/x", "1"), absl::StatusCode::kNotFound, missing + "/x",
              reason);
  EXPECT_FALSE(ReadFile(dir.path()).ok()) << "a folder is not a file";

  ASSERT_TRUE(MakeDirs(dir / "folder").ok());
  const absl::Status onto_folder = WriteFileAtomically(dir / "folder", "1");
  EXPECT_THAT(std::string(onto_folder.message()), HasSubstr(dir / "folder"));
  EXPECT_FALSE(onto_folder.ok());
  EXPECT_THAT(ListFiles(dir.path()).value(), IsEmpty()) << "no temporary file stays";
}

TEST(FileSystemTest, MakesFoldersWithTheirParents) {
  const TempDir dir;
  EXPECT_TRUE(MakeDirs(dir / "a/b/c").ok());
  EXPECT_TRUE(MakeDirs(dir / "a/b/c").ok()) << "again is fine";
  EXPECT_TRUE(MakeDirs(dir / "d/").ok());
  ASSERT_TRUE(WriteFileAtomically(dir / "a/b/c/x", "1").ok());
  EXPECT_TRUE(FileExists(dir / "a/b/c/x"));
  EXPECT_FALSE(FileExists(dir / "a/b/c/y"));
  const absl::Status through_file = MakeDirs(dir / "a/b/c/x/y");
  EXPECT_FALSE(through_file.ok());
  EXPECT_THAT(std::string(through_file.message()), HasSubstr("a/b/c/x/y"));
  EXPECT_FALSE(MakeDirs(dir / "a/b/c/x").ok()) << "a file is in the way";
}

TEST(FileSystemTest, ListsRegularFilesSorted) {
  const TempDir dir;
  for (const char* name : {"b", "a", ".hidden", "c"}) {
    ASSERT_TRUE(WriteFileAtomically(dir / name, "1").ok());
  }
  ASSERT_TRUE(MakeDirs(dir / "folder").ok());
  EXPECT_THAT(ListFiles(dir.path()).value(), ElementsAre(".hidden", "a", "b", "c"));
}

}  // namespace
}  // namespace semlink
