#include "common/faults/kernel_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/faults/fault_spec.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const NodeId kC = NodeId::Coordinator();
const NodeId kT1 = NodeId::Transmitter(0);
const NodeId kR1 = NodeId::Receiver(0);
const NodeId kR2 = NodeId::Receiver(1);

v1::Fault Fault(const std::string& text, uint64_t id = 1) {
  v1::Fault fault = *ParseFaultText(text + " --level kernel");
  fault.set_id(id);
  return fault;
}

std::vector<std::string> Texts(const std::vector<Command>& commands) {
  std::vector<std::string> texts;
  for (const Command& command : commands) texts.push_back(CommandText(command));
  return texts;
}

// A transmitter that listens on 7001, with two receivers behind two devices.
KernelPlan AtTransmitter(const std::vector<v1::Fault>& faults) {
  return MakeKernelPlan(kT1, "semlink_transmitter1_9", faults,
                        {{kR1, {{"10.0.0.11", 0, 7001}, {"eth0", 1500}}},
                         {kR2, {{"fd00::2", 40000, 7001}, {"eth1", 9000}}}});
}
// The receiver of a transmitter.
KernelPlan AtReceiver(const std::vector<v1::Fault>& faults) {
  return MakeKernelPlan(kR1, "semlink_receiver1_9", faults,
                        {{kT1, {{"10.0.0.1", 7001, 0}, {"eth0", 1500}}}});
}

TEST(KernelPlanTest, WhoActs) {
  EXPECT_EQ(ActingNode(v1::Fault::CUT, kT1, kR1), kT1);
  EXPECT_EQ(ActingNode(v1::Fault::CUT, kC, kR1), kC);
  EXPECT_EQ(ActingNode(v1::Fault::CUT, kR1, kC), kC) << "a node that is cut off hears no `clear`";
  EXPECT_EQ(ActingNode(v1::Fault::DROP, kT1, kR1), kR1) << "dropped on its way out is not lost";
  EXPECT_EQ(ActingNode(v1::Fault::THROTTLE, kT1, kR1), kT1);
  EXPECT_EQ(ActingNode(v1::Fault::DELAY, kR1, kC), kR1);
}

TEST(KernelPlanTest, ACutDropsWhatIsSent) {
  const KernelPlan plan = AtTransmitter({Fault("cut transmitter1>receiver1", 3)});
  EXPECT_EQ(plan.rules,
            "table inet semlink_transmitter1_9 {\n"
            "  chain leaving {\n"
            "    type filter hook output priority -10; policy accept;\n"
            "    ip daddr 10.0.0.11 tcp sport 7001 counter drop comment \"fault 3: cut\"\n"
            "  }\n"
            "}\n");
  EXPECT_THAT(plan.queues, IsEmpty());
  EXPECT_THAT(AtReceiver({Fault("cut transmitter1>receiver1")}).rules, Not(HasSubstr("drop")));
  EXPECT_THAT(AtReceiver({Fault("cut receiver1>transmitter1")}).rules,
              HasSubstr("ip daddr 10.0.0.1 tcp dport 7001 counter drop"));
}

TEST(KernelPlanTest, TheCoordinatorCutsBothDirections) {
  v1::Fault there = Fault("cut coordinator>receiver2");
  v1::Fault back = Fault("cut receiver2>coordinator");
  const KernelPlan plan =
      MakeKernelPlan(kC, "t", {there, back}, {{kR2, {{"10.0.0.12", 0, 7433}, {}}}});
  EXPECT_THAT(plan.rules, HasSubstr("ip daddr 10.0.0.12 tcp sport 7433 counter drop"));
  EXPECT_THAT(plan.rules, HasSubstr("ip saddr 10.0.0.12 tcp dport 7433 counter drop"));
}

TEST(KernelPlanTest, LossIsWherePacketsArrive) {
  const v1::Fault fault = Fault("drop transmitter1>receiver1 --probability 0.05");
  EXPECT_THAT(AtReceiver({fault}).rules,
              HasSubstr("hook input priority -10; policy accept;\n    ip saddr 10.0.0.1 tcp sport "
                        "7001 numgen random mod 1000000 < 50000 counter drop"));
  EXPECT_THAT(AtTransmitter({fault}).rules, Not(HasSubstr("chain")));
  const v1::Fault all = Fault("drop transmitter1>receiver1 --probability 1");
  EXPECT_THAT(AtReceiver({all}).rules, HasSubstr("tcp sport 7001 counter drop"));
  const v1::Fault rare = Fault("drop transmitter1>receiver1 --probability 1e-9");
  EXPECT_THAT(AtReceiver({rare}).rules, HasSubstr("< 1 counter drop")) << "never nothing at all";
}

TEST(KernelPlanTest, AThrottleIsATokenBucketOfThePeersOwn) {
  const KernelPlan plan = AtTransmitter({Fault("throttle transmitter1>receiver1 --rate 100kB/s"),
                                         Fault("throttle transmitter1>receiver2 --rate 1MB/s")});
  EXPECT_THAT(plan.rules, HasSubstr("ip daddr 10.0.0.11 tcp sport 7001 counter meta priority set "
                                    "\"5e1:1\" comment \"to receiver1\""));
  EXPECT_THAT(plan.rules, HasSubstr("ip6 daddr fd00::2 tcp sport 7001 tcp dport 40000 counter "
                                    "meta priority set \"5e1:2\""));
  ASSERT_EQ(plan.queues.size(), 2u);
  EXPECT_THAT(
      Texts(plan.queues.at("eth0")),
      ElementsAre("tc qdisc add dev eth0 root handle 5e1: htb",
                  "tc class add dev eth0 parent 5e1: classid 5e1:1 htb rate 100gbit quantum 60000",
                  "tc qdisc add dev eth0 parent 5e1:1 tbf rate 800000bit burst 3500 limit 27500"));
  // The bucket holds a packet of the device, and the buffer 0.2 s.
  EXPECT_EQ(Texts(plan.queues.at("eth1"))[2],
            "tc qdisc add dev eth1 parent 5e1:2 tbf rate 8000000bit burst 11000 limit 211000");
}

TEST(KernelPlanTest, TheLowestRateCounts) {
  const KernelPlan plan = AtTransmitter({Fault("throttle transmitter1>receiver1 --rate 100kB/s"),
                                         Fault("throttle transmitter1>receiver1 --rate 20kB/s")});
  EXPECT_THAT(Texts(plan.queues.at("eth0"))[2], HasSubstr("rate 160000bit"));
}

TEST(KernelPlanTest, WhatNeedsNetem) {
  const auto last = [](const std::string& text) {
    return Texts(AtTransmitter({Fault(text)}).queues.at("eth0"))[2];
  };
  const std::string start = "tc qdisc add dev eth0 parent 5e1:1 netem limit 10000 ";
  EXPECT_EQ(last("delay transmitter1>receiver1 --delay 50ms"), start + "delay 50000us");
  EXPECT_EQ(last("delay transmitter1>receiver1 --delay 50ms --jitter 20ms"),
            start + "delay 60000us 10000us");
  EXPECT_EQ(last("duplicate transmitter1>receiver1 --probability 0.1"), start + "duplicate 10%");
  EXPECT_EQ(last("corrupt transmitter1>receiver1 --probability 0.001"), start + "corrupt 0.1%");
  EXPECT_EQ(last("reorder transmitter1>receiver1 --probability 0.25"),
            start + "delay 10000us reorder 25%");
}

TEST(KernelPlanTest, NetemLeavesTheRateToItsClass) {
  const KernelPlan plan = AtTransmitter({Fault("throttle transmitter1>receiver1 --rate 100kB/s"),
                                         Fault("delay transmitter1>receiver1 --delay 1s")});
  EXPECT_EQ(Texts(plan.queues.at("eth0"))[1],
            "tc class add dev eth0 parent 5e1: classid 5e1:1 htb rate 800000bit burst 3500 cburst "
            "3500 quantum 60000");
}

TEST(KernelPlanTest, WhatIsNotForThisNodeIsLeftOut) {
  v1::Fault at_message = *ParseFaultText("cut transmitter1>receiver1");
  const KernelPlan plan =
      AtTransmitter({at_message, Fault("cut transmitter2>receiver1"),
                     Fault("cut receiver1>transmitter1"), Fault("cut transmitter1>receiver3")});
  EXPECT_EQ(plan.rules, "table inet semlink_transmitter1_9 {\n}\n");
}

TEST(KernelPlanTest, CommandsUndoThemselves) {
  const KernelPlan plan = AtTransmitter({Fault("throttle transmitter1>receiver1 --rate 1MB/s")});
  EXPECT_THAT(CommandsOf(plan).back().input,
              ::testing::StartsWith("add table inet semlink_transmitter1_9\n"
                                    "delete table inet semlink_transmitter1_9\ntable inet"));
  EXPECT_THAT(Texts(CommandsToUndo(plan)),
              ElementsAre("nft -f - <<'END'\nadd table inet semlink_transmitter1_9\n"
                          "delete table inet semlink_transmitter1_9\nEND",
                          "tc qdisc del dev eth0 root handle 5e1:"));
}

TEST(CommandRunnerTest, TextIsWhatAShellTakes) {
  EXPECT_EQ(CommandText({{"tc", "dev", "<device>", "it's"}, ""}), "tc dev '<device>' 'it'\\''s'");
  EXPECT_EQ(CommandText({{"nft", "-f", "-"}, "a\n"}), "nft -f - <<'END'\na\nEND");
}

TEST(CommandRunnerTest, RunsWithoutAShell) {
  ProgramRunner runner;
  EXPECT_EQ(*runner.Run({{"cat"}, "from\nhere"}), "from\nhere");
  EXPECT_EQ(*runner.Run({{"echo", "$HOME; `id`"}, ""}), "$HOME; `id`\n");
  const absl::Status wrong = runner.Run({{"ls", "/no/such/folder"}, ""}).status();
  EXPECT_EQ(wrong.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("No such file"));
  EXPECT_EQ(runner.Run({{"no-such-program"}, ""}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(runner.Run({{}, ""}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CommandRunnerTest, NothingTakesForEver) {
  ProgramRunner runner(absl::Milliseconds(50));
  const absl::Status slow = runner.Run({{"sleep", "60"}, ""}).status();
  EXPECT_EQ(slow.code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace semlink
