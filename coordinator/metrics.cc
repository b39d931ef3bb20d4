#include "coordinator/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "common/links/link_sets.h"
#include "common/scenario/method_table.h"

namespace semlink::coordinator {
namespace {

const v1::Report* ReceiverReport(const WindowRecord& record, int t) {
  const auto found = record.reports.find(NodeId::Receiver(t));
  return found == record.reports.end() ? nullptr : &found->second;
}

// One number per receiver; 0 for one without a report.
template <typename Get>
Json PerReceiver(const Scenario& scenario, const WindowRecord& record, Get get) {
  Json list = Json::array();
  for (int t = 0; t < scenario.T(); ++t) {
    const v1::Report* report = ReceiverReport(record, t);
    list.push_back(report != nullptr ? Json(get(*report)) : Json(0));
  }
  return list;
}

Json LinkList(const WindowRecord& record) {
  Json list = Json::array();
  for (const auto& [node, report] : record.reports) {
    for (const v1::LinkReport& link : report.link()) {
      if (link.rounds() == 0) continue;
      list.push_back({{"transmitter", link.transmitter() + 1},
                      {"modality", link.modality() + 1},
                      {"receiver", link.task() + 1},
                      {"rounds", link.rounds()},
                      {"rate_nats", link.rate_nats()},
                      {"coded_bits", link.coded_bits()}});
    }
  }
  return list;
}

Json BytesJson(const PairCost& cost) {
  Json bytes = Json::object();
  for (const char* kind : {"request", "feature", "gradient", "control"}) {
    const auto found = cost.message_bytes.find(kind);
    bytes[kind] = found == cost.message_bytes.end() ? 0 : found->second;
  }
  return bytes;
}

// Data plane and control plane apart: [{transmitter, receiver, ...}], [{node, ...}].
std::pair<Json, Json> CostLists(const PairCosts& costs) {
  Json pairs = Json::array(), control = Json::array();
  for (const auto& [ends, cost] : costs) {
    const auto& [a, b] = ends;
    if (a.role == Role::kCoordinator) {
      control.push_back({{"node", b.ToString()},
                         {"message_bytes", cost.messages_to_a + cost.messages_to_b},
                         {"wire_bytes", cost.wire_to_a + cost.wire_to_b}});
      continue;
    }
    pairs.push_back({{"transmitter", a.index + 1},
                     {"receiver", b.index + 1},
                     {"message_bytes", BytesJson(cost)},
                     {"wire_bytes", {{"down", cost.wire_to_b}, {"up", cost.wire_to_a}}},
                     {"retransmitted_bytes", cost.retransmitted},
                     {"round_trip_us", cost.round_trip_us}});
  }
  return {std::move(pairs), std::move(control)};
}

}  // namespace

double LinkCounts::links_total() const {
  return std::accumulate(links_per_round.begin(), links_per_round.end(), 0.0);
}

LimitCounts CountLimits(const LimitOptions& limits, const std::vector<v1::LinkRounds>& granted) {
  LimitCounts counts;
  std::map<std::pair<uint32_t, uint32_t>, int> served;                // (round, k) -> links
  std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> drawn;  // (round, t) -> transmitters
  for (const v1::LinkRounds& link : granted) {
    for (uint32_t round : link.round()) {
      ++served[{round, link.transmitter()}];
      drawn[{round, link.task()}].insert(link.transmitter());
    }
  }
  for (const auto& [where, links] : served) {
    counts.links_max = std::max(counts.links_max, links);
    if (links > limits.e_k) ++counts.limits_exceeded;
  }
  for (const auto& [where, transmitters] : drawn) {
    const int number = static_cast<int>(transmitters.size());
    counts.transmitters_max = std::max(counts.transmitters_max, number);
    if (number > limits.e_t) ++counts.limits_exceeded;
  }
  return counts;
}

LinkCounts CountLinks(const Scenario& scenario, const WindowRecord& record) {
  LinkCounts counts{CountLimits(scenario.limits, record.granted), {}};
  counts.links_per_round.assign(scenario.T(), 0.0);
  for (const v1::LinkRounds& link : record.granted) {
    counts.links_per_round.at(link.task()) +=
        static_cast<double>(link.round_size()) / record.open.rounds();
  }
  return counts;
}

KindRounds CountGrantedKinds(const Scenario& scenario, const WindowRecord& record) {
  std::vector<std::vector<std::set<std::string>>> kinds(
      scenario.T(), std::vector<std::set<std::string>>(record.open.rounds()));  // [t][round]
  for (const v1::LinkRounds& link : record.granted) {
    const ModalityKind kind = scenario.transmitters[link.transmitter()].modalities[link.modality()];
    for (uint32_t round : link.round()) kinds[link.task()][round].insert(semlink::Name(kind));
  }
  KindRounds counts(scenario.T());
  for (int t = 0; t < scenario.T(); ++t) {
    for (const std::set<std::string>& of_round : kinds[t]) {
      ++counts[t][of_round.empty() ? "none" : absl::StrJoin(of_round, "+")];
    }
  }
  return counts;
}

std::map<std::string, int> CountGrantedSets(const WindowRecord& record) {
  std::vector<LinkSet> sets(record.open.rounds());
  for (const v1::LinkRounds& link : record.granted) {
    for (uint32_t round : link.round()) {
      sets.at(round).push_back({static_cast<int>(link.transmitter()),
                                static_cast<int>(link.modality()), static_cast<int>(link.task())});
    }
  }
  std::map<std::string, int> counts;
  for (LinkSet& set : sets) {
    std::sort(set.begin(), set.end());
    ++counts[FormatLinks(set)];
  }
  return counts;
}

double SumRate(const WindowRecord& record) {
  double sum = 0;
  for (const auto& [node, report] : record.reports) {
    for (const v1::LinkReport& link : report.link()) {
      sum += link.rate_nats() * link.rounds() / record.open.rounds();
    }
  }
  return sum;
}

double Accuracy(const WindowRecord& record, int t) {
  const v1::Report* report = ReceiverReport(record, t);
  if (report == nullptr || report->samples() == 0) return 0;
  return report->correct() / static_cast<double>(report->samples());
}

std::optional<double> LogLikelihood(const WindowRecord& record, int t) {
  std::optional<double> sum;
  for (const auto& [node, report] : record.reports) {
    const int entry = node.role == Role::kReceiver ? 0 : t;
    if (node.role == Role::kReceiver && node.index != t) continue;
    if (entry < report.log_likelihood_size()) {
      sum = sum.value_or(0) + report.log_likelihood(entry);
    }
  }
  return sum;
}

LinkShares NoLinks(const Scenario& scenario) {
  LinkShares shares(scenario.T());
  for (auto& of_receiver : shares) {
    for (int k = 0; k < scenario.K(); ++k) of_receiver.emplace_back(scenario.M(k), 0.0);
  }
  return shares;
}

LinkShares RequestProbability(const Scenario& scenario, const WindowRecord& record) {
  LinkShares p = NoLinks(scenario);
  for (const auto& [node, report] : record.reports) {
    for (const v1::LinkReport& link : report.link()) {
      p.at(link.task()).at(link.transmitter()).at(link.modality()) = link.request_probability();
    }
  }
  return p;
}

Json MetricsLine(const Scenario& scenario, const WindowRecord& record, const PairCosts& costs) {
  const LinkCounts counts = CountLinks(scenario, record);
  Json line;
  line["window"] = record.open.window();
  line["kind"] = KindName(record.open.kind());
  line["seconds"] = record.seconds();
  line["cpu_seconds"] = record.cpu_seconds();
  line["loss"] = PerReceiver(scenario, record, [](const auto& r) { return r.loss(); });
  line["cross_entropy"] =
      PerReceiver(scenario, record, [](const auto& r) { return r.cross_entropy(); });
  Json accuracy = Json::array();
  for (int t = 0; t < scenario.T(); ++t) accuracy.push_back(Accuracy(record, t));
  line["accuracy"] = std::move(accuracy);
  line["rate_nats"] = SumRate(record);
  line["links"] = counts.links_per_round;
  line["links_total"] = counts.links_total();
  line["selection_entropy"] =
      PerReceiver(scenario, record, [](const auto& r) { return r.selection_entropy(); });
  if (MethodOf(scenario).selection == SelectionRule::kPolicy) {
    Json likelihood = Json::array();
    for (int t = 0; t < scenario.T(); ++t) {
      likelihood.push_back(LogLikelihood(record, t).value_or(0));
    }
    line["log_likelihood"] = std::move(likelihood);
  }
  line["rounds_without_link"] =
      PerReceiver(scenario, record, [](const auto& r) { return r.rounds_without_link(); });
  line["transmitter_probability"] = PerReceiver(scenario, record, [](const v1::Report& r) {
    return std::vector<double>(r.transmitter_probability().begin(),
                               r.transmitter_probability().end());
  });
  line["selection_probability"] = RequestProbability(scenario, record);
  line["link"] = LinkList(record);
  auto [pairs, control] = CostLists(costs);
  line["pair"] = std::move(pairs);
  line["control"] = std::move(control);
  line["refused"] = record.refused_total();
  return line;
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Quantile(std::vector<double> values, double p) {
  if (values.empty()) return 0;
  const double rank = std::ceil(p * static_cast<double>(values.size()));
  const size_t index = static_cast<size_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[index];
}

}  // namespace semlink::coordinator
