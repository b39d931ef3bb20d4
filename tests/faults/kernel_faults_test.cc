#include "common/faults/kernel_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/faults/fault_spec.h"
#include "common/faults/kernel_network.h"
#include "tests/faults/fake_runner.h"

namespace semlink {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const NodeId kT1 = NodeId::Transmitter(0);
const NodeId kR1 = NodeId::Receiver(0);
const NodeId kR2 = NodeId::Receiver(1);

v1::Fault Fault(uint64_t id, const std::string& text) {
  v1::Fault fault = *ParseFaultText(text + " --level kernel");
  fault.set_id(id);
  return fault;
}

// Gives a runner that the test keeps.
class Shared : public CommandRunner {
 public:
  explicit Shared(FakeRunner* runner) : runner_(runner) {}
  absl::StatusOr<std::string> Run(const Command& command) override { return runner_->Run(command); }

 private:
  FakeRunner* runner_;
};

class KernelFaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    faults_ = std::make_unique<KernelFaults>(
        kT1, std::make_unique<Shared>(&runner_),
        [this] {
          absl::MutexLock lock(&mutex_);
          return peers_;
        },
        [this](const v1::FaultsSet& answer) {
          absl::MutexLock lock(&mutex_);
          answers_.push_back(answer);
        },
        absl::Milliseconds(200));
  }
  void SetPeers(std::map<NodeId, LinkEnds> peers) {
    absl::MutexLock lock(&mutex_);
    peers_ = std::move(peers);
  }
  // "1", or "1: why not", of the next answer.
  std::vector<std::string> Answer() {
    absl::MutexLock lock(&mutex_);
    const auto come = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !answers_.empty(); };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&come), absl::Seconds(30))) return {"no answer"};
    std::vector<std::string> texts;
    for (const v1::FaultOutcome& outcome : answers_[0].outcome()) {
      texts.push_back(outcome.active() ? absl::StrCat(outcome.id())
                                       : absl::StrCat(outcome.id(), ": ", outcome.reason()));
    }
    answers_.erase(answers_.begin());
    return texts;
  }
  std::string Rules() {
    const std::map<std::string, std::string> tables = runner_.tables();
    return tables.empty() ? "" : tables.begin()->second;
  }

  FakeRunner runner_;
  absl::Mutex mutex_;
  std::map<NodeId, LinkEnds> peers_ ABSL_GUARDED_BY(mutex_) = {{kR1, {"10.0.0.1", 0, 7001}},
                                                               {kR2, {"10.0.0.2", 0, 7001}}};
  std::vector<v1::FaultsSet> answers_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<KernelFaults> faults_;
};

TEST_F(KernelFaultsTest, BeginsAndEnds) {
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s"),
                Fault(2, "cut transmitter1>receiver2")});
  EXPECT_THAT(Answer(), ElementsAre("1", "2"));
  EXPECT_EQ(runner_.root("eth1"), "htb 5e1:");
  EXPECT_THAT(Rules(), HasSubstr("10.0.0.2 tcp sport 7001 counter drop"));
  faults_->Set({Fault(2, "cut transmitter1>receiver2")});
  EXPECT_THAT(Answer(), ElementsAre("2"));
  EXPECT_EQ(runner_.root("eth1"), "noqueue 0:");
  faults_->Set({});
  EXPECT_THAT(Answer(), IsEmpty());
  EXPECT_THAT(runner_.tables(), IsEmpty());
}

TEST_F(KernelFaultsTest, ListsWithoutSuchFaultsCostNothing) {
  faults_->Set({*ParseFaultText("cut transmitter1>receiver1")});
  faults_->Set({});
  faults_->PeersChanged();
  faults_->Stop();
  EXPECT_THAT(runner_.TakeLog(), IsEmpty());
}

TEST_F(KernelFaultsTest, AnEndOfTheNodeEndsThem) {
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  Answer();
  faults_->Stop();
  EXPECT_THAT(runner_.tables(), IsEmpty());
  EXPECT_EQ(runner_.root("eth1"), "noqueue 0:");
  faults_->Set({Fault(1, "cut transmitter1>receiver1")});
  faults_->PeersChanged();
  EXPECT_THAT(runner_.tables(), IsEmpty()) << "nothing is done afterwards";
}

TEST_F(KernelFaultsTest, OneThatTheKernelCantDoLeavesTheOthers) {
  runner_.Fail(" netem ", absl::FailedPreconditionError("Specified qdisc kind is unknown."));
  faults_->Set({Fault(1, "cut transmitter1>receiver2"),
                Fault(2, "delay transmitter1>receiver1 --delay 50ms"),
                Fault(3, "throttle transmitter1>receiver1 --rate 1MB/s")});
  const std::vector<std::string> answer = Answer();
  ASSERT_THAT(answer, SizeIs(3));
  EXPECT_EQ(answer[0], "1");
  EXPECT_THAT(answer[1], HasSubstr("this kernel has no netem"));
  EXPECT_EQ(answer[2], "3");
  EXPECT_EQ(runner_.root("eth1"), "htb 5e1:");
  EXPECT_THAT(Rules(), HasSubstr("counter drop"));
}

TEST_F(KernelFaultsTest, AKernelWithNetemIsUsed) {
  faults_->Set({Fault(2, "delay transmitter1>receiver1 --delay 50ms")});
  EXPECT_THAT(Answer(), ElementsAre("2"));
  EXPECT_THAT(runner_.TakeLog(),
              Contains("tc qdisc add dev eth1 parent 5e1:1 netem limit 10000 delay 50000us"));
}

TEST_F(KernelFaultsTest, WithoutPermissionItSaysWhatIsMissing) {
  runner_.Fail("nft", absl::PermissionDeniedError("Operation not permitted"));
  faults_->Set({Fault(1, "cut transmitter1>receiver1")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("needs NET_ADMIN")));
  runner_.Fail("nft", absl::NotFoundError("nft is not installed"));
  faults_->Set({Fault(1, "cut transmitter1>receiver1")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("install nftables")));
}

TEST_F(KernelFaultsTest, AFailureHalfWayLeavesNothing) {
  runner_.Fail("nft -f", absl::FailedPreconditionError("syntax error"));
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("syntax error")));
  EXPECT_EQ(runner_.root("eth1"), "noqueue 0:");
}

TEST_F(KernelFaultsTest, AnothersQueueIsNotTouched) {
  runner_.SetRoot("eth1", "fq_codel 8001:");
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("fq_codel 8001: that is not semlink's")));
  EXPECT_EQ(runner_.root("eth1"), "fq_codel 8001:");
  runner_.SetRoot("eth1", "htb 5e1:");
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("another semlink node")));
  EXPECT_EQ(runner_.root("eth1"), "htb 5e1:");
}

TEST_F(KernelFaultsTest, ANewAddressIsFollowed) {
  SetPeers({});
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(Answer(), ElementsAre("1")) << "nothing passes: there is no connection";
  SetPeers({{kR1, {"10.0.0.7", 0, 7001}}});
  faults_->PeersChanged();
  for (int i = 0; i < 3000 && runner_.root("eth7") != "htb 5e1:"; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(runner_.root("eth7"), "htb 5e1:");
  // What fails only then is told without a question.
  runner_.Fail("tc class", absl::FailedPreconditionError("no htb"));
  SetPeers({{kR1, {"10.0.0.8", 0, 7001}}});
  faults_->PeersChanged();
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("no htb")));
}

TEST_F(KernelFaultsTest, OneWithoutARouteEndsWhatItDidBefore) {
  faults_->Set({Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(Answer(), ElementsAre("1"));
  runner_.Fail("ip -o route", absl::FailedPreconditionError("unreachable"));
  SetPeers({{kR1, {"10.0.0.7", 0, 7001}}});
  faults_->PeersChanged();
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("unreachable")));
  EXPECT_THAT(runner_.tables(), IsEmpty());
  EXPECT_EQ(runner_.root("eth1"), "noqueue 0:");
}

TEST_F(KernelFaultsTest, OneThatCantTellThePacketsFails) {
  SetPeers({{kR1, {}}, {kR2, {"10.0.0.2", 0, 7001}}});
  faults_->Set({Fault(1, "cut transmitter1>receiver1"), Fault(2, "cut transmitter1>receiver2")});
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("packets of receiver1 can't be told"), "2"));
  EXPECT_THAT(Rules(), HasSubstr("10.0.0.2"));
}

TEST_F(KernelFaultsTest, WhileConnectionsChangeItLooksAgain) {
  faults_->Set({Fault(1, "cut transmitter1>receiver1")});
  EXPECT_THAT(Answer(), ElementsAre("1"));
  SetPeers({{kR1, {}}});
  faults_->PeersChanged();
  for (int i = 0; i < 3000 && absl::StrContains(Rules(), "10.0.0.1"); ++i) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  SetPeers({{kR1, {"10.0.0.7", 40000, 7001}}});  // nobody says that it has changed
  for (int i = 0; i < 3000 && !absl::StrContains(Rules(), "10.0.0.7"); ++i) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_THAT(Rules(), HasSubstr("10.0.0.7"));
  // It does not hope for ever.
  SetPeers({{kR1, {}}});
  faults_->PeersChanged();
  EXPECT_THAT(Answer(), ElementsAre(HasSubstr("can't be told")));
}

TEST_F(KernelFaultsTest, NonsenseFromTheNetworkIsRefused) {
  v1::Fault nameless;
  nameless.set_id(1);
  nameless.set_level(v1::Fault::KERNEL);
  v1::Fault half = Fault(2, "drop transmitter1>receiver1 --probability 0.5");
  half.set_probability(7);
  v1::Fault far = Fault(3, "cut transmitter1>receiver1");
  far.mutable_to(0)->set_index(4000000000u);
  v1::Fault good = Fault(4, "cut transmitter1>receiver1");
  faults_->Set({nameless, half, far, good});
  EXPECT_THAT(Answer(),
              ElementsAre(HasSubstr("1: "), HasSubstr("probability"), HasSubstr("3: "), "4"));
}

TEST(KernelFaultsOffTest, AProgramThatMayNotSaysSo) {
  absl::Notification told;
  std::string reason;
  KernelFaults faults(
      kT1, nullptr, [] { return std::map<NodeId, LinkEnds>(); },
      [&](const v1::FaultsSet& answer) {
        reason = answer.outcome(0).reason();
        told.Notify();
      });
  faults.CleanUp();
  faults.Set({Fault(1, "cut transmitter1>receiver1")});
  ASSERT_TRUE(told.WaitForNotificationWithTimeout(absl::Seconds(30)));
  EXPECT_THAT(reason, HasSubstr("does not change its network"));
}

TEST(KernelNetworkTest, LeftoversOfTheDeadGo) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  runner.AddTable("semlink_transmitter1_4194304");  // above any process id
  runner.AddTable(network.table());                 // of a predecessor with our id
  runner.SetRoot("eth0", "htb 5e1:");
  runner.SetRoot("eth1", "htb 1:");
  ASSERT_TRUE(network.RemoveLeftovers().ok());
  EXPECT_THAT(runner.tables(), IsEmpty());
  EXPECT_EQ(runner.root("eth0"), "noqueue 0:");
  EXPECT_EQ(runner.root("eth1"), "htb 1:") << "not ours";
}

TEST(KernelNetworkTest, WhatOthersMayUseStays) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  runner.AddTable("semlink_receiver1_4194304");
  runner.AddTable("filter");
  runner.SetRoot("eth0", "htb 5e1:");
  ASSERT_TRUE(network.RemoveLeftovers().ok());
  EXPECT_THAT(runner.tables(), SizeIs(2));
  EXPECT_EQ(runner.root("eth0"), "htb 5e1:");
}

TEST(KernelNetworkTest, ASecondPlanReplacesTheFirst) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  const auto plan = [&](const std::string& text) {
    return MakeKernelPlan(kT1, network.table(), {Fault(1, text)},
                          {{kR1, {{"10.0.0.1", 0, 7001}, {"eth1", 1500}}}});
  };
  ASSERT_TRUE(network.Install(plan("throttle transmitter1>receiver1 --rate 1MB/s")).ok());
  runner.TakeLog();
  ASSERT_TRUE(network.Install(plan("throttle transmitter1>receiver1 --rate 1MB/s")).ok());
  EXPECT_THAT(runner.TakeLog(), IsEmpty()) << "it is there";
  ASSERT_TRUE(network.Install(plan("throttle transmitter1>receiver1 --rate 2MB/s")).ok());
  EXPECT_THAT(runner.TakeLog(), Contains(HasSubstr("tbf rate 16000000bit")));
  ASSERT_TRUE(network.Restore().ok());
  EXPECT_EQ(runner.root("eth1"), "noqueue 0:");
  EXPECT_TRUE(network.Restore().ok());
}

TEST(KernelNetworkTest, ItSaysIfTheNetworkIsNotAsBefore) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  ASSERT_TRUE(
      network
          .Install(MakeKernelPlan(kT1, network.table(),
                                  {Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")},
                                  {{kR1, {{"10.0.0.1", 0, 7001}, {"eth1", 1500}}}}))
          .ok());
  runner.Fail("tc qdisc del", absl::FailedPreconditionError("device busy"));
  EXPECT_THAT(std::string(network.Restore().message()), HasSubstr("device busy"));
}

TEST(KernelNetworkTest, WhatCouldNotBeRemovedIsTriedAgain) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  const KernelPlan plan = MakeKernelPlan(kT1, network.table(),
                                         {Fault(1, "throttle transmitter1>receiver1 --rate 1MB/s")},
                                         {{kR1, {{"10.0.0.1", 0, 7001}, {"eth1", 1500}}}});
  const auto fail = [&](const absl::Status& status) {
    runner.Fail("delete table", status);
    runner.Fail("tc qdisc del", status);
  };
  ASSERT_TRUE(network.Install(plan).ok());
  fail(absl::DeadlineExceededError("not done within 5s"));
  EXPECT_FALSE(network.Restore().ok());
  fail(absl::OkStatus());
  EXPECT_TRUE(network.Restore().ok());
  EXPECT_THAT(runner.tables(), IsEmpty());
  EXPECT_EQ(runner.root("eth1"), "noqueue 0:");

  ASSERT_TRUE(network.Install(plan).ok());
  fail(absl::DeadlineExceededError("not done within 5s"));
  EXPECT_FALSE(network.Restore().ok());
  fail(absl::OkStatus());
  EXPECT_TRUE(network.Install(plan).ok()) << "the queue is its own, not another's";
  EXPECT_EQ(runner.root("eth1"), "htb 5e1:");
  EXPECT_TRUE(network.Restore().ok());
  EXPECT_EQ(runner.root("eth1"), "noqueue 0:");
}

TEST(KernelNetworkTest, OneThatWasKilledOnceItWasDoneLeavesNothing) {
  FakeRunner runner;
  KernelNetwork network(kT1, &runner);
  const KernelPlan plan =
      MakeKernelPlan(kT1, network.table(), {Fault(1, "cut transmitter1>receiver1")},
                     {{kR1, {{"10.0.0.1", 0, 7001}, {}}}});
  runner.FailOnceDone(absl::DeadlineExceededError("not done within 5s"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(network.Install(plan)));
  EXPECT_THAT(runner.tables(), IsEmpty());
  EXPECT_TRUE(network.Install(plan).ok());
  EXPECT_THAT(runner.tables(), SizeIs(1));
}

}  // namespace
}  // namespace semlink
