#include "common/links/feasibility.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/base/statistics.h"

namespace semlink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(TrimToLimitTest, KeepsEverySubsetEquallyOften) {
  constexpr int kLinks = 6, kKept = 3, kTrials = 20000;
  std::map<std::vector<int>, int> counted;
  for (int i = 0; i < kTrials; ++i) {
    RandomStream stream(5, Purpose::kTrim, i);
    ++counted[TrimToLimit(kLinks, kKept, stream)];
  }
  ASSERT_THAT(counted, SizeIs(20));  // 6 choose 3
  std::vector<int> count;
  for (const auto& [subset, n] : counted) count.push_back(n);
  testing::ExpectFrequencies(std::vector<double>(20, 1.0 / 20), count);
}

TEST(TrimToLimitTest, KeepsTheOrderAndNeverExceedsTheLimit) {
  for (int links = 0; links < 9; ++links) {
    for (int e_k = 0; e_k < 9; ++e_k) {
      RandomStream stream(6, Purpose::kTrim, links, e_k);
      const std::vector<int> kept = TrimToLimit(links, e_k, stream);
      ASSERT_THAT(kept, SizeIs(std::min(links, e_k)));
      EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
      EXPECT_TRUE(std::adjacent_find(kept.begin(), kept.end()) == kept.end());
      for (int i : kept) EXPECT_TRUE(i >= 0 && i < links);
    }
  }
}

// Three transmitters with 2, 1 and 3 modalities, two receivers, all up.
LinkLimits Limits(int e_t, int e_k) {
  LinkLimits limits;
  limits.e_t = e_t;
  limits.e_k = e_k;
  limits.modalities = {2, 1, 3};
  limits.receivers = 2;
  limits.transmitter_up = {true, true, true};
  limits.receiver_up = {true, true};
  return limits;
}

void AddLink(v1::Claim* claim, uint32_t k, uint32_t m, uint32_t t,
             const std::vector<uint32_t>& rounds) {
  v1::LinkRounds* link = claim->add_link();
  link->set_transmitter(k);
  link->set_modality(m);
  link->set_task(t);
  for (uint32_t round : rounds) link->add_round(round);
}

std::vector<std::string> Text(const Decision& decision) {
  std::vector<std::string> text;
  for (const v1::LinkRounds& link : decision.granted) {
    std::string line = std::to_string(link.transmitter()) + "." + std::to_string(link.modality()) +
                       "->" + std::to_string(link.task()) + ":";
    for (uint32_t round : link.round()) line += " " + std::to_string(round);
    text.push_back(line);
  }
  return text;
}

TEST(DecideClaimsTest, GrantsWhatIsWithinTheLimitsSorted) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[2], 2, 2, 0, {1, 3});
  AddLink(&claims[2], 2, 0, 1, {0});
  AddLink(&claims[0], 0, 1, 1, {2});
  AddLink(&claims[0], 0, 0, 0, {0, 1, 3});
  const Decision decision = DecideClaims(Limits(2, 4), 4, claims);
  EXPECT_THAT(Text(decision),
              ElementsAre("0.0->0: 0 1 3", "0.1->1: 2", "2.0->1: 0", "2.2->0: 1 3"));
  EXPECT_THAT(decision.refused, IsEmpty());
}

TEST(DecideClaimsTest, NoClaimsGrantNothing) {
  EXPECT_THAT(DecideClaims(Limits(2, 4), 4, {}).granted, IsEmpty());
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {});
  const Decision decision = DecideClaims(Limits(2, 4), 4, claims);
  EXPECT_THAT(decision.granted, IsEmpty()) << "a link without a round is left out";
  EXPECT_THAT(decision.refused, IsEmpty());
}

TEST(DecideClaimsTest, RefusesUnknownLinks) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 3, 0, 0, {0, 1});  // no such transmitter
  AddLink(&claims[0], 0, 2, 0, {0});     // no such modality
  AddLink(&claims[0], 0, 0, 2, {0});     // no such receiver
  AddLink(&claims[0], UINT32_MAX, 0, 0, {0});
  AddLink(&claims[0], 0, UINT32_MAX, 0, {0});
  AddLink(&claims[0], 0, 0, UINT32_MAX, {0});
  const Decision decision = DecideClaims(Limits(2, 4), 4, claims);
  EXPECT_THAT(decision.granted, IsEmpty());
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kUnknownLink, 7)));
}

TEST(DecideClaimsTest, RefusesLinksOfAnotherTransmitter) {
  std::vector<v1::Claim> claims(4);  // the fourth comes from nobody in the scenario
  AddLink(&claims[0], 1, 0, 0, {0, 1});
  AddLink(&claims[1], 1, 0, 1, {0});
  AddLink(&claims[3], 0, 0, 0, {0});
  const Decision decision = DecideClaims(Limits(2, 4), 4, claims);
  EXPECT_THAT(Text(decision), ElementsAre("1.0->1: 0"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kForeign, 3)));
}

TEST(DecideClaimsTest, RefusesRoundsOutOfRangeRepeatedOrOutOfOrder) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {1, 1, 0, 2, 4, UINT32_MAX, 3});
  const Decision decision = DecideClaims(Limits(2, 4), 4, claims);
  EXPECT_THAT(Text(decision), ElementsAre("0.0->0: 1 2 3"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kRound, 4)));
}

TEST(DecideClaimsTest, RefusesTheSameLinkAndRoundTwice) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {0, 2});
  AddLink(&claims[0], 0, 0, 0, {1, 2, 3});
  AddLink(&claims[0], 0, 0, 0, {2});
  const Decision decision = DecideClaims(Limits(2, 1), 4, claims);
  EXPECT_THAT(Text(decision), ElementsAre("0.0->0: 0 1 2 3"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kDuplicate, 2)));
}

TEST(DecideClaimsTest, RefusesLinksWithAnEndThatIsDown) {
  LinkLimits limits = Limits(2, 4);
  limits.transmitter_up = {true, false, true};
  limits.receiver_up = {true, false};
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {0});
  AddLink(&claims[0], 0, 0, 1, {0, 1});
  AddLink(&claims[1], 1, 0, 0, {0});
  Decision decision = DecideClaims(limits, 4, claims);
  EXPECT_THAT(Text(decision), ElementsAre("0.0->0: 0"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kMemberDown, 3)));

  limits.transmitter_up.clear();  // a member that the view does not name is not up
  decision = DecideClaims(limits, 4, claims);
  EXPECT_THAT(decision.granted, IsEmpty());
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kMemberDown, 4)));
}

TEST(DecideClaimsTest, RefusesMoreThanTheTransmittersLimitInARound) {
  std::vector<v1::Claim> claims(3);
  for (uint32_t t : {1, 0}) {
    for (uint32_t m : {1, 0}) AddLink(&claims[0], 0, m, t, {0});
  }
  AddLink(&claims[2], 2, 0, 1, {0});
  AddLink(&claims[0], 0, 1, 1, {1});  // another round counts for itself
  const Decision decision = DecideClaims(Limits(2, 3), 2, claims);
  // Within a round and transmitter: task first, then modality.
  EXPECT_THAT(Text(decision),
              ElementsAre("0.0->0: 0", "0.0->1: 0", "0.1->0: 0", "0.1->1: 1", "2.0->1: 0"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kTransmitterLimit, 1)));
}

TEST(DecideClaimsTest, TheReceiversLimitCountsTransmittersNotLinks) {
  std::vector<v1::Claim> claims(3);
  for (uint32_t m : {0, 1}) AddLink(&claims[0], 0, m, 0, {0});
  AddLink(&claims[1], 1, 0, 0, {0, 1});
  for (uint32_t m : {0, 1, 2}) AddLink(&claims[2], 2, m, 0, {0, 1});
  const Decision decision = DecideClaims(Limits(2, 4), 2, claims);
  EXPECT_THAT(Text(decision), ElementsAre("0.0->0: 0", "0.1->0: 0", "1.0->0: 0 1", "2.0->0: 1",
                                          "2.1->0: 1", "2.2->0: 1"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kReceiverLimit, 3)));
}

TEST(DecideClaimsTest, ARefusedLinkUsesUpNoLimit) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {0});
  AddLink(&claims[1], 1, 0, 0, {0});  // over E_t = 1 for receiver 0
  AddLink(&claims[1], 1, 0, 1, {0});  // must not suffer from it under E_k = 1
  const Decision decision = DecideClaims(Limits(1, 1), 1, claims);
  EXPECT_THAT(Text(decision), ElementsAre("0.0->0: 0", "1.0->1: 0"));
  EXPECT_THAT(decision.refused, ElementsAre(Pair(RefusalReason::kReceiverLimit, 1)));
}

TEST(DecideClaimsTest, LimitsOfZeroGrantNothing) {
  std::vector<v1::Claim> claims(3);
  AddLink(&claims[0], 0, 0, 0, {0});
  EXPECT_THAT(DecideClaims(Limits(0, 4), 1, claims).refused,
              ElementsAre(Pair(RefusalReason::kReceiverLimit, 1)));
  EXPECT_THAT(DecideClaims(Limits(2, 0), 1, claims).refused,
              ElementsAre(Pair(RefusalReason::kTransmitterLimit, 1)));
  EXPECT_THAT(DecideClaims(Limits(2, 4), 0, claims).refused,
              ElementsAre(Pair(RefusalReason::kRound, 1)));
}

TEST(RefusalReasonTest, NamesAreDistinct) {
  std::map<std::string, int> names;
  for (auto reason : {RefusalReason::kUnknownLink, RefusalReason::kRound, RefusalReason::kForeign,
                      RefusalReason::kDuplicate, RefusalReason::kMemberDown,
                      RefusalReason::kTransmitterLimit, RefusalReason::kReceiverLimit}) {
    ++names[Name(reason)];
  }
  EXPECT_THAT(names, SizeIs(7));
  EXPECT_EQ(names.count("unknown"), 0u);
}

}  // namespace
}  // namespace semlink
