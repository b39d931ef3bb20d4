#include "transmitter/link_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <set>

#include "common/method/embedding.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::transmitter {
namespace {

using Requests = std::vector<std::vector<uint32_t>>;
constexpr int kK = 1;  // three modalities

// Rows of the selector and what it draws for them, from the definition.
struct DirectDraws {
  std::vector<std::pair<int, uint32_t>> of;  // (t, round) of each row
  at::Tensor input;
  std::vector<policy::Draw> draws;
};

DirectDraws Direct(const Scenario& s, LinkSelection* selection, const method::WindowPlan& plan,
                   const Requests& requests) {
  DirectDraws direct;
  std::vector<at::Tensor> rows;
  std::vector<RandomStream> streams;
  const at::Tensor tasks = method::TaskEmbeddings(s);
  for (int t = 0; t < s.T(); ++t) {
    for (uint32_t r : requests[t]) {
      direct.of.emplace_back(t, r);
      rows.push_back(at::cat({plan.u[r], tasks[t]}));
      streams.emplace_back(plan.seed, Purpose::kTransmitterSelection, plan.window, r,
                           (uint64_t{kK} << 16) | static_cast<uint64_t>(t));
    }
  }
  direct.input = at::stack(rows);
  const at::Tensor logits = selection->selector().network().Forward(direct.input).detach();
  direct.draws = policy::Sample(logits, s.M(kK), streams);
  return direct;
}

class LinkSelectionTest : public ::testing::Test {
 protected:
  method::WindowPlan Train(uint64_t window) const {
    return Plan(scenario_, OpenTrain(scenario_, window));
  }
  Scenario scenario_ = TinyScenario();
};

TEST_F(LinkSelectionTest, NoRoundHasMoreThanItsLimitNorALinkThatWasNotAskedFor) {
  for (int e_k = 1; e_k <= 6; ++e_k) {
    scenario_.limits.e_k = e_k;
    LinkSelection selection(scenario_, kK);
    int trimmed = 0;
    for (uint64_t window = 0; window < 30; ++window) {
      const method::WindowPlan plan = Train(window);
      const Requests requests = {{0, 1, 3}, {1, 2, 3}};
      const auto links = selection.Draw(plan, requests);
      std::vector<int> served(5, 0);
      double drawn = 0;
      for (size_t i = 0; i < links.size(); ++i) {
        ASSERT_FALSE(links[i].rounds.empty());
        if (i > 0) {
          ASSERT_LT(std::make_pair(links[i - 1].m, links[i - 1].t),
                    std::make_pair(links[i].m, links[i].t));
        }
        for (uint32_t r : links[i].rounds) {
          ++served[r];
          ASSERT_TRUE(std::count(requests[links[i].t].begin(), requests[links[i].t].end(), r));
        }
      }
      for (int n : served) {
        ASSERT_LE(n, e_k);
        drawn -= n;
      }
      for (int m = 0; m < 3; ++m) {
        for (int t = 0; t < 2; ++t) drawn += 5 * selection.DrawnShare(m, t);
      }
      ASSERT_GT(drawn, -1e-9);  // what is served was drawn
      trimmed += drawn > 0.5;
    }
    EXPECT_EQ(trimmed > 0, e_k < 6) << "E_k = " << e_k;
  }
}

TEST_F(LinkSelectionTest, DrawsComeFromTheSelectorAndTheStreamOfTheRound) {
  scenario_.limits.e_k = 6;  // no trim
  LinkSelection selection(scenario_, kK);
  const Requests requests = {{0, 2, 4}, {2}};
  const method::WindowPlan plan = Train(3);
  std::set<std::tuple<int, int, uint32_t>> got, expected;
  for (const ActiveLink& link : selection.Draw(plan, requests)) {
    for (uint32_t r : link.rounds) got.insert({link.m, link.t, r});
  }
  const DirectDraws direct = Direct(scenario_, &selection, plan, requests);
  std::vector<std::vector<int>> count(3, std::vector<int>(2, 0));
  for (size_t i = 0; i < direct.draws.size(); ++i) {
    for (int m : direct.draws[i].order) {
      expected.insert({m, direct.of[i].first, direct.of[i].second});
      ++count[m][direct.of[i].first];
    }
  }
  EXPECT_EQ(got, expected);
  for (int m = 0; m < 3; ++m) {
    for (int t = 0; t < 2; ++t) EXPECT_DOUBLE_EQ(selection.DrawnShare(m, t), count[m][t] / 5.0);
  }
}

TEST_F(LinkSelectionTest, AWindowIsDrawnAgainAlike) {
  LinkSelection selection(scenario_, kK);
  const Requests requests = {AllRounds(5), AllRounds(5)};
  const auto first = selection.Draw(Train(3), requests);
  selection.Draw(Train(4), requests);
  selection.Discard();
  EXPECT_TRUE(first == selection.Draw(Train(3), requests));
}

TEST_F(LinkSelectionTest, LinksOfASessionAreFixed) {
  scenario_.limits.e_k = 1;  // the trim counts
  LinkSelection selection(scenario_, kK);
  std::set<std::vector<std::pair<int, int>>> seen;
  for (uint32_t draw = 0; draw < 24; ++draw) {
    std::vector<std::pair<int, int>> of_session;
    for (const v1::OpenWindow& open :
         {OpenEvaluate(scenario_, 8, 0, 12, draw), OpenEvaluate(scenario_, 9, 12, 11, draw),
          OpenInfer(scenario_, 10, draw)}) {
      const Requests requests(2, AllRounds(open.rounds()));
      std::vector<std::pair<int, int>> links;
      for (const ActiveLink& link : selection.Draw(Plan(scenario_, open), requests)) {
        EXPECT_EQ(link.rounds, AllRounds(open.rounds()));
        links.emplace_back(link.m, link.t);
      }
      EXPECT_EQ(links.size(), 1u);
      if (of_session.empty()) of_session = links;
      EXPECT_EQ(links, of_session);
    }
    seen.insert(of_session);
  }
  EXPECT_GT(seen.size(), 1u);  // another session, other links
}

TEST_F(LinkSelectionTest, NoRequestMeansNoLinkAndNoStep) {
  LinkSelection selection(scenario_, kK), fresh(scenario_, kK);
  EXPECT_TRUE(selection.Draw(Train(0), {{}, {}}).empty());
  selection.Accumulate({{}, {}}, 0.1);
  EXPECT_EQ(selection.LogLikelihood(), std::vector<double>(2, 0.0));
  selection.Step();
  EXPECT_EQ(selection.DrawnShare(0, 0), 0);
  EXPECT_TRUE(
      Same(selection.selector().network().parameters(), fresh.selector().network().parameters()));
}

TEST_F(LinkSelectionTest, ShareIsZeroBeforeTheFirstDraw) {
  EXPECT_EQ(LinkSelection(scenario_, kK).DrawnShare(2, 1), 0);
}

// What policy.credit makes a draw answer for, and which draws are left out.
TEST_F(LinkSelectionTest, GradientFollowsTheCredit) {
  const Requests requests = {{0, 2, 4}, {2, 3}};
  struct Case {
    Credit credit;
    std::vector<std::map<uint32_t, float>> advantage;
    // Rows in the order of the draws: task 1 in rounds 0, 2, 4, task 2 in rounds 2, 3.
    std::vector<float> weight, counted;
  };
  const std::map<uint32_t, float> first = {{0, 0.5f}, {2, -1}, {4, 2}},
                                  second = {{2, 4}, {3, -.25}};
  const std::vector<Case> cases = {
      {Credit::kOwn, {first, second}, {0.5f, -1, 2, 4, -0.25f}, {1, 1, 1, 1, 1}},
      // Both asked in round 2, so there they share -1 + 4.
      {Credit::kShared, {first, second}, {0.5f, 3, 2, 3, -0.25f}, {1, 1, 1, 1, 1}},
      // No gradients of receiver 1 for round 2, and none at all.
      {Credit::kOwn, {{{0, 0.5f}, {4, 2}}, second}, {0.5f, 0, 2, 4, -0.25f}, {1, 0, 1, 1, 1}},
      {Credit::kShared, {{{0, 0.5f}, {4, 2}}, second}, {0.5f, 0, 2, 4, -0.25f}, {1, 0, 1, 1, 1}},
      {Credit::kShared, {{}, second}, {0, 0, 0, 4, -0.25f}, {0, 0, 0, 1, 1}}};
  for (const auto& [credit, advantage, w, counted] : cases) {
    scenario_.policy.credit = credit;
    LinkSelection selection(scenario_, kK), direct(scenario_, kK);
    const method::WindowPlan plan = Train(1);
    selection.Draw(plan, requests);
    selection.Accumulate(advantage, 0.2);

    const DirectDraws drawn = Direct(scenario_, &direct, plan, requests);
    const at::Tensor logits = direct.selector().network().Forward(drawn.input);
    const at::Tensor log_p = policy::LogProbability(logits, 3, drawn.draws);
    const at::Tensor entropy = policy::Entropy(logits, 3);
    at::Tensor objective = at::zeros({});
    for (size_t i = 0; i < w.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      objective = objective + w[i] * log_p[row] - 0.2 * counted[i] * entropy[row];
    }
    torch::autograd::backward({objective}, {});
    std::vector<double> likelihood(2, 0.0);  // by task, over the 5 rounds of the window
    for (size_t i = 0; i < w.size(); ++i) {
      likelihood[drawn.of[i].first] += w[i] * log_p[static_cast<int64_t>(i)].item<double>() / 5;
    }
    ASSERT_EQ(selection.LogLikelihood().size(), 2u);
    for (int t = 0; t < 2; ++t) {
      EXPECT_NEAR(selection.LogLikelihood()[t], likelihood[t], 1e-5);
      EXPECT_NE(likelihood[1], 0);
    }
    const at::Tensor expected = direct.selector().network().parameters().grad();
    EXPECT_LT(Difference(selection.selector().network().parameters().grad(), expected), 1e-5);
    EXPECT_GT(expected.abs().max().item<double>(), 0.01);
  }
}

}  // namespace
}  // namespace semlink::transmitter
