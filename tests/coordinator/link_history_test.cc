#include "coordinator/link_history.h"

#include <gtest/gtest.h>

#include "common/faults/fault_spec.h"
#include "coordinator/pair_view.h"
#include "coordinator/status_board.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

// Link 1.1->1 in `rounds` of 4 rounds, at `rate` nats. 2 s each, on a machine whose date jumps.
WindowRecord Record(uint64_t w, uint32_t rounds, double rate) {
  WindowRecord record;
  record.open.set_window(w);
  record.open.set_rounds(4);
  record.opened_at = absl::FromUnixSeconds(static_cast<int64_t>(1000 * w));
  record.committed_at = record.opened_at - absl::Hours(1);
  record.elapsed = absl::Seconds(2);
  record.reports[kT1] = TransmitterReport(w, {MakeLinkReport(0, 0, 0, rounds, rate, 1)});
  return record;
}

PairCosts Costs(uint64_t bytes, double round_trip_us) {
  PairCosts costs;
  PairCost& cost = costs[{kT1, kR1}];
  cost.messages_to_b = bytes;
  cost.wire_to_a = 2 * bytes;
  cost.retransmitted = 1;
  cost.round_trip_us = round_trip_us;
  return costs;
}

TEST(LinkHistoryTest, NothingBeforeTheFirstWindow) {
  const v1::LinksReply reply = LinkHistory().Read(5);
  EXPECT_EQ(reply.windows(), 0u);
  EXPECT_EQ(reply.pair_size(), 0);
}

TEST(LinkHistoryTest, MeansOverRoundsAndSumsOfBytes) {
  LinkHistory history;
  history.Add(Record(0, 4, 100), Costs(5000, 10));
  history.Add(Record(1, 3, 10), Costs(100, 80));
  history.Add(Record(2, 1, 20), Costs(30, 0));  // no new figure
  const v1::LinksReply reply = history.Read(2);
  EXPECT_EQ(reply.window(), 3u);
  EXPECT_EQ(reply.windows(), 2u);
  EXPECT_EQ(reply.seconds(), 4);
  ASSERT_EQ(reply.link_size(), 1);
  EXPECT_EQ(reply.link(0).active(), 0.5);
  EXPECT_EQ(reply.link(0).rate_nats(), (3 * 10 + 20) / 4.0);
  ASSERT_EQ(reply.pair_size(), 1);
  EXPECT_EQ(reply.pair(0).message_bytes_to_b(), 130u);
  EXPECT_EQ(reply.pair(0).wire_bytes_to_a(), 260u);
  EXPECT_EQ(reply.pair(0).retransmitted(), 2u);
  EXPECT_EQ(reply.pair(0).round_trip_us(), 80);
  EXPECT_EQ(history.Read(0).windows(), 1u);
  EXPECT_EQ(history.Read(99).windows(), 3u);
}

TEST(LinkHistoryTest, KeepsTheLastWindowsOnly) {
  LinkHistory history;
  const size_t windows = LinkHistory::kKept + 10;
  for (size_t w = 0; w < windows; ++w) history.Add(Record(w, 4, 1), Costs(1, 1));
  const v1::LinksReply reply = history.Read(1000000);
  EXPECT_EQ(reply.windows(), LinkHistory::kKept);
  EXPECT_EQ(reply.window(), windows);
}

TEST(PairViewTest, SaysWhyAPairIsDownAndSinceWhen) {
  Membership membership(SmallScenario());
  for (const NodeId& id : {NodeId::Transmitter(0), NodeId::Transmitter(1), NodeId::Receiver(1)}) {
    membership.Join(id, HelloFrom(id).hello(), absl::ZeroDuration());
  }
  v1::Pair cut;
  cut.set_transmitter(1);
  cut.set_receiver(1);
  RunStatus status;
  status.members = membership.members();
  status.published_at = absl::FromUnixSeconds(10);
  StatusBoard board;
  board.Publish(status);
  status.cut = {cut};
  status.published_at = absl::FromUnixSeconds(20);
  board.Publish(status);
  const std::vector<PairView> pairs = board.Read().pairs;
  ASSERT_EQ(pairs.size(), 4u + 4u);
  EXPECT_EQ(pairs[0].why, "receiver1 is awaited");
  EXPECT_TRUE(pairs[1].up);
  EXPECT_EQ(pairs[1].since, absl::FromUnixSeconds(10));
  EXPECT_EQ(pairs[3].why, "no stream");
  EXPECT_EQ(pairs[3].since, absl::FromUnixSeconds(20));
  EXPECT_EQ(pairs[4].a, NodeId::Coordinator());
  EXPECT_TRUE(pairs[4].up);
  EXPECT_EQ(pairs[6].why, "receiver1 is awaited");
}

}  // namespace
}  // namespace semlink::coordinator
