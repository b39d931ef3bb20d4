#include "report/markup.h"

#include "gtest/gtest.h"

namespace semlink::report {
namespace {

TEST(MarkupTest, EscapesWhatMeansSomething) {
  EXPECT_EQ(Escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(Escape("β → 0"), "β → 0");
}

TEST(MarkupTest, ReplacesBytesThatAreNoText) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(Escape("a\xFFz"), "a" + replaced + "z");
  EXPECT_EQ(Escape(std::string("a\0b", 3)), "a" + replaced + "b");
  EXPECT_EQ(Escape("\x1b[31m"), replaced + "[31m");
  EXPECT_EQ(Escape("\xC3"), replaced);                                // ends too early
  EXPECT_EQ(Escape("\xC0\xAF"), replaced + replaced);                 // overlong
  EXPECT_EQ(Escape("\xED\xA0\x80"), replaced + replaced + replaced);  // a surrogate
}

TEST(MarkupTest, AttributesAreQuotedOrLeftOut) {
  EXPECT_EQ(Attribute("title", "a \"b\""), " title=\"a &quot;b&quot;\"");
  EXPECT_EQ(Attribute("title", ""), "");
}

TEST(MarkupTest, CoordinatesAreShort) {
  EXPECT_EQ(Coordinate(12), "12");
  EXPECT_EQ(Coordinate(12.34), "12.3");
  EXPECT_EQ(Coordinate(-0.01), "0");
}

}  // namespace
}  // namespace semlink::report
