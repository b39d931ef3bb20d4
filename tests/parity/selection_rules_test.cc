// Both ends of every pair, each by the method's rule: what receivers ask for and transmitters serve
// is one selection, and keeps the limits that the method keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/method/shared_selection.h"
#include "common/scenario/method_table.h"
#include "receiver/request_selection.h"
#include "tests/method/tiny_scenario.h"
#include "transmitter/link_selection.h"

namespace semlink {
namespace {

using Rounds = std::vector<std::vector<Link>>;

// All receivers and transmitters of a scenario.
class Nodes {
 public:
  explicit Nodes(const Scenario& scenario) : scenario_(scenario) {
    for (int t = 0; t < scenario.T(); ++t) receivers.emplace_back(scenario, t);
    for (int k = 0; k < scenario.K(); ++k) transmitters.emplace_back(scenario, k);
  }

  Rounds Draw(const v1::OpenWindow& open) {
    const method::WindowPlan plan = Plan(scenario_, open);
    std::vector<std::vector<std::vector<uint32_t>>> requests;  // [t][k]
    for (receiver::RequestSelection& receiver : receivers) requests.push_back(receiver.Draw(plan));
    Rounds rounds(plan.rounds.size());
    for (int k = 0; k < scenario_.K(); ++k) {
      std::vector<std::vector<uint32_t>> asked;
      std::vector<std::vector<float>> relevance;
      for (int t = 0; t < scenario_.T(); ++t) {
        asked.push_back(requests[t][k]);
        relevance.push_back(receivers[t].Relevance(plan, k));
      }
      for (const transmitter::ActiveLink& link : transmitters[k].Draw(plan, asked, relevance)) {
        for (uint32_t r : link.rounds) rounds[r].push_back({k, link.m, link.t});
      }
    }
    for (std::vector<Link>& links : rounds) std::sort(links.begin(), links.end());
    return rounds;
  }

  // The mean of many measurements of `nats`.
  void Measure(int t, int k, int m, double nats) {
    for (int i = 0; i < 300; ++i) {
      receivers[t].ranking().Measure(k, m, nats);
      receivers[t].ranking().Step();
    }
  }

  std::vector<receiver::RequestSelection> receivers;
  std::vector<transmitter::LinkSelection> transmitters;

 private:
  Scenario scenario_;
};

Scenario Of(const char* method) {
  Scenario s = TinyScenario();  // 2 and 3 modalities, two receivers; E_t = 2, E_k = 3
  s.transmitters.push_back({{ModalityKind::kImageFft, ModalityKind::kNoise}, "cpu"});
  ApplyMethod(*FindMethod(method), &s);
  return s;
}

v1::OpenWindow Late(const Scenario& s, uint64_t window) {
  v1::OpenWindow open = OpenTrain(s, window);
  open.set_training_progress(0.8);
  return open;
}

void ExpectWithinLimits(const Scenario& s, const Rounds& rounds) {
  const LimitOptions limits = LimitsInForce(s);
  for (const std::vector<Link>& links : rounds) {
    std::map<int, int> served;
    std::map<int, std::set<int>> drawn;
    for (const Link& link : links) {
      EXPECT_LE(++served[link.k], limits.e_k);
      drawn[link.t].insert(link.k);
      EXPECT_LE(static_cast<int>(drawn[link.t].size()), limits.e_t);
    }
  }
}

TEST(SelectionRulesTest, EveryMethodKeepsItsLimits) {
  for (const MethodRow& row : Methods()) {
    SCOPED_TRACE(row.name);
    const Scenario s = Of(row.name);
    Nodes nodes(s);
    for (uint64_t window = 0; window < 10; ++window) {
      ExpectWithinLimits(s, nodes.Draw(OpenTrain(s, window)));
      ExpectWithinLimits(s, nodes.Draw(Late(s, window)));
      ExpectWithinLimits(s, nodes.Draw(OpenEvaluate(s, window, 0, 11, window)));
      ExpectWithinLimits(s, nodes.Draw(OpenInfer(s, window, window)));
    }
  }
}

TEST(SelectionRulesTest, OnlyThePolicyHasSelectors) {
  for (const MethodRow& row : Methods()) {
    Nodes nodes(Of(row.name));
    const bool policy = row.selection == SelectionRule::kPolicy;
    EXPECT_EQ(nodes.receivers[0].has_selector(), policy) << row.name;
    EXPECT_EQ(nodes.transmitters[0].has_selector(), policy) << row.name;
  }
}

TEST(SelectionRulesTest, BothEndsFollowTheSharedSelection) {
  for (const char* method : {"rsdib", "rsdib_once", "fixed", "vddib", "dlsc"}) {
    SCOPED_TRACE(method);
    Scenario s = Of(method);
    s.method.links = {{0, 0, 1}, {1, 0, 0}, {1, 2, 0}, {2, 1, 1}};
    Nodes nodes(s);
    for (uint32_t i = 0; i < 8; ++i) {
      v1::OpenWindow broken = OpenTrain(s, i);
      broken.set_transmitter_up(1, false);
      for (const v1::OpenWindow& open :
           {OpenTrain(s, i), broken, OpenEvaluate(s, i, 0, 11, i), OpenInfer(s, i, i)}) {
        const method::WindowPlan plan = Plan(s, open);
        EXPECT_EQ(nodes.Draw(open), method::SharedSelection(s).Draw(plan, MethodOf(s).selection));
      }
    }
  }
}

TEST(SelectionRulesTest, FullParticipationIgnoresTheLimits) {
  Scenario s = Of("vddib");
  s.limits = {1, 1};
  for (const std::vector<Link>& links : Nodes(s).Draw(OpenTrain(s, 3))) {
    EXPECT_EQ(links.size(), static_cast<size_t>(s.J() * s.T()));
  }
}

TEST(SelectionRulesTest, RankedTakesTheBestUnderTheLimits) {
  const Scenario s = Of("midib");
  Nodes nodes(s);
  // Receiver 1 values transmitters 2 and 3, receiver 2 all of transmitter 2 and one of 1.
  nodes.Measure(0, 1, 0, 0.9);
  nodes.Measure(0, 1, 2, 0.1);
  nodes.Measure(0, 2, 0, 0.5);
  nodes.Measure(0, 0, 1, 0.2);
  nodes.Measure(1, 0, 1, 0.7);
  nodes.Measure(1, 1, 0, 0.8);
  nodes.Measure(1, 1, 1, 0.6);
  // Transmitter 2 has six candidates and keeps three.
  const std::vector<Link> expected = {{0, 0, 1}, {0, 1, 1}, {1, 0, 0}, {1, 0, 1},
                                      {1, 1, 1}, {2, 0, 0}, {2, 1, 0}};
  for (const v1::OpenWindow& open :
       {Late(s, 2), OpenEvaluate(s, 9, 0, 11, 1), OpenInfer(s, 9, 1)}) {
    for (const std::vector<Link>& links : nodes.Draw(open)) EXPECT_EQ(links, expected);
  }
  // While it measures it draws at random.
  const v1::OpenWindow early = OpenTrain(s, 2);
  EXPECT_EQ(nodes.Draw(early),
            method::SharedSelection(s).Draw(Plan(s, early), SelectionRule::kRandom));
}

TEST(SelectionRulesTest, PublishedRankingKeepsAllModalitiesOfTheBestTransmitters) {
  Scenario s = Of("midib_published");
  s.limits.e_t = 1;
  Nodes nodes(s);
  nodes.Measure(0, 1, 2, 0.4);
  nodes.Measure(1, 1, 0, 0.4);
  const std::vector<Link> expected = {{1, 0, 0}, {1, 0, 1}, {1, 1, 0},
                                      {1, 1, 1}, {1, 2, 0}, {1, 2, 1}};
  EXPECT_EQ(nodes.Draw(Late(s, 1)).front(), expected);
}

TEST(SelectionRulesTest, ALostTransmitterMakesRoomForTheNextBest) {
  Scenario s = Of("midib");
  s.limits.e_t = 1;
  Nodes nodes(s);
  nodes.Measure(0, 1, 2, 0.4);
  nodes.Measure(0, 2, 0, 0.3);
  v1::OpenWindow open = Late(s, 1);
  open.set_transmitter_up(1, false);
  open.set_receiver_up(1, false);
  EXPECT_EQ(nodes.Draw(open).front(), (std::vector<Link>{{2, 0, 0}, {2, 1, 0}}));
}

}  // namespace
}  // namespace semlink
