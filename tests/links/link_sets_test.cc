#include "common/links/link_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace semlink {
namespace {

using testing::HasSubstr;

SelectionSpace MakeSpace(int e_t, int e_k, std::vector<int> modalities, int receivers) {
  SelectionSpace space{e_t, e_k, std::move(modalities), {}};
  space.linked.assign(space.modalities.size(), std::vector<bool>(receivers, true));
  return space;
}

// From pom2dib eqs. 9 and 10; `everybody`: 1 <= |K_t|, too.
bool KeepsTheLimits(const SelectionSpace& space, const LinkSet& links, bool everybody) {
  std::map<int, int> served;
  std::map<int, std::set<int>> drawn;
  for (const Link& link : links) {
    if (!space.linked[link.k][link.t] || ++served[link.k] > space.e_k) return false;
    drawn[link.t].insert(link.k);
    if (static_cast<int>(drawn[link.t].size()) > space.e_t) return false;
  }
  return !everybody || drawn.size() == space.linked.front().size();
}

LinkSet AllLinks(const SelectionSpace& space) {
  LinkSet all;
  for (int k = 0; k < static_cast<int>(space.modalities.size()); ++k) {
    for (int m = 0; m < space.modalities[k]; ++m) {
      for (int t = 0; t < static_cast<int>(space.linked[k].size()); ++t) all.push_back({k, m, t});
    }
  }
  return all;
}

std::set<LinkSet> Subsets(const SelectionSpace& space) {
  const LinkSet all = AllLinks(space);
  std::set<LinkSet> subsets;
  for (uint32_t bits = 0; bits < (uint32_t{1} << all.size()); ++bits) {
    LinkSet links;
    for (size_t i = 0; i < all.size(); ++i) {
      if ((bits >> i) & 1) links.push_back(all[i]);
    }
    subsets.insert(links);
  }
  return subsets;
}

std::vector<SelectionSpace> Spaces() {
  SelectionSpace cut = MakeSpace(1, 2, {2, 1, 2}, 2);
  cut.linked[0] = {true, false};
  return {MakeSpace(1, 1, {1}, 1),       MakeSpace(1, 4, {3, 2}, 2),
          MakeSpace(2, 2, {2, 2}, 2),    cut,
          MakeSpace(2, 3, {1, 2, 1}, 3), MakeSpace(1, 1, {2}, 3)};
}

TEST(LinkSetsTest, TextAndBack) {
  const LinkSet links = {{0, 2, 0}, {1, 1, 0}, {11, 0, 3}};
  EXPECT_EQ(FormatLinks(links), "1.3->1,2.2->1,12.1->4");
  EXPECT_EQ(*ParseLinks("12.1->4, 1.3->1,2.2->1 "), links);  // sorted
  EXPECT_EQ(*ParseLinks(" "), LinkSet());
  EXPECT_EQ(FormatLinks({}), "");
}

TEST(LinkSetsTest, TextThatNamesNoLink) {
  for (const char* text :
       {"1", "1.1", "1->1", "1.1->0", "0.1->1", "1.1->1,", "1.1>1", "1.1->1->1", "1.1.1->1",
        "-1.1->1", "1.+1->1", "a.1->1", "1.1->99999999999999999999", "1.1 ->1", "1.1->1;2.1->1"}) {
    const auto links = ParseLinks(text);
    ASSERT_FALSE(links.ok()) << text;
    EXPECT_THAT(std::string(links.status().message()), HasSubstr("TRANSMITTER.MODALITY->RECEIVER"));
  }
  EXPECT_EQ(ParseLinks("1.1->1,2.1->1,1.1->1").status().message(), "1.1->1 is there twice");
}

TEST(LinkSetsTest, ListsExactlyTheFeasibleSets) {
  for (const SelectionSpace& space : Spaces()) {
    std::set<LinkSet> expected;
    for (const LinkSet& links : Subsets(space)) {
      const bool feasible = KeepsTheLimits(space, links, true);
      if (feasible) expected.insert(links);
      EXPECT_EQ(WhyInfeasible(space, links).empty(), KeepsTheLimits(space, links, false));
    }
    const std::vector<LinkSet> listed = FeasibleLinkSets(space, 10000).value();
    EXPECT_EQ(std::set<LinkSet>(listed.begin(), listed.end()), expected);
    EXPECT_EQ(listed.size(), expected.size());
    EXPECT_EQ(CountLinkSets(space), static_cast<double>(expected.size()));
    for (size_t i = 1; i < listed.size(); ++i) {
      EXPECT_LE(listed[i - 1].size(), listed[i].size());
    }
  }
}

TEST(LinkSetsTest, ThePapersSpaceIsCountedButNotListed) {
  const SelectionSpace space = MakeSpace(2, 4, {3, 3, 3}, 3);
  const double count = CountLinkSets(space);
  EXPECT_GT(count, 1e6);
  EXPECT_LT(count, 2000707);  // with those that leave a receiver out
  EXPECT_TRUE(absl::IsResourceExhausted(FeasibleLinkSets(space, 1000).status()));
  EXPECT_EQ(FeasibleLinkSets(MakeSpace(2, 2, {2, 2}, 2), 90)->size(), 90u);
  EXPECT_FALSE(FeasibleLinkSets(MakeSpace(2, 2, {2, 2}, 2), 89).ok());
}

TEST(LinkSetsTest, OneMoreLinkThatKeepsTheLimits) {
  for (const SelectionSpace& space : Spaces()) {
    for (const LinkSet& links : Subsets(space)) {
      if (!KeepsTheLimits(space, links, false)) continue;
      std::set<LinkSet> expected;
      for (const Link& link : AllLinks(space)) {
        std::set<Link> more(links.begin(), links.end());
        if (!more.insert(link).second) continue;
        const LinkSet set(more.begin(), more.end());
        if (KeepsTheLimits(space, set, false)) expected.insert(set);
      }
      const std::vector<LinkSet> larger = WithOneMore(space, links);
      EXPECT_EQ(std::set<LinkSet>(larger.begin(), larger.end()), expected);
      EXPECT_EQ(larger.size(), expected.size());
    }
  }
}

}  // namespace
}  // namespace semlink
