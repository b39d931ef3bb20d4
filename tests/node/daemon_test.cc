#include "common/node/daemon.h"

#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/node/exit_code.h"
#include "common/node/logging.h"
#include "common/node/signal_watcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/transport/peer.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;

class ScriptedNode : public Node {
 public:
  absl::Status Handle(const NodeId& from, const v1::Message& message) override {
    calls.push_back("message");
    return on_message ? on_message(message) : absl::OkStatus();
  }
  absl::Status PeerUp(const NodeId& peer) override {
    calls.push_back("up " + peer.ToString());
    return absl::OkStatus();
  }
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override {
    calls.push_back("down " + peer.ToString());
    return on_down;
  }
  absl::Status Tick() override {
    ++ticks;
    return on_tick ? on_tick() : absl::OkStatus();
  }
  bool done() const override { return is_done; }

  std::vector<std::string> calls;
  std::function<absl::Status(const v1::Message&)> on_message;
  std::function<absl::Status()> on_tick;
  absl::Status on_down;
  int ticks = 0;
  bool is_done = false;
};

class DaemonTest : public testing::Test {
 protected:
  DaemonEnd Run() {
    return RunDaemon(&node_, &peer_.mailbox, peer_.transport.get(), &clock_, options_);
  }
  void PostStop() {
    v1::Message stop;
    stop.mutable_stop();
    peer_.mailbox.PostMessage(NodeId::Receiver(0), stop);
  }

  Peer peer_{TestOptions(NodeId::Coordinator())};
  ScriptedNode node_;
  RealClock clock_;
  DaemonOptions options_;
};

TEST_F(DaemonTest, DeliversInOrderUntilTheNodeIsDone) {
  peer_.mailbox.PostPeerUp(NodeId::Receiver(0));
  peer_.mailbox.PostCall([&] {
    node_.calls.push_back("call");
    return absl::OkStatus();
  });
  peer_.mailbox.PostPeerDown(NodeId::Receiver(0), ClosedByPeer());
  PostStop();
  PostStop();  // not delivered
  node_.on_message = [&](const v1::Message&) {
    node_.is_done = true;
    return absl::OkStatus();
  };
  const DaemonEnd end = Run();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(ExitCode(end), kExitSuccess);
  EXPECT_THAT(node_.calls, ElementsAre("up receiver1", "call", "down receiver1", "message"));
}

TEST_F(DaemonTest, TicksAlsoWhileMessagesCome) {
  options_.tick = absl::Milliseconds(20);
  node_.on_message = [&](const v1::Message&) {
    node_.is_done = node_.ticks >= 3;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    PostStop();  // there is always one
    return absl::OkStatus();
  };
  PostStop();
  EXPECT_TRUE(Run().status.ok());
  EXPECT_GE(node_.ticks, 3);
}

TEST_F(DaemonTest, AFailureEndsIt) {
  PostStop();
  node_.on_message = [](const v1::Message&) { return absl::DataLossError("gone"); };
  EXPECT_EQ(ExitCode(Run()), kExitFailed);
}

TEST_F(DaemonTest, AnExceptionIsAFailure) {
  PostStop();
  node_.on_message = [](const v1::Message&) -> absl::Status {
    throw std::runtime_error("a tensor of the wrong shape");
  };
  const DaemonEnd end = Run();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(end.status.message(), "unexpected error: a tensor of the wrong shape");
}

TEST_F(DaemonTest, ALostPeersReasonDecidesTheCode) {
  peer_.mailbox.PostPeerDown(NodeId::Receiver(0), absl::DeadlineExceededError("too late"));
  node_.on_down = absl::UnavailableError("lost receiver1: too late");
  const DaemonEnd end = Run();
  EXPECT_EQ(ExitCode(end), kExitTimeout);
  EXPECT_EQ(end.status.message(), "lost receiver1: too late");
}

TEST_F(DaemonTest, ASignalEndsTheLoop) {
  node_.on_tick = [] {
    raise(SIGTERM);
    return absl::OkStatus();
  };
  options_.tick = absl::Milliseconds(10);
  const DaemonEnd end = Run();
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_EQ(ExitCode(end), kExitSuccess);
}

TEST_F(DaemonTest, ASignalCanBeLeftToTheNode) {
  options_.tick = absl::Milliseconds(10);
  int asked = 0;
  options_.on_signal = [&](int signal) {
    EXPECT_EQ(signal, SIGINT);
    ++asked;
    return true;
  };
  node_.on_tick = [&] {
    if (asked == 0 && node_.ticks == 1) raise(SIGINT);
    node_.is_done = asked > 0;
    return absl::OkStatus();
  };
  EXPECT_EQ(ExitCode(Run()), kExitInterrupted);
  EXPECT_EQ(asked, 1);
}

TEST(SignalWatcherTest, OneAtATime) {
  auto first = SignalWatcher::Create([](int) {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(SignalWatcher::Create([](int) {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  *first = nullptr;
  EXPECT_TRUE(SignalWatcher::Create([](int) {}).ok());
}

TEST(ExitCodeTest, MapsStatusCodes) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCode(absl::DataLossError("")), 1);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitCode(absl::UnauthenticatedError("")), 3);
  EXPECT_EQ(ExitCode(absl::PermissionDeniedError("")), 3);
  EXPECT_EQ(ExitCode(absl::DeadlineExceededError("")), 4);
  EXPECT_EQ(ExitCode(absl::CancelledError("")), 130);
}

TEST(LoggingTest, TakesItsLevelsOnly) {
  for (const char* level : kLogLevels) EXPECT_TRUE(InitLogging("receiver1", level).ok()) << level;
  EXPECT_EQ(InitLogging("receiver1", "loud").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(InitLogging("test", "info").ok());
}

}  // namespace
}  // namespace semlink
