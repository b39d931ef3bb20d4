#include "receiver/link_ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/method/tiny_scenario.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;

Scenario ThreeTransmitters() {
  Scenario s = TinyScenario();
  s.transmitters.push_back({{ModalityKind::kNoise}, "cpu"});
  s.method.name = "midib";
  s.limits.e_t = 2;
  return s;  // 2, 3 and 1 modalities
}

// Slots: 0 1 | 2 3 4 | 5.
void Settle(LinkRanking* ranking) {
  for (int window = 0; window < 300; ++window) {
    ranking->Measure(0, 1, 0.4);
    ranking->Measure(1, 0, -0.1);
    ranking->Measure(1, 2, 0.9);
    ranking->Measure(2, 0, 0.5);
    ranking->Step();
  }
}

TEST(LinkRankingTest, TheBestLinkOfATransmitterDecides) {
  LinkRanking ranking(ThreeTransmitters());
  Settle(&ranking);
  EXPECT_THAT(ranking.Transmitters({true, true, true}), ElementsAre(1, 2));
  EXPECT_THAT(ranking.Relevance(1),
              ElementsAre(testing::FloatNear(-0.1f, 1e-4f), std::numeric_limits<float>::lowest(),
                          testing::FloatNear(0.9f, 1e-4f)));
}

TEST(LinkRankingTest, OneThatCannotBeReachedMakesRoomForTheNext) {
  LinkRanking ranking(ThreeTransmitters());
  Settle(&ranking);
  EXPECT_THAT(ranking.Transmitters({true, false, true}), ElementsAre(2, 0));
  EXPECT_THAT(ranking.Transmitters({false, false, true}), ElementsAre(2));
  EXPECT_THAT(ranking.Transmitters({false, false, false}), ElementsAre());
}

TEST(LinkRankingTest, AFewMeasurementsAreTheirWeightedMean) {
  LinkRanking ranking(ThreeTransmitters());
  double sum = 0, weights = 0, nats = 0.7;
  for (int i = 0; i < 4; ++i) {
    ranking.Measure(0, 1, nats);
    ranking.Step();
    sum = 0.95 * sum + nats;
    weights = 0.95 * weights + 1;
    nats -= 0.5;
    EXPECT_NEAR(ranking.values()[1].item<float>(), sum / weights, 1e-6) << i;
  }
}

TEST(LinkRankingTest, AnUnmeasuredLinkComesAfterOneMeasuredNegative) {
  LinkRanking ranking(ThreeTransmitters());
  ranking.Measure(1, 0, -0.4);
  ranking.Measure(2, 0, -0.1);
  ranking.Step();
  EXPECT_THAT(ranking.Transmitters({true, true, true}), ElementsAre(2, 1));
}

TEST(LinkRankingTest, OnlyStepsCount) {
  LinkRanking ranking(ThreeTransmitters());
  ranking.Measure(0, 0, 1);
  EXPECT_EQ(ranking.values().abs().sum().item<float>(), 0);
  ranking.Discard();
  ranking.Step();
  EXPECT_EQ(ranking.values().abs().sum().item<float>(), 0);
  ranking.Measure(0, 0, 1);
  ranking.Step();
  EXPECT_EQ(ranking.values()[0].item<float>(), 1);
  // Before anything is known the first transmitters are taken.
  EXPECT_THAT(LinkRanking(ThreeTransmitters()).Transmitters({true, true, true}), ElementsAre(0, 1));
}

}  // namespace
}  // namespace semlink::receiver
