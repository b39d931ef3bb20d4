#include "report/run_data.h"

#include <cmath>
#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto ProblemAt(const std::string& place, const std::string& what) {
  return AllOf(Field(&Problem::place, place), Field(&Problem::what, HasSubstr(what)));
}

class RunDataTest : public ::testing::Test {
 protected:
  void Append(const std::string& file, const std::string& text) {
    WriteText(path_ + "/" + file, ReadText(path_ + "/" + file) + text);
  }

  RunFolders folders_;
  std::string path_ = folders_.Write("run", {});
};

TEST_F(RunDataTest, ReadsAFinishedRun) {
  const RunData run = MustRead(path_, "run");
  EXPECT_THAT(run.problems, IsEmpty());
  EXPECT_EQ(run.state, RunState::kFinished);
  EXPECT_EQ(run.K(), 2);
  EXPECT_EQ(run.J(), 3);
  EXPECT_EQ(run.Slot(1, 0), 2);
  EXPECT_THAT(run.tasks, ElementsAre("parity", "digit"));
  EXPECT_EQ(run.Value("training.beta"), "0.001");
  EXPECT_EQ(run.Value("transmitters.1.modalities"), "noise, image_fft");
  ASSERT_EQ(run.windows.size(), 4u);
  EXPECT_EQ(run.windows[2].line, 3);
  EXPECT_DOUBLE_EQ(run.windows[2].per_receiver.at("accuracy")[0], 0.7);
  EXPECT_DOUBLE_EQ(run.windows[2].scalars.at("rate_nats"), 30);
}

TEST_F(RunDataTest, FiguresOfTheSummaryNameTheirLine) {
  const RunData run = MustRead(path_, "run");
  const std::optional<Figure> accuracy = run.Summary("/accuracy/1");
  ASSERT_TRUE(accuracy.has_value());
  EXPECT_DOUBLE_EQ(accuracy->value, 0.9);
  EXPECT_EQ(accuracy->source, "run/summary.json:5 /accuracy/1");
  EXPECT_THAT(LineOf(ReadText(path_ + "/summary.json"), 5), HasSubstr("0.9"));
  EXPECT_FALSE(run.Summary("/accuracy/2").has_value());
  EXPECT_FALSE(run.Summary("/parameters_sha256").has_value());  // no number
}

TEST_F(RunDataTest, SelectionIsWhatWasDrawnOrElseGranted) {
  const RunData granted = MustRead(path_, "run");
  EXPECT_TRUE(granted.windows[0].selection_granted);
  EXPECT_THAT(granted.windows[0].selection,
              ElementsAre(ElementsAre(0, 0.5, 0), ElementsAre(0, 0, 1)));
  RunSpec spec;
  spec.selection = true;
  const RunData drawn = MustRead(folders_.Write("drawn", spec), "drawn");
  EXPECT_FALSE(drawn.windows[0].selection_granted);
  EXPECT_THAT(drawn.windows[0].selection,
              ElementsAre(ElementsAre(0.1, 0.6, 0), ElementsAre(0, 0, 1)));
}

TEST_F(RunDataTest, RefusesWhatIsNoRun) {
  EXPECT_TRUE(absl::IsNotFound(ReadRun(folders_.Path("nowhere"), "x").status()));
  std::filesystem::create_directories(folders_.Path("empty"));
  const absl::Status empty = ReadRun(folders_.Path("empty"), "x").status();
  EXPECT_TRUE(absl::IsNotFound(empty));
  EXPECT_THAT(std::string(empty.message()), HasSubstr("no scenario.yaml"));
  WriteText(path_ + "/scenario.yaml", "name: [");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadRun(path_, "x").status()));
  WriteText(path_ + "/scenario.yaml", "name: only\n");
  EXPECT_THAT(std::string(ReadRun(path_, "x").status().message()), HasSubstr("no transmitters"));
}

TEST_F(RunDataTest, DamagedLinesAreLeftOutAndNamed) {
  Append("metrics.jsonl",
         "not json\n"
         "{\"loss\":[1,2]}\n"
         "{\"window\":2,\"loss\":[1,2]}\n"
         "{\"window\":7,\"loss\":[1,2,3]}\n"
         "{\"window\":8,\"link\":[{\"transmitter\":9,\"modality\":1,\"receiver\":1}]}\n"
         "{\"window\":9,\"selection_probability\":[[1]]}\n"
         "{\"window\":10,\"rate_nats\":5}\n"
         "{\"window\":11,\"rate_na");
  const RunData run = MustRead(path_, "run");
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:5", "no JSON object")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:6", "/window")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:7", "found 2 after 3")));
  EXPECT_THAT(run.problems,
              Contains(ProblemAt("run/metrics.jsonl:8", "found 3 values; expected 2")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:9", "scenario does not have")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:10", "shape")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl:12", "not written whole")));
  ASSERT_EQ(run.windows.size(), 5u);
  EXPECT_EQ(run.windows.back().window, 10);
  EXPECT_EQ(run.windows.back().line, 11);
}

// Copying or printing such a value would need more stack than there is.
TEST_F(RunDataTest, DeeplyNestedTextIsLeftOut) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  WriteText(path_ + "/events.jsonl",
            "{\"time\":\"2026-01-31T12:00:00Z\",\"event\":\"x\",\"a\":" + deep + "}\n");
  WriteText(path_ + "/env.json", "{\"a\":" + deep + "}");
  const RunData run = MustRead(path_, "run");
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/events.jsonl:1", "more than 100 deep")));
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/env.json", "more than 100 deep")));
}

// Pictures have a place for every window up to the last.
TEST_F(RunDataTest, WindowsOutOfRangeAreLeftOut) {
  WriteText(path_ + "/metrics.jsonl",
            "{\"window\":-1}\n{\"window\":9223372036854775807}\n"
            "{\"window\":18446744073709551615}\n{\"window\":10000000}\n{\"window\":5}\n");
  const RunData run = MustRead(path_, "run");
  for (const char* line : {"1", "2", "3", "4"}) {
    EXPECT_THAT(run.problems, Contains(ProblemAt(std::string("run/metrics.jsonl:") + line,
                                                 "expected 0 to 9999999")));
  }
  ASSERT_EQ(run.windows.size(), 1u);
  EXPECT_EQ(run.windows[0].window, 5);
}

TEST_F(RunDataTest, ManyDamagedLinesAreCounted) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "x\n";
  Append("metrics.jsonl", lines);
  const RunData run = MustRead(path_, "run");
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/metrics.jsonl", "80 more lines")));
  EXPECT_LT(run.problems.size(), 30u);
}

TEST_F(RunDataTest, ANullIsNoNumber) {
  Append("metrics.jsonl", "{\"window\":4,\"accuracy\":[null,0.5]}\n");
  const RunData run = MustRead(path_, "run");
  ASSERT_EQ(run.windows.size(), 5u);
  EXPECT_TRUE(std::isnan(run.windows[4].per_receiver.at("accuracy")[0]));
}

TEST_F(RunDataTest, MissingFilesAreSaid) {
  for (const char* file : {"metrics.jsonl", "events.jsonl", "env.json", "summary.json"}) {
    std::filesystem::remove(path_ + "/" + file);
  }
  const RunData run = MustRead(path_, "run");
  for (const char* file : {"metrics.jsonl", "events.jsonl", "env.json", "summary.json"}) {
    EXPECT_THAT(run.problems, Contains(ProblemAt(std::string("run/") + file, "is not there")));
  }
  EXPECT_EQ(run.state, RunState::kUnfinished);
}

TEST_F(RunDataTest, ADamagedSummaryIsNoResult) {
  WriteText(path_ + "/summary.json", "{\"accuracy\": [0.9");
  const RunData run = MustRead(path_, "run");
  EXPECT_THAT(run.problems, Contains(ProblemAt("run/summary.json", "no JSON object")));
  EXPECT_FALSE(run.Summary("/accuracy/0").has_value());
}

TEST_F(RunDataTest, SaysHowFarAnUnfinishedRunCame) {
  RunSpec spec;
  spec.finished = false;
  spec.windows = 2;
  const RunData run = MustRead(folders_.Write("half", spec), "half");
  EXPECT_EQ(run.state, RunState::kUnfinished);
  EXPECT_THAT(run.problems, Contains(ProblemAt("half", "at window 1 of 4")));
}

TEST_F(RunDataTest, SaysWhyARunFailed) {
  RunSpec spec;
  spec.finished = false;
  const std::string path = folders_.Write("failed", spec);
  const std::string events = ReadText(path + "/events.jsonl");
  const std::string failed =
      "{\"time\":\"2026-01-31T12:02:00.000Z\",\"event\":\"failed\",\"reason\":\"no more disk\"}\n";
  WriteText(path + "/events.jsonl", events + failed);
  EXPECT_EQ(MustRead(path, "failed").state, RunState::kFailed);
  EXPECT_THAT(MustRead(path, "failed").problems, Contains(ProblemAt("failed", "no more disk")));
  WriteText(path + "/events.jsonl",
            events + failed +
                "{\"time\":\"2026-01-31T12:03:00.000Z\",\"event\":\"resumed\",\"window\":1}\n");
  EXPECT_EQ(MustRead(path, "failed").state, RunState::kUnfinished);
}

TEST(RunNamesTest, AreShortAndDifferent) {
  EXPECT_THAT(RunNames({"runs/a", "runs/b/"}), ElementsAre("a", "b"));
  EXPECT_THAT(RunNames({"x/run", "y/run", "z"}), ElementsAre("x/run", "y/run", "z"));
}

}  // namespace
}  // namespace semlink::report
