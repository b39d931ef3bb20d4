// The launcher with shell scripts in place of the daemons.
#include "cli/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/scenario/reader.h"
#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

// Finds OUT behind --out, and notes how it was called.
constexpr char kHead[] = R"(all="$*"
while [ $# -gt 0 ]; do
  [ "$1" = --out ] && out=$2
  [ "$1" = --resume ] && out=$2 && resumed=yes
  [ "$1" = --index ] && index=$2
  [ "$1" = --port-file ] && port_file=$2
  shift
done
echo "args: $all"
echo "threads: $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS"
)";

class LauncherTest : public testing::Test {
 protected:
  LauncherTest() {
    path_before_ = getenv("PATH");
    setenv("PATH", absl::StrCat(folder_.path(), ":", path_before_).c_str(), 1);
    Coordinator("echo 4711 > $port_file; sleep 0.2; echo '{}' > $out/summary.json\n");
    Node("semlink-transmitter", "sleep 0.1\n");
    Node("semlink-receiver", "sleep 0.1\n");
    options_.scenario = *ParseScenario(
        "name: tiny\ntransmitters: [{modalities: [mel]}, {modalities: [mel]}]\n"
        "receivers: [{task: ring}]\n",
        "tiny.yaml");
    options_.out = folder_ / "out";
    options_.kill_after = absl::Seconds(2);
  }
  ~LauncherTest() override { setenv("PATH", path_before_.c_str(), 1); }

  void Coordinator(const std::string& body) {
    WriteScript(folder_ / "semlink-coordinator", kHead + body);
  }
  void Node(const std::string& program, const std::string& body) {
    WriteScript(folder_ / program, kHead + body);
  }

  int Launch() {
    testing::internal::CaptureStderr();
    const int code = Launcher(options_, &clock_).Run();
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }
  std::string Log(const std::string& name) {
    return ReadText(folder_ / ("out/logs/" + name + ".log"));
  }

  TempDir folder_;
  std::string path_before_;
  RealClock clock_;
  LaunchOptions options_;
  std::string said_;
};

TEST_F(LauncherTest, StartsEveryNodeAndWaitsForAll) {
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  const std::string out = folder_ / "out";
  EXPECT_EQ(ReadText(out + "/scenario.yaml"), EmitScenario(options_.scenario));
  EXPECT_THAT(Log("coordinator"),
              HasSubstr(absl::StrCat("args: --scenario ", out, "/scenario.yaml --out ", out,
                                     " --job train --insecure --listen 127.0.0.1:0 --port-file ",
                                     out, "/coordinator.port\nthreads: 1 1\n")));
  EXPECT_THAT(Log("transmitter1"),
              HasSubstr("args: --coordinator 127.0.0.1:4711 --index 1 --state " + out +
                        "/checkpoints --insecure\n"));
  EXPECT_THAT(Log("transmitter2"), HasSubstr("--index 2 "));
  EXPECT_THAT(Log("receiver1"), HasSubstr("--index 1 "));
}

TEST_F(LauncherTest, RunsAllNodesInOneProcessIfAsked) {
  Node("semlink-inproc", "echo '{}' > $out/summary.json\n");
  options_.inproc = true;
  options_.job = "infer";
  options_.arguments = {"--parameters", "p", "--batch", "3"};
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_THAT(Log("inproc"), HasSubstr("--job infer --parameters p --batch 3\n"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/logs/coordinator.log"));
}

// The coordinator of a run that has started, and ends once `file` is there.
std::string UntilThereIs(const std::string& file) {
  return "echo '{\"event\":\"training_started\",\"windows\":9}' >> $out/events.jsonl; : > "
         "$out/ledger.sqlite; echo 4711 > $port_file\n"
         "while [ ! -e " +
         file + " ]; do sleep 0.02; done; echo '{}' > $out/summary.json\n";
}

TEST_F(LauncherTest, ANodeThatIsKilledIsStartedAgain) {
  Coordinator(UntilThereIs("$out/again"));
  Node("semlink-transmitter",
       "[ $index = 2 ] && exit 0; out=" + (folder_ / "out") +
           "\nif [ -e $out/first ]; then : > $out/again; exit 0; fi; : > $out/first; kill -9 $$\n");
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_THAT(said_, HasSubstr("semlink: transmitter1 was ended by signal 9 (Killed); starting it "
                               "again\n"));
  const std::string log = Log("transmitter1");
  EXPECT_NE(log.find("--index 1"), log.rfind("--index 1")) << "the log goes on: " << log;
}

TEST_F(LauncherTest, AfterTheStartANodeMayFail) {
  Coordinator(UntilThereIs("$out/again"));
  Node("semlink-receiver", "out=" + (folder_ / "out") +
                               "\nif [ -e $out/first ]; then : > $out/again; exit 0; fi\n"
                               "while ! grep -q training $out/events.jsonl; do sleep 0.02; done\n"
                               "sleep 0.3; : > $out/first; exit 1\n");
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_THAT(said_, HasSubstr("receiver1 exited with code 1; starting it again"));
}

TEST_F(LauncherTest, NobodyIsStartedAgainTooOften) {
  Coordinator(UntilThereIs("$out/never"));
  Node("semlink-receiver", "kill -9 $$\n");
  options_.supervision.max_restarts = 1;
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("starting it again"));
  EXPECT_THAT(said_, HasSubstr("the run failed: receiver1 was ended by signal 9"));
  EXPECT_THAT(said_, testing::EndsWith("semlink: `semlink run --resume " + (folder_ / "out") +
                                       "` continues it\n"));
}

TEST_F(LauncherTest, WrongUsageIsNotTriedAgain) {
  Coordinator(UntilThereIs("$out/never"));
  Node("semlink-receiver", "while ! grep -q training " + (folder_ / "out/events.jsonl") +
                               "; do sleep 0.02; done; sleep 0.3; exit 3\n");
  EXPECT_EQ(Launch(), kExitConnection);
}

TEST_F(LauncherTest, AFaultKeepsANodeDown) {
  Coordinator(
      "echo '{\"event\":\"fault_began\",\"id\":1,\"kind\":\"kill\",\"nodes\":[\"receiver1\"]}' > "
      "$out/events.jsonl\n" +
      UntilThereIs("$out/first") +
      "sleep 1; [ -e $out/again ] && echo too early; rm $out/summary.json\n"
      "echo '{\"event\":\"fault_ended\",\"id\":1}' >> $out/events.jsonl\n" +
      UntilThereIs("$out/again"));
  Node("semlink-receiver",
       "out=" + (folder_ / "out") +
           "\nif [ -e $out/first ]; then : > $out/again; exit 0; fi; : > $out/first; kill -9 $$\n");
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_THAT(said_,
              HasSubstr("receiver1 was ended by signal 9 (Killed); a fault keeps it down\n"));
  EXPECT_THAT(said_, HasSubstr("the fault is over: starting receiver1 again"));
  EXPECT_THAT(Log("coordinator"), testing::Not(HasSubstr("too early")));
}

TEST_F(LauncherTest, AKilledCoordinatorGoesOnAtTheSamePort) {
  Coordinator(
      "if [ -n \"$resumed\" ]; then echo '{}' > $out/summary.json; exit 0; fi\n"
      ": > $out/ledger.sqlite; echo 4711 > $port_file; sleep 0.3; kill -9 $$\n");
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_THAT(said_, HasSubstr("coordinator was ended by signal 9 (Killed); starting it again"));
  EXPECT_THAT(Log("coordinator"), HasSubstr("args: --resume " + (folder_ / "out") +
                                            " --insecure --listen "
                                            "127.0.0.1:4711 --port-file "));
}

TEST_F(LauncherTest, ACoordinatorThatSaysNoIsNotStartedAgain) {
  Coordinator(": > $out/ledger.sqlite; echo 4711 > $port_file; sleep 0.2; exit 1\n");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("the run failed: coordinator exited with code 1"));
}

TEST_F(LauncherTest, BeforeTheStartTheNodeThatFailedIsNamed) {
  Coordinator("echo 4711 > $port_file; while [ ! -e $out/bad ]; do sleep 0.02; done; exit 1\n");
  Node("semlink-receiver", "echo no data; : > " + (folder_ / "out/bad") + "; sleep 0.2; exit 1\n");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("the run failed: receiver1 exited with code 1"));
  EXPECT_THAT(said_, HasSubstr("  no data\n"));
}

TEST_F(LauncherTest, ANodeThatWasAwayAtTheEndIsEnded) {
  Coordinator(
      "echo 4711 > $port_file; sleep 0.3\n"
      "echo '{\"event\":\"node_lost\",\"node\":\"receiver1\"}' >> $out/events.jsonl\n"
      "echo '{}' > $out/summary.json\n");
  Node("semlink-receiver", "exec sleep 60\n");
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
}

TEST_F(LauncherTest, AnUnfinishedRunGoesOn) {
  std::filesystem::create_directories(folder_ / "out/logs");
  WriteText(folder_ / "out/scenario.yaml", "as it was\n");
  WriteText(folder_ / "out/ledger.sqlite", "");
  WriteText(folder_ / "out/coordinator.port", "1\n");
  WriteText(folder_ / "out/logs/transmitter1.log", "before\n");
  Coordinator("sleep 0.3; echo 4711 > $port_file; sleep 0.2; echo '{}' > $out/summary.json\n");
  options_.resume = true;
  EXPECT_EQ(Launch(), kExitSuccess) << said_;
  EXPECT_EQ(ReadText(folder_ / "out/scenario.yaml"), "as it was\n");
  EXPECT_THAT(Log("coordinator"), HasSubstr("args: --resume " + (folder_ / "out")));
  EXPECT_THAT(Log("transmitter1"), testing::StartsWith("before\n"));
  EXPECT_THAT(Log("transmitter1"), HasSubstr("--coordinator 127.0.0.1:4711 --index 1 --state " +
                                             (folder_ / "out/checkpoints")));
}

TEST_F(LauncherTest, ANodeThatDiesEndsTheRun) {
  Coordinator(
      "echo 4711 > $port_file\n"
      "echo '{\"event\":\"failed\",\"reason\":\"transmitter1 was lost\"}' > $out/events.jsonl\n"
      "echo $$ > $out/pid; exec sleep 60\n");
  Node("semlink-transmitter", "echo out of cheese; exit 9\n");
  Node("semlink-receiver", "exec sleep 60\n");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("the run failed: transmitter1 exited with code 9"));
  EXPECT_THAT(said_, HasSubstr("the coordinator says: transmitter1 was lost"));
  EXPECT_THAT(said_, HasSubstr("  out of cheese\n"));
  EXPECT_THAT(said_, testing::Not(HasSubstr("--resume"))) << "there is no ledger to go on with";
  pid_t coordinator = 0;
  ASSERT_TRUE(absl::SimpleAtoi(ReadText(folder_ / "out/pid"), &coordinator));
  EXPECT_EQ(kill(coordinator, 0), -1) << "the coordinator was left behind";
}

TEST_F(LauncherTest, PassesOnUsageConnectionAndTimeout) {
  Coordinator("echo 4711 > $port_file; sleep 0.1; exit 4\n");
  EXPECT_EQ(Launch(), kExitTimeout);
  options_.out = folder_ / "out2";
  Coordinator("echo 4711 > $port_file; sleep 0.1; exit 3\n");
  EXPECT_EQ(Launch(), kExitConnection);
  options_.out = folder_ / "out3";
  Coordinator("exit 2\n");
  EXPECT_EQ(Launch(), kExitUsage);
}

TEST_F(LauncherTest, ACoordinatorThatDoesNotStartEndsTheRun) {
  Coordinator("echo no such device; exit 1\n");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("no such device"));
  options_.out = folder_ / "out2";
  Coordinator("exit 0\n");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("ended before it had started"));
  options_.out = folder_ / "out3";
  options_.start_timeout = absl::Milliseconds(300);
  Coordinator("exec sleep 60\n");
  EXPECT_EQ(Launch(), kExitTimeout);
  EXPECT_THAT(said_, HasSubstr("did not open its port within 300ms"));
}

TEST_F(LauncherTest, NodesThatDoNotEndAreATimeout) {
  options_.end_timeout = absl::Milliseconds(300);
  Node("semlink-receiver", "exec sleep 60\n");
  EXPECT_EQ(Launch(), kExitTimeout);
  EXPECT_THAT(said_, HasSubstr("receiver1 did not end"));
}

TEST_F(LauncherTest, AMissingProgramIsNamed) {
  std::filesystem::remove(folder_ / "semlink-receiver");
  EXPECT_EQ(Launch(), kExitFailed);
  EXPECT_THAT(said_, HasSubstr("can't find semlink-receiver"));
}

TEST_F(LauncherTest, AnInterruptEndsEverything) {
  Coordinator(
      "echo 4711 > $port_file; trap 'echo interrupted; exit 130' INT\n"
      "echo ready; while :; do sleep 0.05; done\n");
  Node("semlink-transmitter",
       "trap 'grep -q interrupted " + (folder_ / "out/logs/coordinator.log") +
           " && echo after the coordinator; exit 130' INT; while :; do sleep 0.05; done\n");
  Node("semlink-receiver",
       "trap '' INT TERM; echo $$ > " + (folder_ / "pid") + "; while :; do sleep 0.05; done\n");
  const pid_t launcher = fork();
  if (launcher == 0) _exit(Launcher(options_, &clock_).Run());
  while (ReadText(folder_ / "pid").empty()) absl::SleepFor(absl::Milliseconds(10));
  kill(launcher, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(launcher, &status, 0), launcher);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kExitInterrupted);
  EXPECT_THAT(Log("coordinator"), testing::EndsWith("interrupted\n"));
  EXPECT_THAT(Log("transmitter1"), testing::EndsWith("after the coordinator\n"));
  pid_t deaf = 0;
  ASSERT_TRUE(absl::SimpleAtoi(ReadText(folder_ / "pid"), &deaf));
  EXPECT_EQ(kill(deaf, 0), -1) << "a node that ignores signals was left behind";
}

TEST(CheckNewFolderTest, WantsAnEmptyOrMissingFolder) {
  TempDir folder;
  EXPECT_TRUE(CheckNewFolder(folder.path()).ok());
  EXPECT_TRUE(CheckNewFolder(folder / "none").ok());
  WriteText(folder / "file", "x");
  EXPECT_FALSE(CheckNewFolder(folder.path()).ok());
  EXPECT_FALSE(CheckNewFolder(folder / "file").ok());
}

TEST(TimeStampTest, SortsByTime) {
  const absl::Time time =
      absl::FromCivil(absl::CivilSecond(2026, 1, 31, 23, 59, 8), absl::LocalTimeZone());
  EXPECT_EQ(TimeStamp(time), "20260131-235908");
}

}  // namespace
}  // namespace semlink::cli
