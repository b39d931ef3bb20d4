#include "cli/process_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

class ProcessGroupTest : public testing::Test {
 protected:
  ChildOptions Shell(const std::string& name, const std::string& script) {
    return {name, {"/bin/sh", "-c", script}, folder_ / (name + ".log"), {"SEMLINK_TEST=yes"}};
  }

  TempDir folder_;
  RealClock clock_;
};

TEST_F(ProcessGroupTest, CollectsOutputAndExitCodes) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start(Shell("good", "echo out; echo err >&2; echo $SEMLINK_TEST")).ok());
  ASSERT_TRUE(group.Start(Shell("bad", "exit 3")).ok());
  EXPECT_EQ(group.running(), 2u);
  const std::vector<ChildExit> exits = group.WaitAll(absl::Seconds(20));
  ASSERT_EQ(exits.size(), 2u);
  for (const ChildExit& exit : exits) {
    EXPECT_EQ(exit.ok(), exit.name == "good");
    EXPECT_EQ(exit.code(), exit.name == "good" ? 0 : 3);
    EXPECT_EQ(exit.Describe(), exit.ok() ? "exited with code 0" : "exited with code 3");
  }
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(ReadText(folder_ / "good.log"), "out\nerr\nyes\n");
}

TEST_F(ProcessGroupTest, ReplacesVariablesOfItsOwnEnvironment) {
  setenv("SEMLINK_TEST", "inherited", 1);
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start(Shell("env", "env | grep -c SEMLINK_TEST; echo $SEMLINK_TEST")).ok());
  group.WaitAll(absl::Seconds(20));
  unsetenv("SEMLINK_TEST");
  EXPECT_EQ(ReadText(folder_ / "env.log"), "1\nyes\n");
}

TEST_F(ProcessGroupTest, ALogIsReplacedOrGoesOn) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start(Shell("log", "echo one")).ok());
  group.WaitAll(absl::Seconds(20));
  ChildOptions again = Shell("log", "echo two");
  again.append_log = true;
  ASSERT_TRUE(group.Start(again).ok());
  group.WaitAll(absl::Seconds(20));
  EXPECT_EQ(ReadText(folder_ / "log.log"), "one\ntwo\n");
  ASSERT_TRUE(group.Start(Shell("log", "echo three")).ok());
  group.WaitAll(absl::Seconds(20));
  EXPECT_EQ(ReadText(folder_ / "log.log"), "three\n");
}

TEST_F(ProcessGroupTest, StopReachesAPausedChild) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group
                  .Start(Shell("paused",
                               "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.05; "
                               "done"))
                  .ok());
  while (ReadText(folder_ / "paused.log").empty()) absl::SleepFor(absl::Milliseconds(10));
  group.SignalOne("paused", SIGSTOP);
  const std::vector<ChildExit> exits = group.Stop(absl::Seconds(20), SIGTERM);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_TRUE(exits[0].ok()) << exits[0].Describe();
  EXPECT_EQ(ReadText(folder_ / "paused.log"), "ready\nbye\n");
}

TEST_F(ProcessGroupTest, StandardInputIsEmpty) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start(Shell("cat", "cat; echo end")).ok());
  EXPECT_EQ(group.WaitAll(absl::Seconds(20)).size(), 1u);
  EXPECT_EQ(ReadText(folder_ / "cat.log"), "end\n");
}

TEST_F(ProcessGroupTest, SaysWhatCannotBeStarted) {
  ProcessGroup group(&clock_);
  const absl::Status missing = group.Start({"x", {"/no/such/program"}, folder_ / "x.log", {}});
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/no/such/program"));
  EXPECT_FALSE(group.Start({"x", {"/bin/true"}, folder_ / "no/x.log", {}}).ok());
  EXPECT_EQ(group.running(), 0u);
}

TEST_F(ProcessGroupTest, StopEndsThoseThatListen) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start({"sleep", {"/bin/sleep", "60"}, folder_ / "sleep.log", {}}).ok());
  const absl::Time start = absl::Now();
  const std::vector<ChildExit> exits = group.Stop(absl::Seconds(20), SIGTERM);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].code(), -1);
  EXPECT_EQ(exits[0].Describe(), "was ended by signal 15 (Terminated)");
}

TEST_F(ProcessGroupTest, SignalOneReachesThatOneOnly) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(group.Start({"a", {"/bin/sleep", "60"}, folder_ / "a.log", {}}).ok());
  ASSERT_TRUE(group.Start({"b", {"/bin/sleep", "60"}, folder_ / "b.log", {}}).ok());
  group.SignalOne("nobody", SIGTERM);
  group.SignalOne("b", SIGTERM);
  while (group.running() > 1) group.WaitAll(absl::Milliseconds(10));
  EXPECT_THAT(group.RunningNames(), testing::ElementsAre("a"));
}

TEST_F(ProcessGroupTest, StopKillsThoseThatDoNot) {
  ProcessGroup group(&clock_);
  ASSERT_TRUE(
      group.Start(Shell("deaf", "trap '' TERM; echo ready; while :; do sleep 0.05; done")).ok());
  while (ReadText(folder_ / "deaf.log").empty()) absl::SleepFor(absl::Milliseconds(10));
  const std::vector<ChildExit> exits = group.Stop(absl::Milliseconds(200), SIGTERM);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_THAT(exits[0].Describe(), HasSubstr("signal 9"));
}

TEST_F(ProcessGroupTest, LeavesNobodyBehind) {
  pid_t pid = 0;
  {
    ProcessGroup group(&clock_);
    ASSERT_TRUE(group.Start(Shell("sleep", "echo $$; exec sleep 60")).ok());
    while (!absl::SimpleAtoi(ReadText(folder_ / "sleep.log"), &pid)) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ProcessGroupTest, ChildrenDieWithTheirParent) {
  const pid_t parent = fork();
  if (parent == 0) {
    ProcessGroup group(&clock_);
    if (!group
             .Start(Shell("orphan",
                          "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.05; done"))
             .ok())
      _exit(1);
    while (ReadText(folder_ / "orphan.log").empty()) absl::SleepFor(absl::Milliseconds(10));
    kill(getpid(), SIGKILL);  // no destructor runs
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  ASSERT_TRUE(WIFSIGNALED(status));
  for (int i = 0; i < 1000 && ReadText(folder_ / "orphan.log") != "ready\nbye\n"; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(ReadText(folder_ / "orphan.log"), "ready\nbye\n");
}

TEST(FindProgramTest, LooksInPathAndSaysSo) {
  EXPECT_THAT(*FindProgram("sh"), testing::EndsWith("/sh"));
  const auto missing = FindProgram("semlink-no-such-program");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("PATH"));
}

TEST(TailOfFileTest, ShowsTheLastLines) {
  TempDir folder;
  WriteText(folder / "log", "1\n2\n3\n4\n");
  EXPECT_EQ(TailOfFile(folder / "log", 2), "  3\n  4\n");
  EXPECT_EQ(TailOfFile(folder / "log", 9), "  1\n  2\n  3\n  4\n");
  WriteText(folder / "open", "1\nhalf");
  EXPECT_EQ(TailOfFile(folder / "open", 1), "  half\n");
  EXPECT_EQ(TailOfFile(folder / "none", 2), "");
  WriteText(folder / "empty", "");
  EXPECT_EQ(TailOfFile(folder / "empty", 2), "");
}

}  // namespace
}  // namespace semlink::cli
