// Hand-written messages for the coordinator's tests.
#ifndef SEMLINK_TESTS_COORDINATOR_MESSAGES_H_
#define SEMLINK_TESTS_COORDINATOR_MESSAGES_H_

#include <string>
#include <utility>
#include <vector>

#include "common/base/file_system.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "common/transport/protocol.h"
#include "common/transport/transport.h"
#include "nlohmann/json.hpp"
#include "semlink/v1/message.pb.h"
#include "tests/base/temp_dir.h"
#include "tests/transport/recording_transport.h"

namespace semlink::coordinator {

inline const NodeId kT1 = NodeId::Transmitter(0);
inline const NodeId kT2 = NodeId::Transmitter(1);
inline const NodeId kR1 = NodeId::Receiver(0);
inline const NodeId kR2 = NodeId::Receiver(1);

// Two transmitters with 2 and 1 modalities, two receivers; E_t = 1, E_k = 2; 2 windows of 4 rounds
// of 5 samples.
inline Scenario SmallScenario() {
  Scenario scenario;
  scenario.name = "small";
  scenario.seed = 7;
  TransmitterOptions first, second;
  first.modalities = {ModalityKind::kImageFft, ModalityKind::kMel};
  second.modalities = {ModalityKind::kNoise};
  scenario.transmitters = {first, second};
  ReceiverOptions parity, digit;
  parity.task = TaskKind::kParity;
  parity.baseline = 0.6;
  digit.task = TaskKind::kDigit;
  digit.baseline = 2.1;
  scenario.receivers = {parity, digit};
  scenario.model.embedding = 4;
  scenario.limits = {1, 2};
  scenario.training.windows = 2;
  scenario.training.rounds_per_window = 4;
  scenario.training.batch_size = 5;
  scenario.evaluation.cr_draws = 2;
  return scenario;
}

inline std::vector<NodeId> AllNodes(const Scenario& scenario) {
  return MembersOf(scenario.K(), scenario.T());
}

inline v1::LinkRounds MakeLink(int k, int m, int t, const std::vector<uint32_t>& rounds) {
  v1::LinkRounds link;
  link.set_transmitter(k);
  link.set_modality(m);
  link.set_task(t);
  link.mutable_round()->Add(rounds.begin(), rounds.end());
  return link;
}

inline v1::Claim MakeClaim(uint64_t window, const std::vector<v1::LinkRounds>& links = {}) {
  v1::Claim claim;
  claim.set_window(window);
  for (const v1::LinkRounds& link : links) *claim.add_link() = link;
  return claim;
}

inline v1::LinkReport MakeLinkReport(int k, int m, int t, int rounds, double rate, double p) {
  v1::LinkReport link;
  link.set_transmitter(k);
  link.set_modality(m);
  link.set_task(t);
  link.set_rounds(rounds);
  link.set_rate_nats(rate);
  link.set_coded_bits(128);
  link.set_request_probability(p);
  return link;
}

inline v1::Report TransmitterReport(uint64_t window,
                                    const std::vector<v1::LinkReport>& links = {}) {
  v1::Report report;
  report.set_window(window);
  report.set_compute_seconds(0.25);
  for (const v1::LinkReport& link : links) *report.add_link() = link;
  return report;
}

inline v1::Report ReceiverReport(uint64_t window, int transmitters, uint64_t samples,
                                 double correct, double cross_entropy) {
  v1::Report report;
  report.set_window(window);
  report.set_loss(cross_entropy + 0.5);
  report.set_cross_entropy(cross_entropy);
  report.set_correct(correct);
  report.set_samples(samples);
  report.set_compute_seconds(0.5);
  for (int k = 0; k < transmitters; ++k) report.add_transmitter_probability(0.5);
  return report;
}

inline v1::Message HelloFrom(const NodeId& node) {
  v1::Message message;
  v1::Hello* hello = message.mutable_hello();
  *hello->mutable_node() = ToProto(node);
  hello->set_protocol(kProtocolVersion);
  hello->set_software("semlink test");
  hello->set_pid(100 + node.index);
  if (node.role == Role::kTransmitter) {
    hello->set_data_address("host" + std::to_string(node.index) + ":1");
  }
  return message;
}

// Of a process that holds no state.
inline v1::Message ReadyMessage() {
  v1::Message message;
  message.mutable_ready()->set_peak_rss_bytes(1000);
  return message;
}

inline v1::Message RestoredMessage(uint64_t window) {
  v1::Message message;
  message.mutable_restored()->set_window(window);
  message.mutable_restored()->set_ok(true);
  return message;
}

inline v1::Message PairMessage(int k, int t, bool up) {
  v1::Message message;
  message.mutable_pair_status()->set_transmitter(k);
  message.mutable_pair_status()->set_receiver(t);
  message.mutable_pair_status()->set_up(up);
  return message;
}

using semlink::RecordingTransport;

inline nlohmann::json ReadJson(const std::string& path) {
  return nlohmann::json::parse(ReadFile(path).value());
}

inline std::vector<nlohmann::json> ReadJsonLines(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::string text = ReadFile(path).value();
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    lines.push_back(nlohmann::json::parse(text.substr(start, end - start)));
    start = end + 1;
  }
  return lines;
}

}  // namespace semlink::coordinator

#endif  // SEMLINK_TESTS_COORDINATOR_MESSAGES_H_
