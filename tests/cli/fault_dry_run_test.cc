#include "cli/fault_dry_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/faults/fault_spec.h"
#include "common/transport/protocol.h"

namespace semlink::cli {
namespace {

using ::testing::HasSubstr;

v1::Fault Fault(const std::string& text) { return *ParseFaultText(text + " --level kernel"); }

v1::StatusReply TwoByOne() {
  v1::StatusReply status;
  const auto add = [&](const NodeId& id, const std::string& address) {
    v1::NodeStatus* node = status.add_node();
    *node->mutable_node() = ToProto(id);
    node->set_address(address);
  };
  add(NodeId::Transmitter(0), "transmitter1:7001");
  add(NodeId::Transmitter(1), "10.0.0.2:7002");
  add(NodeId::Receiver(0), "");
  return status;
}

TEST(DryRunTest, WithoutARunThereArePlaceholders) {
  const auto nodes = DryRun(Fault("throttle transmitter1:receiver2 --rate 1MB/s"), std::nullopt);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_EQ(
      DryRunText(*nodes),
      "# transmitter1, to begin\n"
      "tc qdisc add dev '<device>' root handle 5e1: htb\n"
      "tc class add dev '<device>' parent 5e1: classid 5e1:1 htb rate 100gbit quantum 60000\n"
      "tc qdisc add dev '<device>' parent 5e1:1 tbf rate 8000000bit burst 10000 limit 210000\n"
      "nft -f - <<'END'\n"
      "add table inet semlink_transmitter1_<pid>\n"
      "delete table inet semlink_transmitter1_<pid>\n"
      "table inet semlink_transmitter1_<pid> {\n"
      "  chain leaving {\n"
      "    type filter hook output priority -10; policy accept;\n"
      "    ip daddr <address of receiver2> tcp sport <port> counter meta priority set "
      "\"5e1:1\" comment \"to receiver2\"\n"
      "  }\n"
      "}\n"
      "END\n"
      "# transmitter1, to end\n"
      "nft -f - <<'END'\n"
      "add table inet semlink_transmitter1_<pid>\n"
      "delete table inet semlink_transmitter1_<pid>\n"
      "END\n"
      "tc qdisc del dev '<device>' root handle 5e1:\n"
      "\n"
      "# receiver2, to begin\n"
      "tc qdisc add dev '<device>' root handle 5e1: htb\n"
      "tc class add dev '<device>' parent 5e1: classid 5e1:1 htb rate 100gbit quantum 60000\n"
      "tc qdisc add dev '<device>' parent 5e1:1 tbf rate 8000000bit burst 10000 limit 210000\n"
      "nft -f - <<'END'\n"
      "add table inet semlink_receiver2_<pid>\n"
      "delete table inet semlink_receiver2_<pid>\n"
      "table inet semlink_receiver2_<pid> {\n"
      "  chain leaving {\n"
      "    type filter hook output priority -10; policy accept;\n"
      "    ip daddr <address of transmitter1> tcp dport <port> counter meta priority set "
      "\"5e1:1\" comment \"to transmitter1\"\n"
      "  }\n"
      "}\n"
      "END\n"
      "# receiver2, to end\n"
      "nft -f - <<'END'\n"
      "add table inet semlink_receiver2_<pid>\n"
      "delete table inet semlink_receiver2_<pid>\n"
      "END\n"
      "tc qdisc del dev '<device>' root handle 5e1:\n");
}

TEST(DryRunTest, ARunKnowsWhoIsMeantAndWhereTheyListen) {
  const auto nodes = DryRun(Fault("drop all>transmitter2 --probability 0.05"), TwoByOne());
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->size(), 1u) << "loss is where packets arrive";
  EXPECT_EQ((*nodes)[0].node, NodeId::Transmitter(1));
  const std::string text = DryRunText(*nodes);
  EXPECT_THAT(text, HasSubstr("ip saddr <address of receiver1> tcp dport 7002 numgen random mod "
                              "1000000 < 50000 counter drop"));
  EXPECT_THAT(text, HasSubstr("ip saddr <address of coordinator> tcp sport <port> numgen"));
  const auto up = DryRun(Fault("cut receiver1>transmitter1"), TwoByOne());
  EXPECT_THAT(DryRunText(*up), HasSubstr("ip daddr transmitter1 tcp dport 7001 counter drop"));
}

TEST(DryRunTest, WhatCantBeKnownIsSaid) {
  EXPECT_THAT(std::string(DryRun(Fault("cut transmitter1"), std::nullopt).status().message()),
              HasSubstr("name both ends"));
  EXPECT_THAT(std::string(DryRun(Fault("cut transmitter3"), TwoByOne()).status().message()),
              HasSubstr("transmitter3 (there are 2 transmitters"));
}

}  // namespace
}  // namespace semlink::cli
