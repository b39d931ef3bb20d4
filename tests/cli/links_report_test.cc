#include "cli/links_report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/live_text.h"
#include "common/transport/protocol.h"

namespace semlink::cli {
namespace {

v1::LinksReply Reply() {
  v1::LinksReply reply;
  reply.set_window(120);
  reply.set_windows(10);
  reply.set_seconds(3.5);
  v1::LinkFigures* link = reply.add_link();
  link->set_modality(2);
  link->set_task(1);
  link->set_active(0.85);
  link->set_rate_nats(20.25);
  link->set_coded_bits(768);
  v1::PairFigures* pair = reply.add_pair();
  *pair->mutable_a() = ToProto(NodeId::Transmitter(0));
  *pair->mutable_b() = ToProto(NodeId::Receiver(1));
  pair->set_up(true);
  pair->set_state("up, fault 2 (throttle)");
  pair->set_state_seconds(65);
  pair->set_message_bytes_to_b(1200000);
  pair->set_message_bytes_to_a(1100);
  pair->set_wire_bytes_to_b(1300000);
  pair->set_wire_bytes_to_a(1500);
  pair->set_retransmitted(2896);
  pair->set_round_trip_us(1234);
  pair = reply.add_pair();
  *pair->mutable_a() = ToProto(NodeId::Coordinator());
  *pair->mutable_b() = ToProto(NodeId::Receiver(1));
  pair->set_state("down: receiver2 is lost");
  return reply;
}

TEST(LinksReportTest, TextHasALinePerPairAndLink) {
  EXPECT_EQ(LinksText(Reply()), R"(120 windows committed; the last 10 took 3.500 s

from          to          active   nats  bits  messages    back    wire    back  resent  round trip  state
transmitter1  receiver2                          1.2 MB  1.1 kB  1.3 MB  1.5 kB  2.9 kB     1.23 ms  up, fault 2 (throttle) for 1:05
  modality 3             85.00 %  20.25   768
coordinator   receiver2                             0 B     0 B     0 B     0 B     0 B           -  down: receiver2 is lost for 0 s
)");
}

TEST(LinksReportTest, JsonHasEverything) {
  const auto json = LinksJson(Reply());
  EXPECT_EQ(json["links"][0].dump(),
            R"({"transmitter":1,"modality":3,"receiver":2,"active":0.85,"rate_nats":20.25,)"
            R"("coded_bits":768.0})");
  EXPECT_EQ(json["pairs"][0]["from"], "transmitter1");
  EXPECT_EQ(json["pairs"][0]["wire_bytes"]["there"], 1300000);
  EXPECT_EQ(json["pairs"][0]["retransmitted_bytes"], 2896);
  EXPECT_EQ(json["pairs"][1]["from"], "coordinator");
  EXPECT_EQ(json["pairs"][1]["up"], false);
}

TEST(LinksReportTest, SaysThatNothingIsThereYet) {
  EXPECT_EQ(LinksText(v1::LinksReply()).substr(0, 23), "no window was committed");
}

TEST(LiveTextTest, PlainOutputIsOneAfterTheOther) {
  std::ostringstream out;
  LiveText live(out, LiveText::Terminal{});
  live.Show("a\n");
  live.Show("b\n");
  EXPECT_EQ(out.str(), "a\n\nb\n");
}

TEST(LiveTextTest, ATerminalIsRewrittenAndNotOverrun) {
  std::ostringstream out;
  LiveText live(out, LiveText::Terminal{4, 5});
  live.Show("1234567\nb\nc\nd\ne\n");
  EXPECT_EQ(out.str(), "\r12345\x1b[K\n\rb\x1b[K\n\r... a\x1b[K\n\x1b[J");
  out.str("");
  live.Show("x\n");
  EXPECT_EQ(out.str(), "\x1b[3A\rx\x1b[K\n\x1b[J");
}

}  // namespace
}  // namespace semlink::cli
