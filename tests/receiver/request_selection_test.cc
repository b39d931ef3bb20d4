#include "receiver/request_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/method/tiny_scenario.h"

namespace semlink::receiver {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr int kT = 1;

Scenario FourTransmitters(int e_t) {
  Scenario s = TinyScenario();
  s.transmitters = {{{ModalityKind::kNoise}, "cpu"},
                    {{ModalityKind::kNoise}, "cpu"},
                    {{ModalityKind::kImageFft}, "cpu"},
                    {{ModalityKind::kNoise}, "cpu"}};
  s.limits.e_t = e_t;
  return s;
}

std::vector<int> AskedPerRound(const std::vector<std::vector<uint32_t>>& requests, int rounds) {
  std::vector<int> asked(rounds, 0);
  for (const auto& of_transmitter : requests) {
    for (size_t i = 0; i < of_transmitter.size(); ++i) {
      EXPECT_TRUE(i == 0 || of_transmitter[i] > of_transmitter[i - 1]);
      ++asked[of_transmitter[i]];
    }
  }
  return asked;
}

TEST(RequestSelectionTest, NeverMoreThanItsLimitAndAtLeastOne) {
  for (int e_t = 1; e_t <= 4; ++e_t) {
    const Scenario s = FourTransmitters(e_t);
    RequestSelection selection(s, kT);
    std::set<int> seen;
    for (uint64_t window = 0; window < 20; ++window) {
      const auto requests = selection.Draw(Plan(s, OpenTrain(s, window)));
      ASSERT_EQ(requests.size(), 4u);
      for (int n : AskedPerRound(requests, 5)) {
        EXPECT_GE(n, 1);
        EXPECT_LE(n, e_t);
        seen.insert(n);
      }
    }
    EXPECT_EQ(static_cast<int>(seen.size()), e_t);
  }
}

TEST(RequestSelectionTest, NeverOneThatIsDown) {
  const Scenario s = FourTransmitters(3);
  RequestSelection selection(s, kT);
  for (uint32_t i = 0; i < 20; ++i) {
    for (v1::OpenWindow open :
         {OpenTrain(s, i), OpenEvaluate(s, i, 0, 11, i), OpenInfer(s, i, i)}) {
      open.set_transmitter_up(0, false);
      open.set_transmitter_up(2, false);
      const auto requests = selection.Draw(Plan(s, open));
      EXPECT_TRUE(requests[0].empty());
      EXPECT_TRUE(requests[2].empty());
      for (int n : AskedPerRound(requests, static_cast<int>(open.rounds()))) EXPECT_GE(n, 1);
    }
  }
}

TEST(RequestSelectionTest, ASessionAsksTheSameInEveryRound) {
  const Scenario s = FourTransmitters(2);
  RequestSelection selection(s, kT);
  std::set<std::vector<bool>> sessions;
  for (uint32_t draw = 0; draw < 16; ++draw) {
    std::vector<bool> asked;
    for (const auto& of_transmitter : selection.Draw(Plan(s, OpenEvaluate(s, 3, 0, 11, draw)))) {
      asked.push_back(!of_transmitter.empty());
      EXPECT_EQ(of_transmitter, AllRounds(asked.back() ? 3 : 0));
    }
    const auto infer = selection.Draw(Plan(s, OpenInfer(s, 9, draw)));
    for (size_t k = 0; k < 4; ++k) EXPECT_EQ(asked[k], !infer[k].empty());
    sessions.insert(asked);
  }
  EXPECT_GT(sessions.size(), 1u);
}

TEST(RequestSelectionTest, AWindowIsDrawnAgainAlikeAndReceiversDiffer) {
  const Scenario s = FourTransmitters(2);
  RequestSelection selection(s, kT), other(s, 0);
  const auto first = selection.Draw(Plan(s, OpenTrain(s, 3)));
  selection.Draw(Plan(s, OpenTrain(s, 4)));
  EXPECT_EQ(first, selection.Draw(Plan(s, OpenTrain(s, 3))));
  EXPECT_NE(first, other.Draw(Plan(s, OpenTrain(s, 3))));
}

TEST(RequestSelectionTest, ConstantBaselineIsTheScenarios) {
  Scenario s = TinyScenario();
  s.policy.baseline = Baseline::kConstant;
  RequestSelection selection(s, kT);
  EXPECT_THAT(selection.Advantage({2.6f, 1.1f}, {true, true}),
              ElementsAre(FloatNear(0.5, 1e-6), FloatNear(-1, 1e-6)));
  selection.Step();
  EXPECT_THAT(selection.Advantage({2.1f}, {true}), ElementsAre(FloatNear(0, 1e-6)));
}

TEST(RequestSelectionTest, RunningMeanFollowsCommittedWindows) {
  Scenario s = TinyScenario();
  s.policy.baseline = Baseline::kRunningMean;
  s.policy.running_mean_rate = 0.25;
  RequestSelection selection(s, kT);
  // Without a round that counts there is nothing to follow.
  EXPECT_THAT(selection.Advantage({50}, {false}), ElementsAre(0));
  selection.Step();
  EXPECT_FALSE(selection.baseline().has_value());
  // The first window is its own baseline.
  EXPECT_THAT(selection.Advantage({3, 90, 1}, {true, false, true}), ElementsAre(1, 0, -1));
  selection.Step();
  EXPECT_THAT(selection.Advantage({8, 4}, {true, true}), ElementsAre(6, 2));  // b = 2
  selection.Discard();                                                        // aborted: b stays
  EXPECT_THAT(selection.Advantage({7, 5, 90}, {true, true, false}), ElementsAre(5, 3, 0));
  selection.Step();
  EXPECT_THAT(selection.Advantage({50}, {false}), ElementsAre(0));
  selection.Step();
  // 2 + (6 - 2) / 4
  EXPECT_THAT(selection.Advantage({0}, {true}), ElementsAre(FloatNear(-3, 1e-6)));
}

TEST(RequestSelectionTest, RoundsThatAskedALostTransmitterDoNotCount) {
  const Scenario s = FourTransmitters(2);
  RequestSelection selection(s, kT);
  const auto requests = selection.Draw(Plan(s, OpenTrain(s, 3)));
  EXPECT_THAT(selection.Counted({false, false, false, false}), ElementsAre(1, 1, 1, 1, 1));
  for (size_t k = 0; k < 4; ++k) {
    std::vector<bool> lost(4), expected(5, true);
    lost[k] = true;
    for (uint32_t r : requests[k]) expected[r] = false;
    EXPECT_EQ(selection.Counted(lost), expected);
  }
  // With nobody in reach nothing is drawn.
  v1::OpenWindow open = OpenTrain(s, 3);
  for (int k = 0; k < 4; ++k) open.set_transmitter_up(k, false);
  selection.Draw(Plan(s, open));
  EXPECT_THAT(selection.Counted({false, false, false, false}), ElementsAre(0, 0, 0, 0, 0));
}

}  // namespace
}  // namespace semlink::receiver
