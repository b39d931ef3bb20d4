#include "coordinator/fault_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/faults/fault_spec.h"
#include "coordinator/fault_desk.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kZero = absl::ZeroDuration();

Scenario TwoByTwo(std::vector<TimedFault> faults = {}) {
  Scenario scenario;
  scenario.seed = 7;
  scenario.transmitters.resize(2);
  scenario.receivers.resize(2);
  scenario.faults = std::move(faults);
  return scenario;
}

TimedFault AtWindow(int window, const std::string& text) { return {window, -1, text}; }
TimedFault At(double seconds, const std::string& text) { return {-1, seconds, text}; }
v1::Fault Fault(const std::string& text) { return *ParseFaultText(text); }

// "+1" began, "-1 cleared" ended.
std::vector<std::string> Texts(const std::vector<FaultChange>& changes) {
  std::vector<std::string> texts;
  for (const FaultChange& change : changes) {
    texts.push_back(change.began ? absl::StrCat("+", change.fault.id())
                                 : absl::StrCat("-", change.fault.id(), " ", change.why));
  }
  return texts;
}

std::vector<uint64_t> Ids(const std::vector<FaultView>& views) {
  std::vector<uint64_t> ids;
  for (const FaultView& view : views) ids.push_back(view.fault.id());
  return ids;
}

TEST(FaultScheduleTest, FaultsOfTheScenarioBeginByWindowAndByTime) {
  FaultSchedule schedule(
      TwoByTwo({AtWindow(3, "cut transmitter1:receiver1 --for 2s"),
                At(5, "drop all --probability 0.1"), AtWindow(0, "kill transmitter2 --for 1s")}));
  EXPECT_THAT(schedule.Advance(absl::Seconds(99), 50), IsEmpty()) << "no window was opened yet";
  schedule.Start(absl::Seconds(100));
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(100), 0)), ElementsAre("+3"));
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(100.9), 2)), IsEmpty());
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(101), 3)),
              ElementsAre("-3 its time is up", "+1"));
  EXPECT_THAT(Ids(schedule.Active(absl::Seconds(101))), ElementsAre(1));
  EXPECT_EQ(schedule.Active(absl::Seconds(102.5))[0].left, absl::Seconds(0.5));
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(105), 3)),
              ElementsAre("-1 its time is up", "+2"));
  EXPECT_EQ(schedule.Active(absl::Seconds(105))[0].left, absl::InfiniteDuration());
  EXPECT_THAT(schedule.Advance(absl::Seconds(1000), 1000), IsEmpty()) << "each begins once";
}

TEST(FaultScheduleTest, OperatorsFaultsBeginAtOnceAndEndWhenCleared) {
  FaultSchedule schedule(TwoByTwo({AtWindow(3, "cut all")}));
  EXPECT_EQ(*schedule.Add(Fault("cut transmitter1"), kZero), 2u);
  EXPECT_EQ(*schedule.Add(Fault("drop receiver2 --probability 1"), kZero), 3u);
  EXPECT_THAT(Ids(schedule.Active(kZero)), ElementsAre(2, 3)) << "shown before it begins";
  EXPECT_THAT(Texts(schedule.Advance(kZero, 0)), ElementsAre("+2", "+3"));
  EXPECT_THAT(*schedule.Clear({3}), ElementsAre(3));
  EXPECT_THAT(Ids(schedule.Active(kZero)), ElementsAre(2));
  EXPECT_THAT(Texts(schedule.Advance(kZero, 0)), ElementsAre("-3 cleared"));
  EXPECT_THAT(*schedule.Clear({}), ElementsAre(2)) << "those that have not begun stay planned";
  EXPECT_THAT(Texts(schedule.Advance(kZero, 0)), ElementsAre("-2 cleared"));
  EXPECT_THAT(*schedule.Clear({}), IsEmpty());
  schedule.Start(kZero);
  EXPECT_THAT(Texts(schedule.Advance(kZero, 3)), ElementsAre("+1"));
}

TEST(FaultScheduleTest, ClearingWhatIsNotThereClearsNothing) {
  FaultSchedule schedule(TwoByTwo({AtWindow(3, "cut all")}));
  ASSERT_TRUE(schedule.Add(Fault("cut transmitter1"), kZero).ok());
  schedule.Advance(kZero, 0);
  const absl::Status status = schedule.Clear({2, 9}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no fault 9 is active"));
  EXPECT_FALSE(schedule.Clear({1}).ok()) << "planned, not active";
  EXPECT_THAT(Ids(schedule.Active(kZero)), ElementsAre(2));
}

TEST(FaultScheduleTest, AFaultThatIsClearedBeforeItBeganNeverWas) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("kill transmitter1"), kZero).ok());
  EXPECT_THAT(*schedule.Clear({1}), ElementsAre(1));
  EXPECT_THAT(schedule.Advance(kZero, 0), IsEmpty());
}

TEST(FaultScheduleTest, ARestartIsOverAtOnce) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("restart transmitter1"), kZero).ok());
  EXPECT_THAT(Texts(schedule.Advance(kZero, 0)), ElementsAre("+1", "-1 done"));
  EXPECT_THAT(schedule.Active(kZero), IsEmpty());
  EXPECT_FALSE(schedule.HeldDown(NodeId::Transmitter(0)));
}

TEST(FaultScheduleTest, AKillHoldsItsNodeDownWhileItIsActive) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("kill transmitter1 --for 3s"), kZero).ok());
  EXPECT_FALSE(schedule.HeldDown(NodeId::Transmitter(0)));
  schedule.Advance(kZero, 0);
  EXPECT_TRUE(schedule.HeldDown(NodeId::Transmitter(0)));
  EXPECT_FALSE(schedule.HeldDown(NodeId::Transmitter(1)));
  schedule.Advance(absl::Seconds(3), 0);
  EXPECT_FALSE(schedule.HeldDown(NodeId::Transmitter(0)));
}

TEST(FaultScheduleTest, TheCoordinatorAnswersBeforeItDies) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("restart coordinator"), kZero).ok());
  EXPECT_THAT(schedule.Advance(kZero, 0), IsEmpty());
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(1), 0)), ElementsAre("+1", "-1 done"));
}

TEST(FaultScheduleTest, SeedsComeFromTheRunAndTheId) {
  const auto seed_of = [](uint64_t run_seed, int which) {
    Scenario scenario = TwoByTwo(
        {AtWindow(0, "drop all --probability 0.1"), AtWindow(0, "drop all --probability 0.1")});
    scenario.seed = run_seed;
    FaultSchedule schedule(scenario);
    schedule.Start(kZero);
    return schedule.Advance(kZero, 0)[which].fault.seed();
  };
  EXPECT_EQ(seed_of(1, 0), seed_of(1, 0));
  EXPECT_NE(seed_of(1, 0), seed_of(1, 1));
  EXPECT_NE(seed_of(1, 0), seed_of(2, 0));
  // What was injected live comes back from a list with its seeds.
  FaultSchedule live(TwoByTwo());
  ASSERT_TRUE(live.Add(Fault("drop all --probability 0.1"), kZero).ok());
  const v1::Fault fault = live.Advance(kZero, 0)[0].fault;
  FaultSchedule replay(TwoByTwo({AtWindow(0, FaultText(fault))}));
  replay.Start(kZero);
  EXPECT_EQ(replay.Advance(kZero, 0)[0].fault.SerializeAsString(), fault.SerializeAsString());
  // A seed that is given is kept.
  ASSERT_TRUE(live.Add(Fault("drop all --probability 0.1 --seed 5"), kZero).ok());
  EXPECT_EQ(live.Advance(kZero, 0)[0].fault.seed(), 5u);
}

TEST(FaultScheduleTest, WhatMakesNoSenseIsRefused) {
  FaultSchedule schedule(TwoByTwo());
  EXPECT_THAT(std::string(schedule.Add(Fault("kill transmitter3"), kZero).status().message()),
              HasSubstr("transmitter3 (there are 2 transmitters"));
  EXPECT_EQ(schedule.Add(v1::Fault(), kZero).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(schedule.Active(kZero), IsEmpty());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(schedule.Add(Fault("cut all"), kZero).ok());
  EXPECT_EQ(schedule.Add(Fault("cut all"), kZero).status().code(),
            absl::StatusCode::kResourceExhausted);
}

std::vector<std::string> On(const FaultSchedule& schedule, const NodeId& node) {
  std::vector<std::string> texts;
  for (const v1::Fault& fault : schedule.ActiveOn(node)) {
    texts.push_back(absl::StrCat(fault.id(), " ", FaultText(fault)));
  }
  return texts;
}

TEST(FaultScheduleTest, EachNodeIsToldOfItsOwnLinks) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("drop transmitter1 --probability 1 --seed 4"), kZero).ok());
  EXPECT_THAT(On(schedule, NodeId::Transmitter(0)), IsEmpty()) << "it has not begun";
  schedule.Advance(kZero, 0);
  EXPECT_THAT(On(schedule, NodeId::Transmitter(0)),
              ElementsAre("1 drop transmitter1>receiver1,receiver2 --probability 1 --seed 4"));
  EXPECT_THAT(On(schedule, NodeId::Receiver(1)),
              ElementsAre("1 drop receiver2>transmitter1 --probability 1 --seed 4"));
  EXPECT_THAT(On(schedule, NodeId::Transmitter(1)), IsEmpty());
  EXPECT_THAT(On(schedule, NodeId::Coordinator()),
              ElementsAre("1 drop coordinator>transmitter1 --probability 1 --seed 4",
                          "1 drop transmitter1>coordinator --probability 1 --seed 4"));
  ASSERT_TRUE(schedule.Clear({}).ok());
  EXPECT_THAT(On(schedule, NodeId::Transmitter(0)), IsEmpty());
}

TEST(FaultScheduleTest, BothEndsOfACutKnowOfIt) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("cut transmitter1>receiver1"), kZero).ok());
  schedule.Advance(kZero, 0);
  EXPECT_THAT(On(schedule, NodeId::Transmitter(0)), ElementsAre("1 cut transmitter1>receiver1"));
  EXPECT_THAT(On(schedule, NodeId::Receiver(0)), ElementsAre("1 cut transmitter1>receiver1"));
  EXPECT_THAT(On(schedule, NodeId::Coordinator()), IsEmpty());
  EXPECT_THAT(On(schedule, NodeId::Receiver(1)), IsEmpty());
}

FaultState Past(uint64_t id, const std::string& text, absl::Time began) {
  FaultState state;
  state.fault = Fault(text);
  state.fault.set_id(id);
  state.text = text;
  state.began_at = began;
  return state;
}

TEST(FaultScheduleTest, AResumedRunGoesOnWithItsFaults) {
  const absl::Time date = absl::FromUnixSeconds(1000);
  FaultSchedule schedule(TwoByTwo({AtWindow(1, "restart coordinator"), AtWindow(5, "cut all")}));
  std::vector<FaultState> past = {
      Past(1, "restart coordinator", date - absl::Seconds(3)),
      Past(3, "cut transmitter1 --for 10s", date - absl::Seconds(4)),
      Past(4, "cut transmitter2 --for 2s", date - absl::Seconds(4)),
      Past(5, "kill receiver1", date - absl::Seconds(9)),
      Past(6, "kill coordinator --for 5s", date - absl::Seconds(2)),
      Past(7, "cut receiver2", date - absl::Seconds(4)),
  };
  past[5].end_window = 2;
  schedule.TakeUp(past, absl::Seconds(50), date);
  schedule.Start(absl::Seconds(40));
  EXPECT_THAT(
      Texts(schedule.Advance(absl::Seconds(50), 3)),
      ElementsAre("-1 the coordinator is back", "-4 its time is up", "-6 the coordinator is back"))
      << "and it does not restart again";
  EXPECT_THAT(Ids(schedule.Active(absl::Seconds(50))), ElementsAre(3, 5));
  EXPECT_EQ(schedule.Active(absl::Seconds(50))[0].left, absl::Seconds(6));
  EXPECT_TRUE(schedule.HeldDown(NodeId::Receiver(0)));
  EXPECT_EQ(*schedule.Add(Fault("cut receiver1"), absl::Seconds(50)), 8u);
  EXPECT_THAT(Texts(schedule.Advance(absl::Seconds(51), 5)), ElementsAre("+2", "+8"));
}

TEST(FaultDeskTest, IsOpenWhileTheRunGoesOn) {
  FaultDesk desk;
  FakeClock clock;
  int woken = 0;
  desk.SetWake([&] { ++woken; });
  EXPECT_EQ(desk.Add(Fault("cut all")).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(desk.List(), IsEmpty());
  desk.Open(FaultSchedule(TwoByTwo()), &clock);
  EXPECT_EQ(*desk.Add(Fault("cut all")), 1u);
  EXPECT_EQ(woken, 1);
  EXPECT_THAT(Texts(desk.Advance(0)), ElementsAre("+1"));
  EXPECT_EQ(desk.ActiveOn(NodeId::Transmitter(0)).size(), 2u);
  EXPECT_THAT(*desk.Clear({}), ElementsAre(1));
  EXPECT_EQ(woken, 2);
  EXPECT_FALSE(desk.Clear({1}).ok());
  EXPECT_EQ(woken, 2);
  desk.Close();
  EXPECT_EQ(desk.Add(Fault("cut all")).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(desk.Advance(0), IsEmpty());
}

TEST(FaultScheduleTest, KernelFaultsAreToldToThoseWhoCarryThemOut) {
  const auto texts = [](const std::string& text, const NodeId& node) {
    FaultSchedule schedule(TwoByTwo());
    EXPECT_TRUE(schedule.Add(Fault(text + " --level kernel"), kZero).ok());
    schedule.Advance(kZero, 0);
    std::string all;
    for (const v1::Fault& fault : schedule.ActiveOn(node)) {
      EXPECT_EQ(fault.seed(), 0u) << "the kernel draws by itself";
      absl::StrAppend(&all, FaultText(fault), ";");
    }
    return all;
  };
  const NodeId t1 = NodeId::Transmitter(0), r1 = NodeId::Receiver(0);
  EXPECT_EQ(texts("cut transmitter1>receiver1", t1), "cut transmitter1>receiver1 --level kernel;");
  EXPECT_EQ(texts("cut transmitter1>receiver1", r1), "") << "it is to find out by itself";
  EXPECT_EQ(texts("drop transmitter1>receiver1 --probability 0.5", r1),
            "drop transmitter1>receiver1 --probability 0.5 --level kernel;");
  EXPECT_EQ(texts("drop transmitter1>receiver1 --probability 0.5", t1), "");
  EXPECT_EQ(texts("cut transmitter1:coordinator", t1), "");
  EXPECT_EQ(texts("cut transmitter1:coordinator", NodeId::Coordinator()),
            "cut coordinator>transmitter1 --level kernel;"
            "cut transmitter1>coordinator --level kernel;");
  EXPECT_EQ(texts("throttle transmitter1 --rate 1MB/s", t1),
            "throttle transmitter1>coordinator,receiver1,receiver2 --rate 1MB/s --level kernel;");
}

TEST(FaultScheduleTest, WhatANodeCantDoIsWithdrawn) {
  FaultSchedule schedule(TwoByTwo());
  ASSERT_TRUE(schedule.Add(Fault("cut transmitter1 --level kernel"), kZero).ok());
  EXPECT_FALSE(schedule.Withdraw(1, "no")) << "it has not begun";
  schedule.Advance(kZero, 0);
  EXPECT_FALSE(schedule.Withdraw(2, "no"));
  EXPECT_TRUE(schedule.Withdraw(1, "no"));
  EXPECT_FALSE(schedule.Withdraw(1, "no"));
  EXPECT_THAT(Texts(schedule.Advance(kZero, 0)), ElementsAre("-1 no"));
}

}  // namespace
}  // namespace semlink::coordinator
