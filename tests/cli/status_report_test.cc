#include "cli/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/faults/fault_spec.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

v1::StatusReply Reply() {
  v1::StatusReply reply;
  reply.set_run_id("r1");
  reply.set_scenario("quickstart");
  reply.set_phase("training");
  reply.set_window(12);
  reply.set_windows(400);
  reply.set_seconds_per_window(0.27);
  reply.add_accuracy(0.9);
  reply.add_accuracy(0.5);
  v1::NodeStatus* node = reply.add_node();
  node->mutable_node()->set_role(v1::TRANSMITTER);
  node->mutable_node()->set_index(1);
  node->set_up(true);
  node->set_address("127.0.0.1:99");
  node->set_pid(1234);
  node->set_peak_rss_bytes(169'000'000);
  return reply;
}

TEST(StatusTextTest, ShowsRunAndNodes) {
  EXPECT_EQ(StatusText(Reply()),
            "quickstart (run r1): training, 12 of 400 windows, 0.270 s per window\n"
            "accuracy over the last windows: 90.00 %, 50.00 %\n"
            "refused: 0\n"
            "last checkpoint: none\n\n"
            "node          state  for  address       process    memory  refused\n"
            "transmitter2  up     0 s  127.0.0.1:99     1234  169.0 MB        0\n");
}

TEST(StatusTextTest, ShowsWhatIsBroken) {
  v1::StatusReply reply = Reply();
  reply.mutable_node(0)->set_up(false);
  reply.mutable_node(0)->set_state("lost");
  reply.mutable_node(0)->set_state_seconds(72);
  reply.set_checkpoint(50);
  reply.add_cut()->set_receiver(1);
  v1::ActiveFault* active = reply.add_fault();
  *active->mutable_fault() = *ParseFaultText("cut transmitter1:receiver2 --for 10s");
  active->mutable_fault()->set_id(3);
  active->set_seconds_left(4.25);
  const std::string text = StatusText(reply);
  EXPECT_THAT(text, HasSubstr("last checkpoint: window 50\n"
                              "without a connection: transmitter1:receiver2\n\n"));
  EXPECT_THAT(text, HasSubstr("transmitter2  lost   1:12  "));
  EXPECT_THAT(text, testing::EndsWith("\n\nfault   left  what\n"
                                      "    3  4.2 s  cut transmitter1:receiver2 --for 10s\n"));
  const nlohmann::ordered_json json = StatusJson(reply);
  EXPECT_EQ(json["checkpoint"], 50);
  EXPECT_EQ(json["cut"][0]["receiver"], 2);
  EXPECT_EQ(json["faults"][0]["seconds_left"], 4.25);
  EXPECT_EQ(json["nodes"][0]["state"], "lost");
}

TEST(StatusJsonTest, NumbersNodesFromOne) {
  const nlohmann::ordered_json json = StatusJson(Reply());
  EXPECT_EQ(json["nodes"][0]["node"], "transmitter2");
  EXPECT_EQ(json["window"], 12);
  EXPECT_EQ(json["accuracy"][1], 0.5);
}

}  // namespace
}  // namespace semlink::cli
