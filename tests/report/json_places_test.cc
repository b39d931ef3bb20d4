#include "report/json_places.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink::report {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(JsonPlacesTest, SaysTheLineOfEachValue) {
  EXPECT_THAT(JsonPlaces("{\n \"a\": 1,\n \"b\": [\n  true,\n  {\"c\": \"x\"}\n ]\n}\n"),
              UnorderedElementsAre(Pair("", 1), Pair("/a", 2), Pair("/b", 3), Pair("/b/0", 4),
                                   Pair("/b/1", 5), Pair("/b/1/c", 5)));
}

TEST(JsonPlacesTest, TextsMayLookLikeJson) {
  EXPECT_THAT(JsonPlaces("{\"a\": \"{\\\"b\\\": [1,\\\\\",\n\"c/d~\": -1e5}"),
              UnorderedElementsAre(Pair("", 1), Pair("/a", 1), Pair("/c~1d~0", 2)));
}

TEST(JsonPlacesTest, DeepTextsDoNotEndTheProgram) {
  constexpr int kDepth = 100000;
  const std::map<std::string, int> places =
      JsonPlaces(std::string(kDepth, '[') + std::string(kDepth, ']'));
  EXPECT_EQ(places.size(), 65u);
}

}  // namespace
}  // namespace semlink::report
