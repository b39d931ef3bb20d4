#include "coordinator/link_history.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// Sums over windows; means are made of them at the end.
struct LinkSum {
  double rounds = 0;
  double rate = 0;  // times rounds
  double bits = 0;  // times rounds
};

void Add(const PairCost& cost, v1::PairFigures* sum) {
  sum->set_message_bytes_to_b(sum->message_bytes_to_b() + cost.messages_to_b);
  sum->set_message_bytes_to_a(sum->message_bytes_to_a() + cost.messages_to_a);
  sum->set_wire_bytes_to_b(sum->wire_bytes_to_b() + cost.wire_to_b);
  sum->set_wire_bytes_to_a(sum->wire_bytes_to_a() + cost.wire_to_a);
  sum->set_retransmitted(sum->retransmitted() + cost.retransmitted);
  if (cost.round_trip_us > 0) sum->set_round_trip_us(cost.round_trip_us);
}

}  // namespace

void LinkHistory::Add(const WindowRecord& record, const PairCosts& costs) {
  Entry entry;
  entry.window = record.open.window();
  entry.rounds = record.open.rounds();
  entry.seconds = record.seconds();
  entry.costs = costs;
  for (const auto& [node, report] : record.reports) {
    for (const v1::LinkReport& link : report.link()) {
      if (link.rounds() > 0) entry.links.push_back(link);
    }
  }
  absl::MutexLock lock(&mutex_);
  entries_.push_back(std::move(entry));
  if (entries_.size() > kKept) entries_.pop_front();
}

v1::LinksReply LinkHistory::Read(uint32_t windows) const {
  v1::LinksReply reply;
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, LinkSum> links;
  std::map<std::pair<NodeId, NodeId>, v1::PairFigures> pairs;
  double rounds = 0, seconds = 0;
  absl::MutexLock lock(&mutex_);
  if (entries_.empty()) return reply;
  const size_t count = std::min<size_t>(std::max<uint32_t>(windows, 1), entries_.size());
  const auto first = entries_.end() - static_cast<std::ptrdiff_t>(count);
  for (auto entry = first; entry != entries_.end(); ++entry) {
    rounds += entry->rounds;
    seconds += entry->seconds;
    for (const v1::LinkReport& link : entry->links) {
      LinkSum& sum = links[{link.transmitter(), link.modality(), link.task()}];
      sum.rounds += link.rounds();
      sum.rate += link.rate_nats() * link.rounds();
      sum.bits += link.coded_bits() * link.rounds();
    }
    for (const auto& [ends, cost] : entry->costs) coordinator::Add(cost, &pairs[ends]);
  }
  reply.set_window(entries_.back().window + 1);
  reply.set_windows(static_cast<uint32_t>(count));
  reply.set_seconds(seconds);
  for (const auto& [key, sum] : links) {
    v1::LinkFigures* link = reply.add_link();
    link->set_transmitter(std::get<0>(key));
    link->set_modality(std::get<1>(key));
    link->set_task(std::get<2>(key));
    link->set_active(sum.rounds / rounds);
    link->set_rate_nats(sum.rate / sum.rounds);
    link->set_coded_bits(sum.bits / sum.rounds);
  }
  for (auto& [ends, figures] : pairs) {
    *figures.mutable_a() = ToProto(ends.first);
    *figures.mutable_b() = ToProto(ends.second);
    *reply.add_pair() = std::move(figures);
  }
  return reply;
}

}  // namespace semlink::coordinator
