// The windows that the benchmarks of the ledger write: as AV-MNIST's, with three transmitters,
// three receivers and eight links of 20 rounds.
#ifndef SEMLINK_BENCH_LEDGER_WORKLOAD_H_
#define SEMLINK_BENCH_LEDGER_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/transport/protocol.h"
#include "coordinator/window_record.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

inline constexpr int kWorkloadNodes = 6;

// 0 to 2: the transmitters; 3 to 5: the receivers.
inline NodeId WorkloadNode(int i) {
  return i < 3 ? NodeId::Transmitter(i) : NodeId::Receiver(i - 3);
}

// The coordinator, and the three nodes of the other kind.
inline std::vector<NodeId> WorkloadPeers(const NodeId& node) {
  std::vector<NodeId> peers = {NodeId::Coordinator()};
  for (int i = 0; i < 3; ++i) {
    peers.push_back(node.role == Role::kTransmitter ? NodeId::Receiver(i) : NodeId::Transmitter(i));
  }
  return peers;
}

// A window with the reports of all nodes, without what they exchanged.
inline WindowRecord WorkloadRecord(uint64_t window) {
  WindowRecord record;
  record.open.set_window(window);
  record.open.set_kind(v1::TRAIN);
  record.open.set_rounds(20);
  record.open.set_batch_size(20);
  record.elapsed = absl::Milliseconds(200);
  for (int i = 0; i < kWorkloadNodes; ++i) {
    v1::Report& report = record.reports[WorkloadNode(i)];
    report.set_window(window);
    if (WorkloadNode(i).role != Role::kReceiver) continue;
    report.set_loss(0.5);
    report.set_samples(400);
  }
  for (int i = 0; i < 8; ++i) {
    v1::LinkRounds link;
    link.set_transmitter(i % 3);
    link.set_modality(i / 3);
    link.set_task((i + i / 3) % 3);
    for (int round = 0; round < 20; ++round) link.add_round(round);
    v1::LinkReport* report = record.reports[NodeId::Transmitter(i % 3)].add_link();
    report->set_transmitter(link.transmitter());
    report->set_modality(link.modality());
    report->set_task(link.task());
    report->set_rounds(20);
    report->set_rate_nats(20.5);
    report->set_coded_bits(768);
    record.granted.push_back(link);
  }
  return record;
}

// Adds what a run's reports carry in every window: cumulative counts of each peer and kind, and the
// kernel's figures of each connection.
inline void AddWorkloadCosts(WindowRecord* record) {
  const uint64_t bytes = (record->open.window() + 1) * 40000;
  for (auto& [node, report] : record->reports) {
    for (const NodeId& peer : WorkloadPeers(node)) {
      const bool control = peer.role == Role::kCoordinator;
      for (const char* kind : {"request", "feature", "gradient", "control"}) {
        if (control != (kind == std::string("control"))) continue;
        v1::Traffic* traffic = report.add_traffic();
        *traffic->mutable_peer() = ToProto(peer);
        traffic->set_kind(kind);
        traffic->set_messages_sent(record->open.window() + 1);
        traffic->set_bytes_sent(bytes);
      }
      v1::Wire* wire = report.add_wire();
      *wire->mutable_peer() = ToProto(peer);
      wire->set_bytes_sent(bytes);
      wire->set_bytes_received(bytes);
      wire->set_segments_sent(bytes / 1000);
      wire->set_round_trip_us(80);
      wire->set_connection(1);
    }
  }
}

}  // namespace semlink::coordinator

#endif  // SEMLINK_BENCH_LEDGER_WORKLOAD_H_
