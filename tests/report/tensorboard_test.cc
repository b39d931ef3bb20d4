#include "report/tensorboard.h"

#include <cstring>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "report/tensorboard_event.pb.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// RFC 3720, B.4.
TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

// The first record of any event file that TensorFlow writes holds brain.Event:2; the length's
// masked CRC is fixed by the length alone: 24 bytes give a3 7f 4b 22 there.
TEST(TfRecordTest, FramesAsTensorFlowDoes) {
  const std::string record = TfRecord(std::string(24, 'x'));
  ASSERT_THAT(record, SizeIs(8 + 4 + 24 + 4));
  EXPECT_EQ(record.substr(0, 8), std::string("\x18\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(8, 4), std::string("\xa3\x7f\x4b\x22", 4));
}

std::vector<tensorboard::Event> Parse(const std::string& file) {
  std::vector<tensorboard::Event> events;
  for (size_t at = 0; at + 12 <= file.size();) {
    uint64_t length = 0;
    std::memcpy(&length, file.data() + at, 8);
    tensorboard::Event event;
    EXPECT_TRUE(event.ParseFromString(file.substr(at + 12, length)));
    events.push_back(event);
    at += 16 + length;
  }
  return events;
}

TEST(EventFileTest, HasEveryWindowAndTheEvaluation) {
  RunFolders folders;
  const RunData run = MustRead(folders.Write("run", {}), "run");
  const std::vector<tensorboard::Event> events = Parse(EventFile(run));
  ASSERT_THAT(events, SizeIs(1 + 4 + 1));
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[2].step(), 1);
  EXPECT_DOUBLE_EQ(events[2].wall_time(), events[0].wall_time() + 1.0);
  std::map<std::string, float> scalars;
  for (const auto& value : events[2].summary().value()) scalars[value.tag()] = value.simple_value();
  EXPECT_FLOAT_EQ(scalars["train/accuracy/1 parity"], 0.6f);
  EXPECT_FLOAT_EQ(scalars["train/rate_nats"], 20);
  EXPECT_THAT(events[5].summary().DebugString(), HasSubstr("evaluation/accuracy/2 digit"));
}

TEST(EventFileTest, EachRunHasAFolderInside) {
  RunFolders folders;
  std::vector<RunData> runs = {MustRead(folders.Write("run", {}), "run")};
  runs.push_back(runs[0]);
  runs[1].name = "../../outside";
  const auto paths = WriteEventFiles(runs, folders.Path("tb"));
  ASSERT_TRUE(paths.ok()) << paths.status();
  ASSERT_THAT(*paths, SizeIs(2));
  EXPECT_THAT((*paths)[0], EndsWith("/tb/run/events.out.tfevents.1769860800.semlink"));
  for (const std::string& path : *paths) {
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_THAT(std::filesystem::weakly_canonical(path).string(),
                HasSubstr(std::filesystem::weakly_canonical(folders.Path("tb")).string()));
  }
}

TEST(EventFileTest, NamesThatBecomeAlikeKeepTheirFolders) {
  RunFolders folders;
  std::vector<RunData> runs(3, MustRead(folders.Write("run", {}), "run"));
  runs[0].name = "a/b";
  runs[1].name = "a_b";
  runs[2].name = "a/b";
  const auto paths = WriteEventFiles(runs, folders.Path("tb"));
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_THAT(*paths,
              ElementsAre(HasSubstr("/tb/a_b/"), HasSubstr("/tb/a_b-2/"), HasSubstr("/tb/a_b-3/")));
}

}  // namespace
}  // namespace semlink::report
