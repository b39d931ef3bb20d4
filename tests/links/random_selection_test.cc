#include "common/links/random_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/base/statistics.h"

namespace semlink {
namespace {

SelectionSpace Space(int e_t, int e_k, std::vector<int> modalities, int receivers) {
  SelectionSpace space{e_t, e_k, std::move(modalities), {}};
  space.linked.assign(space.modalities.size(), std::vector<bool>(receivers, true));
  return space;
}

std::vector<Link> AllLinks(const SelectionSpace& space) {
  std::vector<Link> links;
  for (int k = 0; k < static_cast<int>(space.modalities.size()); ++k) {
    for (int m = 0; m < space.modalities[k]; ++m) {
      for (int t = 0; t < static_cast<int>(space.linked[k].size()); ++t) links.push_back({k, m, t});
    }
  }
  return links;
}

// From the definition.
bool Feasible(const SelectionSpace& space, const std::vector<Link>& links) {
  std::map<int, int> served;
  std::map<int, std::set<int>> drawn;
  for (const Link& link : links) {
    if (!space.linked[link.k][link.t]) return false;
    if (++served[link.k] > space.e_k) return false;
    drawn[link.t].insert(link.k);
    if (static_cast<int>(drawn[link.t].size()) > space.e_t) return false;
  }
  return true;
}

std::vector<std::vector<Link>> Enumerate(const SelectionSpace& space) {
  const std::vector<Link> all = AllLinks(space);
  std::vector<std::vector<Link>> feasible;
  for (uint32_t set = 0; set < (uint32_t{1} << all.size()); ++set) {
    std::vector<Link> links;
    for (size_t i = 0; i < all.size(); ++i) {
      if ((set >> i) & 1) links.push_back(all[i]);
    }
    if (Feasible(space, links)) feasible.push_back(links);
  }
  return feasible;
}

TEST(RandomSelectionTest, CountsAllFeasibleSelections) {
  SelectionSpace cut = Space(1, 2, {2, 1, 2}, 3);
  cut.linked[0] = {true, false, true};
  cut.linked[2] = {false, false, false};
  for (const SelectionSpace& space :
       {Space(1, 1, {1}, 1), Space(1, 4, {3, 2}, 2), Space(2, 3, {2, 3}, 2),
        Space(2, 2, {1, 2, 3}, 2), Space(2, 100, {2, 2, 1}, 3), cut}) {
    EXPECT_EQ(FeasibleSelections(space).count(), static_cast<double>(Enumerate(space).size()));
  }
}

TEST(RandomSelectionTest, EveryFeasibleSelectionIsDrawnEquallyOften) {
  SelectionSpace cut = Space(1, 2, {2, 2, 1}, 2);
  cut.linked[1] = {true, false};
  for (const SelectionSpace& space : {Space(1, 2, {2, 2}, 2), Space(2, 3, {1, 2}, 2), cut}) {
    const std::vector<std::vector<Link>> feasible = Enumerate(space);
    std::map<std::vector<Link>, int> counted;
    for (const std::vector<Link>& links : feasible) counted[links] = 0;
    const FeasibleSelections selections(space);
    for (int i = 0; i < 20000; ++i) {
      RandomStream stream(5, Purpose::kLinkSelection, i);
      const std::vector<Link> drawn = selections.Draw(stream);
      ASSERT_TRUE(Feasible(space, drawn));
      ++counted[drawn];
    }
    std::vector<int> count;
    for (const auto& [links, n] : counted) count.push_back(n);
    testing::ExpectFrequencies(std::vector<double>(feasible.size(), 1.0 / feasible.size()), count);
  }
}

TEST(RandomSelectionTest, ThePapersSpaceIsKeptToItsLimits) {
  const SelectionSpace space = Space(2, 4, {3, 3, 3}, 3);
  const FeasibleSelections selections(space);
  std::set<std::vector<Link>> seen;
  double links = 0;
  for (int i = 0; i < 500; ++i) {
    RandomStream stream(1, Purpose::kLinkSelection, i);
    const std::vector<Link> drawn = selections.Draw(stream);
    ASSERT_TRUE(Feasible(space, drawn));
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    links += static_cast<double>(drawn.size()) / 500;
    seen.insert(drawn);
  }
  EXPECT_GT(seen.size(), 490u);
  // Counted apart from the class, by summing over which receivers each transmitter serves.
  EXPECT_EQ(selections.count(), 2000707);
  EXPECT_NEAR(links, 8.2057, 0.2);
}

TEST(RandomSelectionTest, ADrawDependsOnItsStreamAlone) {
  const FeasibleSelections one(Space(2, 4, {3, 2}, 3)), other(Space(2, 4, {3, 2}, 3));
  for (int i = 0; i < 50; ++i) {
    RandomStream a(9, Purpose::kLinkSelection, i), b(9, Purpose::kLinkSelection, i);
    EXPECT_EQ(one.Draw(a), other.Draw(b));
  }
}

TEST(RandomSelectionTest, NobodyReachableMeansNoLinks) {
  SelectionSpace space = Space(2, 4, {3, 2}, 2);
  space.linked = {{false, false}, {false, false}};
  const FeasibleSelections selections(space);
  RandomStream stream(1, Purpose::kLinkSelection);
  EXPECT_EQ(selections.count(), 1);
  EXPECT_TRUE(selections.Draw(stream).empty());
}

TEST(RandomSelectionTest, TheCostIsKnownBefore) {
  EXPECT_EQ(CountingCost(2, 3, 3), 3 * 216);
  EXPECT_GT(CountingCost(2, 3, 10), kMostCountingCost);
}

}  // namespace
}  // namespace semlink
