// The coordinator's decision over any claims: never more links of a transmitter than E_k in a round
// or more transmitters of a receiver than E_t, none that was not claimed by its own transmitter,
// none of a member that is down, none twice.
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/links/feasibility.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/require_limits.h"

namespace {

using semlink::fuzz::Input;
using semlink::fuzz::Require;
using Link = std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>;  // k, m, t, round

semlink::LinkLimits AnyLimits(Input* input) {
  semlink::LinkLimits limits;
  limits.e_t = 1 + input->Below(3);
  limits.e_k = 1 + input->Below(3);
  limits.modalities.resize(1 + input->Below(3));
  for (int& m : limits.modalities) m = 1 + input->Below(3);
  limits.receivers = 1 + input->Below(3);
  const uint8_t up = input->Byte();
  for (size_t k = 0; k < limits.modalities.size(); ++k)
    limits.transmitter_up.push_back(up >> k & 1);
  for (int t = 0; t < limits.receivers; ++t) limits.receiver_up.push_back(up >> (4 + t) & 1);
  return limits;
}

// Nearly in range, so that most links are possible; 255 stands for a number far out.
uint32_t Index(Input* input) {
  const uint8_t byte = input->Byte();
  return byte == 255 ? UINT32_MAX : byte & 3;
}

semlink::v1::Claim AnyClaim(Input* input) {
  semlink::v1::Claim claim;
  const int links = input->Below(8);
  for (int i = 0; i < links; ++i) {
    semlink::v1::LinkRounds* link = claim.add_link();
    link->set_transmitter(Index(input));
    link->set_modality(Index(input));
    link->set_task(Index(input));
    const int rounds = input->Below(6);
    for (int r = 0; r < rounds; ++r) link->add_round(Index(input));
  }
  return claim;
}

std::set<Link> Claimed(const std::vector<semlink::v1::Claim>& claims) {
  std::set<Link> all;
  for (size_t k = 0; k < claims.size(); ++k) {
    for (const auto& link : claims[k].link()) {
      if (link.transmitter() != k) continue;
      for (uint32_t r : link.round())
        all.insert({link.transmitter(), link.modality(), link.task(), r});
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const semlink::LinkLimits limits = AnyLimits(&input);
  const int rounds = 1 + input.Below(4);
  std::vector<semlink::v1::Claim> claims(limits.modalities.size());
  for (semlink::v1::Claim& claim : claims) claim = AnyClaim(&input);

  const semlink::Decision decision = semlink::DecideClaims(limits, rounds, claims);
  const std::set<Link> claimed = Claimed(claims);
  semlink::fuzz::RequireLimits(decision.granted, limits.e_t, limits.e_k);
  std::set<Link> seen;
  for (const semlink::v1::LinkRounds& link : decision.granted) {
    const uint32_t k = link.transmitter(), m = link.modality(), t = link.task();
    Require(k < limits.modalities.size() && m < static_cast<uint32_t>(limits.modalities[k]) &&
                t < static_cast<uint32_t>(limits.receivers),
            "the link exists");
    Require(limits.transmitter_up[k] && limits.receiver_up[t], "both ends are up");
    for (uint32_t r : link.round()) {
      Require(r < static_cast<uint32_t>(rounds), "the round exists");
      Require(claimed.count({k, m, t, r}) > 0, "its own transmitter has claimed it");
      Require(seen.insert({k, m, t, r}).second, "no link is granted twice");
    }
  }
  return 0;
}
