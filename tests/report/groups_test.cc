#include "report/groups.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupsTest : public ::testing::Test {
 protected:
  void Add(const std::string& name, const RunSpec& spec) {
    runs_.push_back(MustRead(folders_.Write(name, spec), name));
  }
  static RunSpec Spec(int seed, const std::string& method = "pom2dib",
                      std::map<std::string, std::string> values = {}) {
    RunSpec spec;
    spec.seed = seed;
    spec.method = method;
    spec.values = std::move(values);
    return spec;
  }

  RunFolders folders_;
  std::vector<RunData> runs_;
  std::vector<Problem> problems_;
};

TEST_F(GroupsTest, SeedsOfAScenarioAreOneGroup) {
  Add("b", Spec(2, "pom2dib", {{"root", "/elsewhere"}}));
  RunSpec named = Spec(1);
  named.name = "another-name";
  Add("a", named);
  const std::vector<Group> groups = GroupRuns(runs_, &problems_);
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_EQ(groups[0].label, "pom2dib");
  ASSERT_THAT(groups[0].runs, SizeIs(2));
  EXPECT_EQ(groups[0].runs[0]->name, "a");  // by seed
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(GroupsTest, LabelsSayWhatDiffersAndNoMore) {
  Add("a", Spec(1, "pom2dib", {{"beta", "0.001"}, {"gamma", "0"}}));
  Add("b", Spec(1, "pom2dib", {{"beta", "0.01"}, {"gamma", "0.1"}}));
  Add("c", Spec(1, "rsdib", {{"beta", "0.01"}}));
  const std::vector<Group> groups = GroupRuns(runs_, &problems_);
  ASSERT_THAT(groups, SizeIs(3));
  EXPECT_EQ(groups[0].label, "pom2dib, beta = 0.001");
  EXPECT_EQ(groups[1].label, "pom2dib, beta = 0.01");
  EXPECT_EQ(groups[2].label, "rsdib, beta = 0.01");
}

TEST_F(GroupsTest, AMethodsGroupsStayTogether) {
  Add("a", Spec(1, "pom2dib"));
  Add("b", Spec(1, "rsdib"));
  Add("c", Spec(1, "pom2dib", {{"beta", "1"}}));
  std::vector<std::string> methods;
  for (const Group& group : GroupRuns(runs_, &problems_)) methods.push_back(group.method());
  EXPECT_THAT(methods, ElementsAre("pom2dib", "pom2dib", "rsdib"));
}

// Twice the same run would halve the interval.
TEST_F(GroupsTest, ASeedCountsOnce) {
  RunSpec half = Spec(1);
  half.finished = false;
  Add("half", half);
  Add("whole", Spec(1));
  Add("copy", Spec(1));
  const std::vector<Group> groups = GroupRuns(runs_, &problems_);
  ASSERT_THAT(groups, SizeIs(1));
  ASSERT_THAT(groups[0].runs, SizeIs(1));
  EXPECT_EQ(groups[0].runs[0]->name, "whole");
  ASSERT_THAT(problems_, SizeIs(2));
  EXPECT_EQ(problems_[0].place, "half");
  EXPECT_EQ(problems_[1].place, "copy");
  EXPECT_THAT(problems_[1].what, HasSubstr("seed of whole"));
}

TEST_F(GroupsTest, UnfinishedRunsHaveNoResults) {
  RunSpec half = Spec(2);
  half.finished = false;
  Add("half", half);
  Add("whole", Spec(1));
  const std::vector<Group> groups = GroupRuns(runs_, &problems_);
  EXPECT_THAT(groups[0].runs, SizeIs(2));
  EXPECT_THAT(groups[0].finished, SizeIs(1));
}

}  // namespace
}  // namespace semlink::report
