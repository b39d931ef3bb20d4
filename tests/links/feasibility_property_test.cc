// DecideClaims under thousands of random claims, honest and hostile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/base/resource_usage.h"
#include "common/links/feasibility.h"

namespace semlink {
namespace {

struct World {
  LinkLimits limits;
  int rounds = 0;
  std::vector<v1::Claim> claims;
};

// An index that is mostly valid, sometimes just outside, sometimes absurd.
uint32_t Index(RandomStream& stream, int size) {
  switch (stream.UniformInt(12)) {
    case 0:
      return static_cast<uint32_t>(size);
    case 1:
      return stream.NextU32();
    case 2:
      return UINT32_MAX;
    default:
      return stream.UniformInt(static_cast<uint32_t>(std::max(size, 1)));
  }
}

void AddRandomLink(RandomStream& stream, const World& world, size_t claimant, v1::Claim* claim) {
  const LinkLimits& limits = world.limits;
  v1::LinkRounds* link = claim->add_link();
  link->set_transmitter(stream.UniformInt(8) == 0
                            ? Index(stream, static_cast<int>(limits.modalities.size()))
                            : static_cast<uint32_t>(claimant));
  link->set_modality(Index(stream, limits.modalities[claimant % limits.modalities.size()]));
  link->set_task(Index(stream, limits.receivers));
  for (uint32_t i = stream.UniformInt(6); i > 0; --i) link->add_round(Index(stream, world.rounds));
  if (stream.UniformInt(3) != 0) {
    std::sort(link->mutable_round()->begin(), link->mutable_round()->end());
  }
}

World RandomWorld(uint64_t seed) {
  RandomStream stream(seed, Purpose::kSynthetic);
  World world;
  world.limits.e_t = static_cast<int>(stream.UniformInt(4));
  world.limits.e_k = static_cast<int>(stream.UniformInt(5));
  const int transmitters = 1 + static_cast<int>(stream.UniformInt(4));
  for (int k = 0; k < transmitters; ++k) {
    world.limits.modalities.push_back(1 + static_cast<int>(stream.UniformInt(4)));
    world.limits.transmitter_up.push_back(stream.UniformInt(8) != 0);
  }
  world.limits.receivers = 1 + static_cast<int>(stream.UniformInt(3));
  for (int t = 0; t < world.limits.receivers; ++t) {
    world.limits.receiver_up.push_back(stream.UniformInt(8) != 0);
  }
  world.rounds = 1 + static_cast<int>(stream.UniformInt(3));
  world.claims.resize(transmitters + stream.UniformInt(2));
  for (size_t k = 0; k < world.claims.size(); ++k) {
    for (uint32_t i = stream.UniformInt(12); i > 0; --i) {
      AddRandomLink(stream, world, k, &world.claims[k]);
    }
  }
  return world;
}

using LinkRound = std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>;  // k, m, t, round

void Shuffle(RandomStream& stream, v1::Claim* claim) {
  for (int i = claim->link_size() - 1; i > 0; --i) {
    claim->mutable_link()->SwapElements(i, static_cast<int>(stream.UniformInt(i + 1)));
  }
}

std::vector<std::string> Bytes(const Decision& decision) {
  std::vector<std::string> bytes;
  for (const v1::LinkRounds& link : decision.granted) bytes.push_back(link.SerializeAsString());
  return bytes;
}

// Checks the order of what was granted and that each pair was claimed by its transmitter between
// members that are up.
std::set<LinkRound> CheckGranted(const World& world, const Decision& decision) {
  std::set<LinkRound> claimed;
  for (size_t k = 0; k < world.claims.size(); ++k) {
    for (const v1::LinkRounds& link : world.claims[k].link()) {
      if (link.transmitter() != k) continue;
      for (uint32_t round : link.round()) claimed.emplace(k, link.modality(), link.task(), round);
    }
  }
  std::set<LinkRound> granted;
  std::vector<LinkRound> in_order;
  for (const v1::LinkRounds& link : decision.granted) {
    EXPECT_GT(link.round_size(), 0);
    for (uint32_t round : link.round()) {
      in_order.emplace_back(link.transmitter(), link.modality(), link.task(), round);
    }
  }
  EXPECT_TRUE(std::is_sorted(in_order.begin(), in_order.end()));
  for (const LinkRound& pair : in_order) {
    const auto [k, m, t, round] = pair;
    EXPECT_TRUE(claimed.count(pair));
    EXPECT_TRUE(granted.insert(pair).second) << "granted twice";
    EXPECT_LT(round, static_cast<uint32_t>(world.rounds));
    EXPECT_LT(m, static_cast<uint32_t>(world.limits.modalities.at(k)));
    EXPECT_TRUE(world.limits.transmitter_up.at(k));
    EXPECT_TRUE(world.limits.receiver_up.at(t));
  }
  return granted;
}

void CheckLimits(const World& world, const std::set<LinkRound>& granted) {
  std::map<std::pair<uint32_t, uint32_t>, int> links;                        // round, k
  std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> transmitters;  // round, t
  for (const auto& [k, m, t, round] : granted) {
    ++links[{round, k}];
    transmitters[{round, t}].insert(k);
  }
  for (const auto& [where, n] : links) EXPECT_LE(n, world.limits.e_k);
  for (const auto& [where, of] : transmitters) {
    EXPECT_LE(static_cast<int>(of.size()), world.limits.e_t);
  }
}

TEST(DecideClaimsProperty, NeverExceedsALimitAndAccountsForEveryPair) {
  std::map<RefusalReason, int> seen;
  size_t granted_total = 0;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    const World world = RandomWorld(seed);
    const Decision decision = DecideClaims(world.limits, world.rounds, world.claims);
    const std::set<LinkRound> granted = CheckGranted(world, decision);
    CheckLimits(world, granted);
    int claimed = 0, refused = 0;
    for (const v1::Claim& claim : world.claims) {
      for (const v1::LinkRounds& link : claim.link()) claimed += link.round_size();
    }
    for (const auto& [reason, n] : decision.refused) {
      EXPECT_GT(n, 0);
      refused += n;
      seen[reason] += n;
    }
    EXPECT_EQ(claimed, static_cast<int>(granted.size()) + refused);
    granted_total += granted.size();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_EQ(seen.size(), 7u) << "the random claims must reach every reason";
  EXPECT_GT(granted_total, 5000u);
}

TEST(DecideClaimsProperty, DoesNotDependOnTheOrderInTheMessages) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    World world = RandomWorld(seed);
    const Decision before = DecideClaims(world.limits, world.rounds, world.claims);
    RandomStream stream(seed, Purpose::kFault);
    for (v1::Claim& claim : world.claims) Shuffle(stream, &claim);
    const Decision after = DecideClaims(world.limits, world.rounds, world.claims);
    EXPECT_EQ(Bytes(before), Bytes(after));
    EXPECT_EQ(before.refused, after.refused);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(DecideClaimsProperty, HonestClaimsAreGrantedWhole) {
  // Receivers ask at most E_t transmitters and transmitters trim to E_k: nothing is left to refuse.
  for (uint64_t seed = 0; seed < 500; ++seed) {
    World world = RandomWorld(seed);
    LinkLimits& limits = world.limits;
    const int transmitters = static_cast<int>(limits.modalities.size());
    limits.transmitter_up.assign(transmitters, true);
    limits.receiver_up.assign(limits.receivers, true);
    world.claims.assign(transmitters, {});
    RandomStream stream(seed, Purpose::kReceiverSelection);
    int claimed = 0;
    std::vector<std::vector<Link>> drawn(transmitters);
    for (int t = 0; t < limits.receivers; ++t) {
      for (int k : stream.Subset(transmitters, std::min(limits.e_t, transmitters))) {
        for (int m = 0; m < limits.modalities[k]; ++m) drawn[k].push_back({k, m, t});
      }
    }
    for (int k = 0; k < transmitters; ++k) {
      for (int i : TrimToLimit(static_cast<int>(drawn[k].size()), limits.e_k, stream)) {
        v1::LinkRounds* link = world.claims[k].add_link();
        link->set_transmitter(k);
        link->set_modality(drawn[k][i].m);
        link->set_task(drawn[k][i].t);
        link->add_round(0);
        ++claimed;
      }
    }
    const Decision decision = DecideClaims(limits, 1, world.claims);
    EXPECT_TRUE(decision.refused.empty());
    EXPECT_EQ(static_cast<int>(decision.granted.size()), claimed);
  }
}

TEST(DecideClaimsProperty, HugeNumbersCostNoMemory) {
  LinkLimits limits;
  limits.e_t = limits.e_k = INT32_MAX;
  limits.modalities = {INT32_MAX};
  limits.receivers = 1;
  limits.transmitter_up = {true};
  limits.receiver_up = {true};
  std::vector<v1::Claim> claims(1);
  v1::LinkRounds* link = claims[0].add_link();
  link->set_modality(INT32_MAX - 1);
  for (uint32_t round : {0u, uint32_t{INT32_MAX} - 1, UINT32_MAX}) link->add_round(round);
  const uint64_t before = PeakRssBytes();
  const Decision decision = DecideClaims(limits, INT32_MAX, claims);
  EXPECT_LT(PeakRssBytes() - before, uint64_t{16} << 20);
  ASSERT_EQ(decision.granted.size(), 1u);
  EXPECT_THAT(decision.granted[0].round(), ::testing::ElementsAre(0, INT32_MAX - 1));
  EXPECT_EQ(decision.refused, (std::map<RefusalReason, int>{{RefusalReason::kRound, 1}}));
}

}  // namespace
}  // namespace semlink
