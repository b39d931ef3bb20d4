#include "common/links/feasibility.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>

namespace semlink {
namespace {

// One claimed link in one round.
struct Candidate {
  uint32_t round = 0;
  Link link;

  // The order in which claims are taken.
  auto Key() const { return std::tie(round, link.k, link.t, link.m); }
};

bool IsUp(const std::vector<bool>& up, int index) {
  return index < static_cast<int>(up.size()) && up[index];
}

// Why no round of this link can be granted to the claimant; nothing if some could.
std::optional<RefusalReason> RefuseLink(const LinkLimits& limits, size_t claimant,
                                        const v1::LinkRounds& link) {
  // Compared as unsigned numbers: an index from the wire may be as large as 2^32 - 1.
  if (link.transmitter() >= limits.modalities.size()) return RefusalReason::kUnknownLink;
  const int modalities = limits.modalities[link.transmitter()];
  if (modalities <= 0 || link.modality() >= static_cast<uint32_t>(modalities) ||
      limits.receivers <= 0 || link.task() >= static_cast<uint32_t>(limits.receivers)) {
    return RefusalReason::kUnknownLink;
  }
  if (link.transmitter() != claimant) return RefusalReason::kForeign;
  if (!IsUp(limits.transmitter_up, static_cast<int>(link.transmitter())) ||
      !IsUp(limits.receiver_up, static_cast<int>(link.task()))) {
    return RefusalReason::kMemberDown;
  }
  return std::nullopt;
}

// Adds the rounds of `link` that lie in range and ascend; counts the others.
void CollectRounds(const v1::LinkRounds& link, int rounds, std::vector<Candidate>* candidates,
                   std::map<RefusalReason, int>* refused) {
  const Link id{static_cast<int>(link.transmitter()), static_cast<int>(link.modality()),
                static_cast<int>(link.task())};
  int64_t last = -1;
  for (uint32_t round : link.round()) {
    if (int64_t{round} >= rounds || int64_t{round} <= last) {
      ++(*refused)[RefusalReason::kRound];
      continue;
    }
    last = round;
    candidates->push_back({round, id});
  }
}

// What one round has granted so far.
class RoundLedger {
 public:
  explicit RoundLedger(const LinkLimits& limits)
      : limits_(limits),
        links_(limits.modalities.size(), 0),
        transmitters_(std::max(limits.receivers, 0), 0),
        latest_(std::max(limits.receivers, 0), -1) {}

  void StartRound() {
    std::fill(links_.begin(), links_.end(), 0);
    std::fill(transmitters_.begin(), transmitters_.end(), 0);
    std::fill(latest_.begin(), latest_.end(), -1);
  }

  // Books the link, or says which limit it would exceed. Links come in the order of their
  // transmitters, so a receiver has met link.k before exactly if link.k is the latest it has met.
  std::optional<RefusalReason> Book(const Link& link) {
    if (links_[link.k] >= limits_.e_k) return RefusalReason::kTransmitterLimit;
    const bool new_transmitter = latest_[link.t] != link.k;
    if (new_transmitter && transmitters_[link.t] >= limits_.e_t) {
      return RefusalReason::kReceiverLimit;
    }
    ++links_[link.k];
    if (new_transmitter) ++transmitters_[link.t];
    latest_[link.t] = link.k;
    return std::nullopt;
  }

 private:
  const LinkLimits& limits_;
  std::vector<int> links_;         // by transmitter: links it serves
  std::vector<int> transmitters_;  // by receiver: transmitters it draws on
  std::vector<int> latest_;        // by receiver: the last of these, -1 for none
};

v1::LinkRounds* AddLink(const Link& link, std::vector<v1::LinkRounds>* granted) {
  v1::LinkRounds& added = granted->emplace_back();
  added.set_transmitter(static_cast<uint32_t>(link.k));
  added.set_modality(static_cast<uint32_t>(link.m));
  added.set_task(static_cast<uint32_t>(link.t));
  return &added;
}

}  // namespace

std::vector<int> TrimToLimit(int links, int e_k, RandomStream& stream) {
  return stream.Subset(links, std::min(links, e_k));
}

const char* Name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kUnknownLink:
      return "unknown_link";
    case RefusalReason::kRound:
      return "round";
    case RefusalReason::kForeign:
      return "foreign";
    case RefusalReason::kDuplicate:
      return "duplicate";
    case RefusalReason::kMemberDown:
      return "member_down";
    case RefusalReason::kTransmitterLimit:
      return "transmitter_limit";
    case RefusalReason::kReceiverLimit:
      return "receiver_limit";
  }
  return "unknown";
}

Decision DecideClaims(const LinkLimits& limits, int rounds, const std::vector<v1::Claim>& claims) {
  Decision decision;
  // Memory grows with the claims as received, never with a number inside them.
  std::vector<Candidate> candidates;
  for (size_t k = 0; k < claims.size(); ++k) {
    for (const v1::LinkRounds& link : claims[k].link()) {
      if (const auto reason = RefuseLink(limits, k, link)) {
        if (link.round_size() > 0) decision.refused[*reason] += link.round_size();
        continue;
      }
      CollectRounds(link, rounds, &candidates, &decision.refused);
    }
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.Key() < b.Key(); });

  std::map<Link, std::vector<uint32_t>> granted;
  RoundLedger ledger(limits);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (i > 0 && candidate.Key() == candidates[i - 1].Key()) {
      ++decision.refused[RefusalReason::kDuplicate];
      continue;
    }
    if (i > 0 && candidate.round != candidates[i - 1].round) ledger.StartRound();
    if (const auto reason = ledger.Book(candidate.link)) {
      ++decision.refused[*reason];
      continue;
    }
    granted[candidate.link].push_back(candidate.round);
  }
  for (const auto& [link, link_rounds] : granted) {
    AddLink(link, &decision.granted)->mutable_round()->Add(link_rounds.begin(), link_rounds.end());
  }
  return decision;
}

}  // namespace semlink
