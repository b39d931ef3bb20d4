#include "coordinator/traffic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

v1::Traffic Counter(const NodeId& peer, const std::string& kind, uint64_t sent, uint64_t received) {
  v1::Traffic traffic;
  *traffic.mutable_peer() = ToProto(peer);
  traffic.set_kind(kind);
  traffic.set_bytes_sent(sent);
  traffic.set_bytes_received(received);
  traffic.set_messages_sent(1);
  traffic.set_messages_received(2);
  return traffic;
}

TEST(TrafficBookTest, OneCountPerPairAndKind) {
  TrafficBook book;
  v1::Report transmitter, receiver;
  *transmitter.add_traffic() = Counter(NodeId::Receiver(1), "feature", 100, 0);
  *transmitter.add_traffic() = Counter(NodeId::Coordinator(), "control", 7, 7);
  *receiver.add_traffic() = Counter(NodeId::Transmitter(0), "feature", 0, 90);
  *receiver.add_traffic() = Counter(NodeId::Transmitter(0), "request", 5, 0);
  book.Update(NodeId::Receiver(1), receiver);
  book.Update(NodeId::Transmitter(0), transmitter);
  book.Update(NodeId::Transmitter(0), v1::Report());  // carries none: the last one stands
  v1::Report own;
  *own.add_traffic() = Counter(NodeId::Transmitter(0), "control", 20, 22);
  book.Update(NodeId::Coordinator(), own);
  const Json json = book.MessageBytes();
  EXPECT_EQ(json.dump(),
            R"([{"transmitter":1,"receiver":2,"kind":"feature","bytes":100,"messages":3},)"
            R"({"transmitter":1,"receiver":2,"kind":"request","bytes":5,"messages":3},)"
            R"({"node":"transmitter1","kind":"control","bytes":42,"messages":3}])");
}

TEST(TrafficBookTest, WireIsSeenFromTheTransmitter) {
  TrafficBook book;
  v1::Report receiver;
  v1::Wire* wire = receiver.add_wire();
  *wire->mutable_peer() = ToProto(NodeId::Transmitter(0));
  wire->set_bytes_sent(10);
  wire->set_bytes_received(200);
  wire->set_retransmitted(3);
  wire->set_round_trip_us(50);
  book.Update(NodeId::Receiver(1), receiver);
  EXPECT_EQ(book.WireBytes().dump(),
            R"([{"transmitter":1,"receiver":2,"sent":200,"received":10,"retransmitted":3,)"
            R"("round_trip_us":50.0}])");
}

TEST(TrafficBookTest, WireGrowsOverReconnectsAndRestarts) {
  TrafficBook book;
  v1::Report report;
  v1::Wire* wire = report.add_wire();
  *wire->mutable_peer() = ToProto(NodeId::Receiver(0));
  const auto grown = [&](uint64_t bytes, uint64_t segments) {
    wire->set_bytes_sent(bytes);
    wire->set_segments_sent(segments);
    const TrafficGrowth growth = book.Update(NodeId::Transmitter(0), report);
    return growth.wire.empty() ? 0 : growth.wire[0].bytes_sent();
  };
  EXPECT_EQ(grown(1000, 10), 1000u);
  EXPECT_EQ(grown(1500, 15), 500u);
  EXPECT_EQ(grown(1500, 15), 0u);
  EXPECT_EQ(grown(1600, 3), 1600u);  // fewer segments: another process, unseen
  book.Restarted(NodeId::Transmitter(0));
  EXPECT_EQ(grown(1700, 20), 1700u);
}

v1::Wire MakeWire(const NodeId& peer, uint64_t sent, uint64_t received, uint64_t again,
                  double round_trip_us) {
  v1::Wire wire;
  *wire.mutable_peer() = ToProto(peer);
  wire.set_bytes_sent(sent);
  wire.set_bytes_received(received);
  wire.set_retransmitted(again);
  wire.set_round_trip_us(round_trip_us);
  return wire;
}

TEST(CostsOfTest, EachDirectionAsItsSenderCounted) {
  const NodeId tx = NodeId::Transmitter(0), rx = NodeId::Receiver(1);
  const std::vector<TrafficGrowth> growth = {
      {tx,
       {Counter(rx, "feature", 100, 0), Counter(rx, "request", 0, 4)},
       {MakeWire(rx, 180, 60, 52, 90)}},
      {rx,
       {Counter(tx, "feature", 0, 70), Counter(tx, "request", 5, 0)},
       {MakeWire(tx, 66, 120, 3, 110)}}};
  const PairCosts costs = CostsOf(growth);
  ASSERT_EQ(costs.size(), 1u);
  const PairCost& cost = costs.at({tx, rx});
  EXPECT_EQ(cost.message_bytes.at("feature"), 100u);  // 30 of them were lost
  EXPECT_EQ(cost.message_bytes.at("request"), 5u);
  EXPECT_EQ(cost.messages_to_b, 100u);
  EXPECT_EQ(cost.messages_to_a, 5u);
  EXPECT_EQ(cost.wire_to_b, 180u);
  EXPECT_EQ(cost.wire_to_a, 66u);
  EXPECT_EQ(cost.retransmitted, 55u);
  EXPECT_EQ(cost.round_trip_us, 90);
}

TEST(CostsOfTest, OneEndIsEnough) {
  const NodeId tx = NodeId::Transmitter(2), rx = NodeId::Receiver(0);
  const std::vector<TrafficGrowth> growth = {
      {rx,
       {Counter(tx, "gradient", 40, 0), Counter(NodeId::Coordinator(), "control", 9, 11)},
       {MakeWire(tx, 50, 20, 0, 70)}},
      {NodeId::Coordinator(), {Counter(rx, "control", 1000, 1000)}, {}}};  // of many windows
  const PairCosts costs = CostsOf(growth);
  ASSERT_EQ(costs.size(), 2u);
  EXPECT_EQ(costs.at({tx, rx}).wire_to_a, 50u);
  EXPECT_EQ(costs.at({tx, rx}).wire_to_b, 20u);
  EXPECT_EQ(costs.at({tx, rx}).round_trip_us, 70);
  const PairCost& control = costs.at({NodeId::Coordinator(), rx});
  EXPECT_EQ(control.messages_to_a, 9u);
  EXPECT_EQ(control.messages_to_b, 11u);
}

}  // namespace
}  // namespace semlink::coordinator
