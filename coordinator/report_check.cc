#include "coordinator/report_check.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

bool FiniteNonNegative(double x) { return std::isfinite(x) && x >= 0; }
bool AllFinite(const google::protobuf::RepeatedField<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}
bool Probability(double x) { return x >= 0 && x <= 1 + 1e-6; }

uint64_t SamplesOf(const v1::OpenWindow& open) {
  if (open.kind() == v1::EVALUATE) return open.samples();
  return static_cast<uint64_t>(open.rounds()) * open.batch_size();
}

// Nothing, or one per round of an evaluation.
std::string CheckRoundLoss(const v1::OpenWindow& open, const v1::Report& report) {
  if (report.round_loss().empty()) return "";
  if (open.kind() != v1::EVALUATE ||
      static_cast<uint32_t>(report.round_loss_size()) != open.rounds()) {
    return absl::StrCat("round_loss has ", report.round_loss_size(), " entries, the ",
                        KindName(open.kind()), " window has ", open.rounds(), " rounds");
  }
  return AllFinite(report.round_loss()) ? "" : "round_loss is not finite";
}

// Nothing, or what a selector says: a receiver's about its own task, a transmitter's about each.
std::string CheckLogLikelihood(const Scenario& scenario, const v1::OpenWindow& open,
                               const NodeId& from, const v1::Report& report) {
  if (report.log_likelihood().empty()) return "";
  const int expected = from.role == Role::kReceiver ? 1 : scenario.T();
  if (open.kind() != v1::TRAIN || report.log_likelihood_size() != expected) {
    return absl::StrCat("log_likelihood has ", report.log_likelihood_size(), " entries in a ",
                        KindName(open.kind()), " window, expected ", expected, " in training only");
  }
  return AllFinite(report.log_likelihood()) ? "" : "log_likelihood is not finite";
}

std::string CheckReceiver(const Scenario& scenario, const v1::OpenWindow& open,
                          const v1::Report& report) {
  if (!std::isfinite(report.loss()) || !std::isfinite(report.cross_entropy())) {
    return absl::StrCat("loss ", report.loss(), " and cross-entropy ", report.cross_entropy(),
                        " must be finite");
  }
  if (report.samples() != SamplesOf(open)) {
    return absl::StrCat("it reports ", report.samples(), " samples, the window has ",
                        SamplesOf(open));
  }
  if (!FiniteNonNegative(report.correct()) || report.correct() > report.samples()) {
    return absl::StrCat("correct is ", report.correct(), " of ", report.samples(), " samples");
  }
  // Rounding may take an entropy of zero slightly below it.
  if (!FiniteNonNegative(report.selection_entropy() + 1e-3)) return "selection_entropy is negative";
  if (report.rounds_without_link() > open.rounds()) {
    return absl::StrCat("rounds_without_link is ", report.rounds_without_link(), " of ",
                        open.rounds());
  }
  if (report.transmitter_probability_size() != scenario.K()) {
    return absl::StrCat("transmitter_probability has ", report.transmitter_probability_size(),
                        " entries, expected ", scenario.K());
  }
  for (double p : report.transmitter_probability()) {
    if (!Probability(p)) return absl::StrCat("transmitter_probability ", p, " is not in [0, 1]");
  }
  if (report.link_size() > 0) return "a receiver can't report links";
  return CheckRoundLoss(open, report);
}

uint32_t GrantedRounds(const WindowRecord& record, const v1::LinkReport& link) {
  for (const v1::LinkRounds& granted : record.granted) {
    if (granted.transmitter() == link.transmitter() && granted.modality() == link.modality() &&
        granted.task() == link.task()) {
      return granted.round_size();
    }
  }
  return 0;
}

std::string CheckLink(const Scenario& scenario, const WindowRecord& record, const NodeId& from,
                      const v1::LinkReport& link) {
  if (static_cast<int>(link.transmitter()) != from.index) {
    return absl::StrCat("it reports a link of transmitter ", link.transmitter() + 1);
  }
  if (static_cast<int>(link.modality()) >= scenario.M(from.index) ||
      static_cast<int>(link.task()) >= scenario.T()) {
    return absl::StrCat("it reports a link of modality ", link.modality() + 1, " to receiver ",
                        link.task() + 1, ", which the scenario does not have");
  }
  const uint32_t granted = GrantedRounds(record, link);
  if (link.rounds() > granted) {
    return absl::StrCat("it reports ", link.rounds(), " rounds of a link that was granted ",
                        granted);
  }
  if (!std::isfinite(link.rate_nats()) || !FiniteNonNegative(link.coded_bits()) ||
      !Probability(link.request_probability())) {
    return absl::StrCat("rate ", link.rate_nats(), " nats, ", link.coded_bits(),
                        " bits, probability ", link.request_probability(), " can't be");
  }
  return "";
}

std::string CheckFailure(const v1::OpenWindow& open, const NodeId& from,
                         const v1::PairFailure& failure) {
  const uint32_t own = from.role == Role::kTransmitter ? failure.transmitter() : failure.receiver();
  if (static_cast<int>(own) != from.index) return "it reports the failure of another node's pair";
  if (failure.transmitter() >= static_cast<uint32_t>(open.transmitter_up_size()) ||
      failure.receiver() >= static_cast<uint32_t>(open.receiver_up_size())) {
    return "it reports the failure of a pair that the scenario does not have";
  }
  if (!v1::PairFailure::Stage_IsValid(failure.stage()) ||
      failure.stage() == v1::PairFailure::STAGE_UNSPECIFIED) {
    return "it reports a failure without a stage";
  }
  return "";
}

// Every stage of every pair of the node, at most.
std::string CheckFailures(const v1::OpenWindow& open, const NodeId& from,
                          const v1::Report& report) {
  const int pairs =
      from.role == Role::kTransmitter ? open.receiver_up_size() : open.transmitter_up_size();
  if (report.failed_size() > 3 * pairs) {
    return absl::StrCat("it reports ", report.failed_size(), " failures of ", pairs, " pairs");
  }
  for (const v1::PairFailure& failure : report.failed()) {
    if (std::string wrong = CheckFailure(open, from, failure); !wrong.empty()) return wrong;
  }
  return "";
}

bool Exchange(const Scenario& scenario, const NodeId& from, const NodeId& peer) {
  if (peer == NodeId::Coordinator()) return true;
  if (peer.index < 0) return false;
  if (peer.role == Role::kTransmitter) {
    return from.role == Role::kReceiver && peer.index < scenario.K();
  }
  return peer.role == Role::kReceiver && from.role == Role::kTransmitter &&
         peer.index < scenario.T();
}

bool Countable(std::initializer_list<uint64_t> counts) {
  constexpr uint64_t kTooMany = uint64_t{1} << 53;
  return std::all_of(counts.begin(), counts.end(),
                     [](uint64_t count) { return count < kTooMany; });
}

bool CanBe(const v1::Traffic& t) {
  return IsTrafficKind(t.kind()) && Countable({t.messages_sent(), t.bytes_sent(),
                                               t.messages_received(), t.bytes_received()});
}

bool CanBe(const v1::Wire& w) {
  return FiniteNonNegative(w.round_trip_us()) &&
         Countable({w.bytes_sent(), w.bytes_received(), w.retransmitted(), w.payload_sent(),
                    w.payload_received(), w.segments_sent(), w.segments_received(),
                    w.connection()});
}

// Keeps the entries for which `good` holds; returns how many went.
template <typename Entries, typename Good>
int Keep(Entries* entries, const Good& good) {
  const int before = entries->size();
  entries->erase(std::remove_if(entries->begin(), entries->end(),
                                [&](const auto& entry) { return !good(entry); }),
                 entries->end());
  return before - entries->size();
}

}  // namespace

int DropUntrueCosts(const Scenario& scenario, const NodeId& from, v1::Report* report) {
  std::set<std::pair<NodeId, std::string>> traffic;
  std::set<NodeId> wire;
  return Keep(report->mutable_traffic(),
              [&](const v1::Traffic& t) {
                const NodeId peer = FromProto(t.peer());
                return Exchange(scenario, from, peer) && CanBe(t) &&
                       traffic.insert({peer, t.kind()}).second;
              }) +
         Keep(report->mutable_wire(), [&](const v1::Wire& w) {
           const NodeId peer = FromProto(w.peer());
           return Exchange(scenario, from, peer) && CanBe(w) && wire.insert(peer).second;
         });
}

std::string CheckReport(const Scenario& scenario, const WindowRecord& record, const NodeId& from,
                        const v1::Report& report) {
  if (!FiniteNonNegative(report.compute_seconds())) return "compute_seconds is negative";
  if (std::string wrong = CheckFailures(record.open, from, report); !wrong.empty()) return wrong;
  if (std::string wrong = CheckLogLikelihood(scenario, record.open, from, report); !wrong.empty()) {
    return wrong;
  }
  if (from.role == Role::kReceiver) return CheckReceiver(scenario, record.open, report);
  std::set<std::pair<uint32_t, uint32_t>> seen;
  for (const v1::LinkReport& link : report.link()) {
    if (std::string wrong = CheckLink(scenario, record, from, link); !wrong.empty()) return wrong;
    if (!seen.insert({link.modality(), link.task()}).second) {
      return absl::StrCat("it reports modality ", link.modality() + 1, " to receiver ",
                          link.task() + 1, " twice");
    }
  }
  return "";
}

std::string CheckInferReport(const v1::InferReport& report) {
  if (report.correct() > report.samples()) {
    return absl::StrCat("correct is ", report.correct(), " of ", report.samples(), " samples");
  }
  if (!FiniteNonNegative(report.seconds())) return "seconds is negative";
  if (!std::all_of(report.latency_us().begin(), report.latency_us().end(), FiniteNonNegative)) {
    return "a latency is negative";
  }
  return "";
}

}  // namespace semlink::coordinator
