#include "coordinator/coordinator_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/faults/fault_spec.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Body = v1::Message::BodyCase;

std::string Texts(const std::vector<v1::Fault>& faults) {
  return absl::StrJoin(faults, "; ", [](std::string* out, const v1::Fault& fault) {
    absl::StrAppend(out, FaultText(fault));
  });
}

// Notes in which order nodes and the coordinator's own transport are told.
class LoggingTransport : public RecordingTransport {
 public:
  absl::Status Send(const NodeId& to, v1::Message message) override {
    if (gone.count(to) == 0) {
      const auto& faults = message.set_faults().fault();
      log.push_back(absl::StrCat(to.ToString(), ": ", MessageName(message), " ",
                                 Texts({faults.begin(), faults.end()})));
    }
    return RecordingTransport::Send(to, std::move(message));
  }
  void SetFaults(const std::vector<v1::Fault>& faults) override {
    log.push_back("own: " + Texts(faults));
  }

  std::vector<std::string> log;
};

class CoordinatorFaultsTest : public ::testing::Test {
 protected:
  void Create(std::vector<TimedFault> timed = {}) {
    scenario_.faults = std::move(timed);
    JobOptions options;
    options.test_size = 18;
    job_.emplace(*Job::Make(scenario_, options));
    auto recorder = RunRecorder::Create(dir_, scenario_, *job_, &clock_);
    ASSERT_TRUE(recorder.ok()) << recorder.status();
    recorder_ = *std::move(recorder);
    Restart(false);
  }
  void Restart(bool resumed) {
    CoordinatorFaults::Options options;
    options.actions.suffer = [this](const v1::Suffer& suffer) {
      transport_.log.push_back("own: " + v1::Fault::Kind_Name(suffer.kind()));
    };
    options.actions.wake = [this](uint32_t pid) { woken_.push_back(pid); };
    options.local_nodes = true;
    faults_.reset();
    desk_ = std::make_unique<FaultDesk>();
    faults_ = std::make_unique<CoordinatorFaults>(options, desk_.get(), &transport_, &clock_,
                                                  recorder_.get());
    ASSERT_TRUE(faults_->Open(scenario_, resumed).ok());
    for (const NodeId& node : AllNodes(scenario_)) {
      membership_.Join(node, HelloFrom(node).hello(), clock_.Now());
    }
  }
  uint64_t Add(const std::string& text) { return desk_->Add(*ParseFaultText(text)).value(); }
  std::vector<std::string> Advance(uint64_t committed = 0) {
    transport_.log.clear();
    EXPECT_TRUE(faults_->Advance(committed, membership_).ok());
    return transport_.log;
  }
  std::vector<std::string> Events() {
    std::vector<std::string> events;
    for (const auto& line : ReadJsonLines(dir_ + "/events.jsonl")) {
      const std::string name = line["event"];
      if (name == "fault_began") events.push_back(absl::StrCat("+", line["id"].get<int>()));
      if (name == "fault_ended") {
        events.push_back(
            absl::StrCat("-", line["id"].get<int>(), " ", line["reason"].get<std::string>()));
      }
    }
    return events;
  }

  Scenario scenario_ = SmallScenario();
  TempDir folder_;
  std::string dir_ = folder_ / "run";
  FakeClock clock_{absl::FromUnixSeconds(1000)};
  Membership membership_{scenario_};
  LoggingTransport transport_;
  std::optional<Job> job_;
  std::unique_ptr<RunRecorder> recorder_;
  std::unique_ptr<FaultDesk> desk_;
  std::unique_ptr<CoordinatorFaults> faults_;
  std::vector<uint32_t> woken_;
};

TEST_F(CoordinatorFaultsTest, ALinkBetweenNodesIsTheirs) {
  Create();
  Add("drop transmitter1>receiver1 --probability 1 --seed 5");
  EXPECT_THAT(Advance(), ElementsAre("transmitter1: SetFaults drop transmitter1>receiver1 "
                                     "--probability 1 --seed 5"));
  EXPECT_THAT(Advance(), IsEmpty());
  ASSERT_TRUE(desk_->Clear({}).ok());
  EXPECT_THAT(Advance(), ElementsAre("transmitter1: SetFaults "));
  EXPECT_THAT(Events(), ElementsAre("+1", "-1 cleared"));
}

TEST_F(CoordinatorFaultsTest, TheCoordinatorsOwnLinksBeginLastAndEndFirst) {
  Create();
  Add("cut transmitter1");
  EXPECT_THAT(Advance(),
              ElementsAre("own: ",
                          "transmitter1: SetFaults cut transmitter1>receiver1,receiver2; cut "
                          "receiver1,receiver2>transmitter1",
                          "receiver1: SetFaults cut receiver1>transmitter1; cut "
                          "transmitter1>receiver1",
                          "receiver2: SetFaults cut receiver2>transmitter1; cut "
                          "transmitter1>receiver2",
                          "own: cut coordinator>transmitter1; cut transmitter1>coordinator"));
  ASSERT_TRUE(desk_->Clear({}).ok());
  EXPECT_THAT(Advance(), ElementsAre("own: ", "transmitter1: SetFaults ", "receiver1: SetFaults ",
                                     "receiver2: SetFaults ", "own: "));
}

TEST_F(CoordinatorFaultsTest, WhatStaysOnItsOwnLinksIsNotInterrupted) {
  Create();
  Add("cut transmitter1:coordinator");
  Advance();
  Add("cut transmitter2:coordinator");
  EXPECT_EQ(Advance().front(), "own: cut coordinator>transmitter1; cut transmitter1>coordinator");
}

TEST_F(CoordinatorFaultsTest, ProcessesAreToldOnce) {
  Create();
  Add("kill transmitter1,receiver1 --for 5s");
  EXPECT_THAT(Advance(), ElementsAre("transmitter1: Suffer ", "receiver1: Suffer "));
  EXPECT_EQ(transport_.Of(Body::kSuffer)[0].suffer().kind(), v1::Fault::KILL);
  EXPECT_THAT(Advance(), IsEmpty());
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(Advance(), IsEmpty());
  EXPECT_THAT(Events(), ElementsAre("+1", "-1 its time is up"));
}

TEST_F(CoordinatorFaultsTest, ANodeThatIsAwayIsNotToldAndNothingFails) {
  Create();
  transport_.gone = {kT1};
  Add("kill transmitter1");
  Add("cut transmitter1:receiver1");
  EXPECT_THAT(Advance(), ElementsAre("receiver1: SetFaults cut receiver1>transmitter1; cut "
                                     "transmitter1>receiver1"));
  // Back again: it is told, and dies.
  transport_.gone.clear();
  transport_.log.clear();
  faults_->OnReady(kT1);
  EXPECT_THAT(transport_.log, ElementsAre("transmitter1: SetFaults cut transmitter1>receiver1; cut "
                                          "receiver1>transmitter1",
                                          "transmitter1: Suffer "));
}

TEST_F(CoordinatorFaultsTest, ANodeThatJoinsIsToldThatThereIsNothing) {
  Create();
  faults_->OnReady(kR1);
  EXPECT_THAT(transport_.log, ElementsAre("receiver1: SetFaults "));
}

TEST_F(CoordinatorFaultsTest, APauseIsEndedByClear) {
  Create();
  Add("pause transmitter2 --for 30s");
  Advance();
  EXPECT_EQ(transport_.Of(Body::kSuffer, kT2).at(0).suffer().seconds(), 30);
  EXPECT_THAT(woken_, IsEmpty());
  ASSERT_TRUE(desk_->Clear({1}).ok());
  Advance();
  EXPECT_THAT(woken_, ElementsAre(membership_.Find(kT2)->pid));
}

TEST_F(CoordinatorFaultsTest, TheCoordinatorDiesLastAndComesBack) {
  Create({{0, -1, "kill coordinator,transmitter1 --for 5s"}, {0, -1, "restart coordinator"}});
  transport_.log.clear();
  ASSERT_TRUE(faults_->BeforeWindow(0, membership_).ok());
  EXPECT_THAT(transport_.log, ElementsAre("transmitter1: Suffer ", "own: KILL"));
  EXPECT_THAT(Events(), ElementsAre("+1", "+2", "-2 done")) << "recorded before it dies";
  clock_.Advance(absl::Seconds(2));
  Restart(true);
  ASSERT_TRUE(faults_->BeforeWindow(0, membership_).ok());
  EXPECT_THAT(Events(), ElementsAre("+1", "+2", "-2 done")) << "each begins once in a run";
  faults_->OnReady(kT1);
  EXPECT_EQ(transport_.log.back(), "transmitter1: Suffer ") << "it is still to be dead";
  clock_.Advance(absl::Seconds(3));
  Advance();
  EXPECT_THAT(Events(), ElementsAre("+1", "+2", "-2 done", "-1 its time is up"));
}

TEST_F(CoordinatorFaultsTest, ARestartedCoordinatorKeepsItsOwnLinksBroken) {
  Create();
  Add("cut transmitter1:coordinator");
  Advance();
  transport_.log.clear();
  Restart(true);
  EXPECT_THAT(transport_.log,
              ElementsAre("own: cut coordinator>transmitter1; cut transmitter1>coordinator"));
  EXPECT_THAT(*desk_->Clear({}), ElementsAre(1));
  EXPECT_THAT(Advance(), ElementsAre("own: ", "own: "));
}

TEST_F(CoordinatorFaultsTest, EventsSayEnoughForAReplay) {
  Create();
  Add("drop transmitter1 --probability 0.5 --for 2s");
  Add("kill receiver1");
  Advance(7);
  nlohmann::json drop, kill;
  for (const auto& line : ReadJsonLines(dir_ + "/events.jsonl")) {
    if (line["event"] == "fault_began") (line["id"] == 1 ? drop : kill) = line;
  }
  EXPECT_EQ(drop["window"], 7);
  EXPECT_EQ(drop["kind"], "drop");
  EXPECT_EQ(drop["seconds"], 2);
  EXPECT_THAT(drop["fault"].get<std::string>(),
              HasSubstr("drop transmitter1 --probability 0.5 --for 2s --seed "));
  EXPECT_EQ(kill["nodes"], nlohmann::json({"receiver1"}));
}

TEST(RealProcessActionsTest, WakesOnlySemlinkPrograms) {
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(7);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  const ProcessActions actions = RealProcessActions();
  actions.wake(static_cast<uint32_t>(child));  // this test is none of semlink's daemons
  actions.wake(0);
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_EQ(waitpid(child, &status, WNOHANG), 0) << "it was woken";
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
}

v1::FaultsSet Outcome(uint64_t id, const std::string& failure = "") {
  v1::FaultsSet set;
  set.add_outcome()->set_id(id);
  set.mutable_outcome(0)->set_active(failure.empty());
  set.mutable_outcome(0)->set_reason(failure);
  return set;
}

// Faults of the kernel's level: the operator waits for the nodes.
class KernelFaultsTest : public CoordinatorFaultsTest {
 protected:
  void Ask(const std::string& text) {
    desk_->AddAndWait(*ParseFaultText(text + " --level kernel"),
                      [this](absl::StatusOr<uint64_t> id) { told_.push_back(std::move(id)); });
  }
  void Hear(const NodeId& node, const v1::FaultsSet& set) {
    transport_.log.clear();
    EXPECT_TRUE(faults_->OnFaultsSet(node, set, 0, membership_).ok());
  }
  std::string Said() const {
    return told_.empty() ? "" : std::string(told_.back().status().message());
  }

  const NodeId t1_ = NodeId::Transmitter(0), r1_ = NodeId::Receiver(0);
  std::vector<absl::StatusOr<uint64_t>> told_;
};

TEST_F(KernelFaultsTest, TheAnswerComesOnceAllHaveDoneIt) {
  Create();
  Ask("throttle transmitter1:receiver1 --rate 1MB/s");
  EXPECT_THAT(Advance(),
              ElementsAre("transmitter1: SetFaults throttle transmitter1>receiver1 --rate 1MB/s "
                          "--level kernel",
                          "receiver1: SetFaults throttle receiver1>transmitter1 --rate 1MB/s "
                          "--level kernel"));
  Hear(t1_, Outcome(1));
  EXPECT_THAT(told_, IsEmpty());
  Hear(NodeId::Receiver(1), Outcome(1));
  EXPECT_THAT(told_, IsEmpty()) << "it has no part in it";
  Hear(r1_, Outcome(1));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(*told_[0], 1u);
  clock_.Advance(absl::Seconds(60));
  EXPECT_THAT(Advance(), IsEmpty());
}

TEST_F(KernelFaultsTest, OneThatCantBeDoneIsWithdrawnEverywhere) {
  Create();
  Ask("delay transmitter1:receiver1 --delay 50ms");
  Advance();
  Hear(t1_, Outcome(1));
  Hear(r1_, Outcome(1, "no netem\nhere \x01"));
  EXPECT_THAT(transport_.log, ElementsAre("transmitter1: SetFaults ", "receiver1: SetFaults "));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0].status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Said(), HasSubstr("receiver1 can't carry it out: no netem?here ?"));
  EXPECT_THAT(Said(), HasSubstr("delay transmitter1:receiver1 --delay 50ms"));
  EXPECT_THAT(Events(), ElementsAre("+1", HasSubstr("-1 receiver1 can't carry it out")));
  EXPECT_THAT(desk_->List(), IsEmpty());
  Hear(r1_, Outcome(1, "no netem"));  // again: too late
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(KernelFaultsTest, WhoDoesNotAnswerCantDoIt) {
  Create();
  Ask("cut transmitter1>receiver1");
  Advance();
  clock_.Advance(absl::Seconds(9));
  Advance();
  EXPECT_THAT(told_, IsEmpty());
  clock_.Advance(absl::Seconds(1));
  Advance();
  EXPECT_THAT(Said(), HasSubstr("transmitter1 can't carry it out: no answer within 10s"));
  EXPECT_THAT(desk_->List(), IsEmpty());
}

TEST_F(KernelFaultsTest, ANodeThatIsAwayCantDoIt) {
  Create();
  membership_.MarkGone(t1_);
  Ask("cut transmitter1>receiver1");
  Advance();
  EXPECT_THAT(Said(), HasSubstr("transmitter1 can't carry it out: it is not connected"));
}

TEST_F(KernelFaultsTest, TheCoordinatorsOwnAreAwaitedToo) {
  Create();
  Ask("cut transmitter1:coordinator");
  EXPECT_EQ(Advance().back(),
            "own: cut coordinator>transmitter1 --level kernel; cut transmitter1>coordinator "
            "--level kernel");
  Hear(NodeId::Coordinator(), Outcome(1));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(told_[0].ok());
}

TEST_F(KernelFaultsTest, AFaultOfTheScenarioThatCantBeDoneEndsTheRun) {
  Create({{0, -1, "cut transmitter1>receiver1 --level kernel"}});
  transport_.log.clear();
  ASSERT_TRUE(faults_->BeforeWindow(0, membership_).ok());
  const absl::Status end = faults_->OnFaultsSet(t1_, Outcome(1, "no NET_ADMIN"), 0, membership_);
  EXPECT_EQ(end.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(end.message()), HasSubstr("no NET_ADMIN"));
}

TEST_F(KernelFaultsTest, AFaultOfTheScenarioWaitsForANodeThatIsAway) {
  Create({{0, -1, "cut transmitter1>receiver1 --level kernel"}});
  membership_.MarkGone(t1_);
  ASSERT_TRUE(faults_->BeforeWindow(0, membership_).ok());
  clock_.Advance(absl::Seconds(60));
  ASSERT_TRUE(faults_->Advance(0, membership_).ok());
  membership_.Join(t1_, HelloFrom(t1_).hello(), clock_.Now());
  faults_->OnReady(t1_);
  clock_.Advance(absl::Seconds(11));
  EXPECT_FALSE(faults_->Advance(0, membership_).ok()) << "back, and it does not answer";
}

TEST_F(KernelFaultsTest, NobodyWaitsForEver) {
  Create();
  Ask("cut transmitter1>receiver1");
  ASSERT_TRUE(desk_->Clear({}).ok());
  EXPECT_THAT(Said(), HasSubstr("was cleared"));
  Ask("cut transmitter1>receiver1 --for 2s");
  Advance();
  clock_.Advance(absl::Seconds(3));
  Advance();
  EXPECT_THAT(Said(), HasSubstr("its time is up"));
  Ask("cut transmitter1>receiver1");
  desk_->Close();
  EXPECT_THAT(Said(), HasSubstr("the run has ended"));
  EXPECT_EQ(told_.size(), 3u);
}

}  // namespace
}  // namespace semlink::coordinator
