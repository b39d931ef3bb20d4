#include "common/scenario/mistakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink {
namespace {

TEST(EditDistanceTest, CountsLetters) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("windows", "window"), 1);
  EXPECT_EQ(EditDistance("wnidows", "windows"), 1);  // swapped neighbours
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(NearestTest, FindsTheNearOneOnly) {
  const std::vector<std::string> keys = {"windows", "beta", "e_t", "e_k"};
  EXPECT_EQ(Nearest("window", keys), "windows");
  EXPECT_EQ(Nearest("betta", keys), "beta");
  EXPECT_EQ(Nearest("et", keys), "e_t");
  EXPECT_EQ(Nearest("temperature", keys), "");
  EXPECT_EQ(Nearest(std::string(10000, 'w'), keys), "");
}

TEST(MistakesTest, ListsAllAndLimitsTheList) {
  Mistakes mistakes;
  EXPECT_TRUE(mistakes.ToStatus().ok());
  mistakes.Add("a.yaml:3", "limits.e_t", "'x'", "an integer");
  EXPECT_EQ(mistakes.ToStatus().message(), "a.yaml:3: limits.e_t: found 'x'; expected an integer");
  for (int i = 0; i < 120; ++i) mistakes.Add("a.yaml:4", "", "y", "z");
  EXPECT_THAT(std::string(mistakes.ToStatus().message()), testing::EndsWith("\nand 21 more"));
}

}  // namespace
}  // namespace semlink
