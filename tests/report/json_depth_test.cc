#include "report/json_depth.h"

#include <string>

#include "gtest/gtest.h"

namespace semlink::report {
namespace {

std::string Nested(int levels, const std::string& inside) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += i % 2 == 0 ? "{\"a\":" : "[";
  text += inside;
  for (int i = levels - 1; i >= 0; --i) text += i % 2 == 0 ? "}" : "]";
  return text;
}

TEST(TooDeepTest, CountsObjectsAndLists) {
  EXPECT_FALSE(TooDeep(Nested(kMaxJsonDepth, "1")));
  EXPECT_TRUE(TooDeep(Nested(kMaxJsonDepth + 1, "1")));
  EXPECT_TRUE(TooDeep(std::string(100'000, '[')));
  EXPECT_FALSE(TooDeep(""));
}

TEST(TooDeepTest, BracketsInStringsAreText) {
  const std::string brackets(2 * kMaxJsonDepth, '[');
  EXPECT_FALSE(TooDeep("{\"a\": \"" + brackets + "\"}"));
  EXPECT_FALSE(TooDeep("{\"a\": \"\\\"" + brackets + "\"}")) << "an escaped quote ends no string";
  EXPECT_TRUE(TooDeep("{\"a\": \"\\\\\", \"b\": " + brackets));
}

TEST(TooDeepTest, ManyNeighboursAreNotDeep) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "[],";
  EXPECT_FALSE(TooDeep(text + "[]]"));
}

}  // namespace
}  // namespace semlink::report
