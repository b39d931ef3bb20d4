// NodeMain and RunDaemon in a process of their own: flags, signals, exit codes.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/node/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/peer.h"

namespace semlink {
namespace {

using ::testing::HasSubstr;
using Kind = Mailbox::Event::Kind;

// A tiny_daemon with its standard output and error in one pipe.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), TINY_DAEMON);
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      dup2(ends[1], 2);
      close(ends[0]);
      close(ends[1]);
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(TINY_DAEMON, argv.data());
      _exit(99);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }

  // Reads until `text` has been printed; false if the output ends or 20 s pass first.
  bool WaitFor(const std::string& text) {
    while (printed_.find(text) == std::string::npos) {
      if (!ReadMore()) return false;
    }
    return true;
  }
  void Signal(int number) { kill(pid_, number); }
  // The exit code, or 1000 + the signal that killed it.
  int Wait() {
    while (ReadMore()) {
    }
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  const std::string& printed() const { return printed_; }

 private:
  bool ReadMore() {
    pollfd ready = {output_, POLLIN, 0};
    char buffer[4096];
    if (poll(&ready, 1, 20'000) <= 0) return false;
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got <= 0) return false;
    printed_.append(buffer, got);
    return true;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string printed_;
};

v1::Message Suffer(v1::Fault::Kind kind, double seconds) {
  v1::Message message;
  message.mutable_suffer()->set_kind(kind);
  message.mutable_suffer()->set_seconds(seconds);
  return message;
}

class DaemonProcessTest : public testing::Test {
 protected:
  std::vector<std::string> Arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"--coordinator", coordinator_.transport->listen_address(),
                                    "--index", "1", "--insecure"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // Waits until the daemon has joined; returns its Hello.
  v1::Hello Join() { return coordinator_.Next(Kind::kMessage).message.hello(); }
  void Send(const v1::Message& message) {
    ASSERT_TRUE(coordinator_.transport->Send(NodeId::Transmitter(0), message).ok());
  }

  Peer coordinator_{TestOptions(NodeId::Coordinator())};
};

TEST_F(DaemonProcessTest, StopEndsItWithSuccess) {
  Child child(Arguments());
  const v1::Hello hello = Join();
  EXPECT_EQ(FromProto(hello.node()), NodeId::Transmitter(0));
  EXPECT_THAT(hello.data_address(), HasSubstr("127.0.0.1:"));
  v1::Message stop;
  stop.mutable_stop();
  Send(stop);
  EXPECT_EQ(child.Wait(), kExitSuccess) << child.printed();
  EXPECT_THAT(child.printed(), HasSubstr("made transmitter1"));
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status, ClosedByPeer());
}

TEST_F(DaemonProcessTest, SigtermEndsItInGoodOrder) {
  Child child(Arguments());
  Join();
  child.Signal(SIGTERM);
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status, ClosedByPeer());  // closed, not broken
  EXPECT_EQ(child.Wait(), kExitSuccess) << child.printed();
}

TEST_F(DaemonProcessTest, SigintEndsItWith130) {
  Child child(Arguments());
  Join();
  child.Signal(SIGINT);
  EXPECT_EQ(child.Wait(), kExitInterrupted) << child.printed();
}

TEST_F(DaemonProcessTest, ASecondSigintEndsABusyNodeAtOnce) {
  Child child(Arguments());
  Join();
  v1::Message commit;
  commit.mutable_commit();
  Send(commit);
  ASSERT_TRUE(child.WaitFor("busy"));
  child.Signal(SIGINT);
  EXPECT_EQ(coordinator_.Next(absl::Milliseconds(100)).kind, Kind::kTick);  // still computing
  child.Signal(SIGINT);
  EXPECT_EQ(child.Wait(), kExitInterrupted) << child.printed();
}

TEST_F(DaemonProcessTest, AKilledDaemonIsNoticed) {
  Child child(Arguments());
  Join();
  child.Signal(SIGKILL);
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(child.Wait(), 1000 + SIGKILL);
}

TEST_F(DaemonProcessTest, AFailedNodeSaysWhyAndEndsWith1) {
  Child child(Arguments());
  Join();
  v1::Message abort;
  abort.mutable_abort()->set_reason("the disk is on fire");
  Send(abort);
  const Mailbox::Event last_words = coordinator_.Next();
  EXPECT_EQ(last_words.message.refusal().reason(), v1::Refusal::FAILED);
  EXPECT_EQ(last_words.message.refusal().detail(), "the disk is on fire");
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerDown);
  EXPECT_EQ(child.Wait(), kExitFailed);
  EXPECT_THAT(child.printed(), HasSubstr("error transmitter1: the disk is on fire"));
}

TEST_F(DaemonProcessTest, AStoppedDaemonIsNoticed) {
  coordinator_.transport->SetSilence(absl::Seconds(2));
  Child child(Arguments());
  Join();
  child.Signal(SIGSTOP);
  const absl::Time start = absl::Now();
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(down.status.message()),
              HasSubstr("nothing heard from transmitter1 for 2s"));
  EXPECT_LT(absl::Now() - start, absl::Seconds(4));
}

TEST_F(DaemonProcessTest, ADaemonKillsItselfWhenItIsTold) {
  for (const v1::Fault::Kind kind : {v1::Fault::KILL, v1::Fault::RESTART}) {
    Child child(Arguments());
    Join();
    Send(Suffer(kind, 0));
    EXPECT_EQ(child.Wait(), 1000 + SIGKILL);
    EXPECT_THAT(child.printed(), HasSubstr("fault: the coordinator wants this node killed"));
    EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerDown);
  }
}

TEST_F(DaemonProcessTest, APauseEndsByItself) {
  Child child(Arguments());
  Join();
  for (int i = 0; i < 2; ++i) Send(Suffer(v1::Fault::PAUSE, 0.4));
  v1::Message stop;
  stop.mutable_stop();
  Send(stop);
  const absl::Time start = absl::Now();
  EXPECT_EQ(child.Wait(), kExitSuccess) << child.printed();
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(750));
  EXPECT_THAT(child.printed(), HasSubstr("fault: the pause is over"));
}

TEST_F(DaemonProcessTest, APauseCanBeEndedEarly) {
  Child child(Arguments());
  Join();
  Send(Suffer(v1::Fault::PAUSE, 1000));
  ASSERT_TRUE(child.WaitFor("fault: pausing for 1000"));
  EXPECT_EQ(coordinator_.Next(absl::Milliseconds(200)).kind, Kind::kTick);
  child.Signal(SIGCONT);
  ASSERT_TRUE(child.WaitFor("the pause is over"));
  child.Signal(SIGTERM);
  EXPECT_EQ(child.Wait(), kExitSuccess) << child.printed();
}

TEST_F(DaemonProcessTest, ADaemonThatIsKilledInAPauseLeavesNothingBehind) {
  Child child(Arguments());
  Join();
  Send(Suffer(v1::Fault::PAUSE, 1000));
  ASSERT_TRUE(child.WaitFor("fault: pausing for 1000"));
  EXPECT_EQ(coordinator_.Next(absl::Milliseconds(200)).kind, Kind::kTick);
  child.Signal(SIGKILL);
  const absl::Time start = absl::Now();
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerDown);  // nobody else holds the connection
  EXPECT_EQ(child.Wait(), 1000 + SIGKILL);               // nor the output
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST_F(DaemonProcessTest, ALostCoordinatorIsAConnectionError) {
  Child child(Arguments());
  Join();
  coordinator_.transport->Shutdown(absl::Seconds(1));
  EXPECT_EQ(child.Wait(), kExitConnection);
  EXPECT_THAT(child.printed(), HasSubstr("lost the coordinator: it closed the connection"));
}

TEST_F(DaemonProcessTest, ARefusalIsAConnectionErrorThatNamesTheReason) {
  Child child(Arguments());
  Join();
  Send(MakeRefusal(v1::Refusal::UNKNOWN_NODE, "transmitter1 is not in the scenario"));
  EXPECT_EQ(child.Wait(), kExitConnection);
  EXPECT_THAT(child.printed(), HasSubstr("transmitter1 is not in the scenario"));
}

TEST_F(DaemonProcessTest, WaitingForAnAbsentCoordinatorTimesOut) {
  const std::vector<std::string> arguments = Arguments({"--wait", "2"});
  coordinator_.transport->Shutdown(absl::Seconds(1));
  Child child(arguments);
  EXPECT_EQ(child.Wait(), kExitTimeout);
  EXPECT_THAT(child.printed(), HasSubstr("waiting for the coordinator at 127.0.0.1:"));
  EXPECT_THAT(child.printed(), HasSubstr("connection refused; next try in 0.2 s"));
}

TEST_F(DaemonProcessTest, WrongUsageEndsWith2) {
  EXPECT_EQ(Child({}).Wait(), kExitUsage);
  EXPECT_EQ(Child({"--coordinator", "127.0.0.1:1", "--index", "0"}).Wait(), kExitUsage);
  EXPECT_EQ(Child({"--coordinator", "nowhere", "--index", "1"}).Wait(), kExitUsage);
  EXPECT_EQ(Child({"--coordinator", "192.0.2.1:7000", "--index", "1"}).Wait(), kExitUsage);
  EXPECT_EQ(Child(Arguments({"--listen", "0.0.0.0:0"})).Wait(), kExitUsage);
  EXPECT_EQ(Child(Arguments({"--log-level", "loud"})).Wait(), kExitUsage);
}

TEST_F(DaemonProcessTest, APortInUseIsExplained) {
  Child child(Arguments({"--listen", coordinator_.transport->listen_address()}));
  EXPECT_EQ(child.Wait(), kExitConnection);
  EXPECT_THAT(child.printed(), HasSubstr("address already in use; choose another with --listen"));
}

TEST_F(DaemonProcessTest, HelpAndVersion) {
  Child help({"--help"});
  EXPECT_EQ(help.Wait(), kExitSuccess);
  EXPECT_THAT(help.printed(), HasSubstr("--advertise"));
  EXPECT_THAT(help.printed(), HasSubstr("130 interrupted"));
  Child version({"--version"});
  EXPECT_EQ(version.Wait(), kExitSuccess);
  EXPECT_THAT(version.printed(), HasSubstr("semlink-transmitter of semlink 0.1.0"));
}

}  // namespace
}  // namespace semlink
