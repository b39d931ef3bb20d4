#include "common/scenario/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink {
namespace {

using testing::HasSubstr;

std::string SyntaxError(const std::string& text) {
  const absl::StatusOr<YamlNode> node = ParseYaml(text, "f.yaml", true);
  return node.ok() ? "" : std::string(node.status().message());
}

TEST(ParseYamlTest, KeepsLinesOrderAndDuplicates) {
  const absl::StatusOr<YamlNode> root = ParseYaml("a: 1\nb:\n  - x\n  - 'y'\na: 2\n", "f", true);
  ASSERT_TRUE(root.ok()) << root.status();
  ASSERT_EQ(root->items.size(), 3u);
  EXPECT_EQ(root->items[2].key, "a");
  EXPECT_EQ(root->items[2].key_origin, "f:5");
  const YamlNode* b = root->Find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->items.size(), 2u);
  EXPECT_EQ(b->items[1].origin, "f:4");
  EXPECT_TRUE(b->items[1].quoted);
  EXPECT_FALSE(b->items[0].quoted);
}

TEST(ParseYamlTest, EmptyTextIsNothing) {
  for (const char* text : {"", "# only a comment\n", "---\n", "\n\n"}) {
    const absl::StatusOr<YamlNode> root = ParseYaml(text, "f", true);
    ASSERT_TRUE(root.ok()) << root.status();
    EXPECT_EQ(root->kind, YamlNode::Kind::kNull);
    EXPECT_FALSE(root->origin.empty());
  }
}

TEST(ParseYamlTest, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(SyntaxError("a: 1\nb: [1, 2\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(SyntaxError("a: 1\nb: c: d\n"), testing::StartsWith("f.yaml:2: "));
}

TEST(ParseYamlTest, RefusesHostileTexts) {
  EXPECT_THAT(SyntaxError(std::string(100, '[') + std::string(100, ']')),
              HasSubstr("deeper than 16"));
  std::string blocks = "a";
  for (int depth = 1; depth < 30; ++depth) blocks += ":\n" + std::string(depth, ' ') + "a";
  EXPECT_THAT(SyntaxError(blocks + ": 1\n"), HasSubstr("deeper than 16"));
  EXPECT_NE(SyntaxError(std::string(1 << 20, '[')), "");
  EXPECT_NE(SyntaxError(std::string(1 << 20, '{')), "");
  EXPECT_THAT(SyntaxError("a: &x [1]\nb: *x\n"), HasSubstr("anchor"));
  EXPECT_THAT(SyntaxError("b: *x\n"), testing::Not(""));
  EXPECT_THAT(SyntaxError("a: !!python/object x\n"), HasSubstr("tag"));
  EXPECT_THAT(SyntaxError("? [a, b]\n: 1\n"), HasSubstr("as a key"));
  EXPECT_THAT(SyntaxError("a: 1\n---\nb: 2\n"), HasSubstr("second YAML document"));
  EXPECT_THAT(SyntaxError(std::string((1 << 20) + 1, '#')), HasSubstr("expected at most 1048576"));
  std::string many = "a: [";
  for (int i = 0; i < 30000; ++i) many += "1,";
  EXPECT_THAT(SyntaxError(many + "1]"), HasSubstr("more than 20000 values"));
}

TEST(ParseYamlTest, SurvivesBytesThatAreNoText) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 131 + i / 7) % 256);
  SyntaxError(bytes);
  SyntaxError(std::string("\0a: 1", 5));
  SyntaxError("a: \xff\xfe\n");
  const std::string whole = "a: {b: [\"x\", 'y'], c: |\n  t\n";
  for (size_t cut = 0; cut <= whole.size(); ++cut) SyntaxError(whole.substr(0, cut));
}

TEST(SetAtPathTest, ReplacesAddsAndAppends) {
  YamlNode root = *ParseYaml("a: {b: 1}\nl: [x, y]\n", "f", true);
  const YamlNode value = *ParseYaml("7", "--set", false);
  EXPECT_TRUE(SetAtPath("a.b", value, &root).ok());
  EXPECT_TRUE(SetAtPath("a.c.d", value, &root).ok());
  EXPECT_TRUE(SetAtPath("l.2", value, &root).ok());
  EXPECT_TRUE(SetAtPath("l.3", value, &root).ok());
  for (const char* path : {"a.b", "a.c.d", "l.2", "l.3"}) {
    const YamlNode* node = FindAtPath(root, path);
    ASSERT_NE(node, nullptr) << path;
    EXPECT_EQ(node->text, "7") << path;
    EXPECT_EQ(node->origin, "--set") << path;
  }
  EXPECT_EQ(FindAtPath(root, "l.1")->text, "x");
  EXPECT_EQ(FindAtPath(root, "l.4"), nullptr);
  EXPECT_EQ(FindAtPath(root, "a.b.c"), nullptr);
}

TEST(SetAtPathTest, RefusesPathsThatLeadNowhere) {
  YamlNode root = *ParseYaml("a: 1\nl: [x]\n", "f", true);
  const YamlNode value = *ParseYaml("7", "--set", false);
  for (const char* path : {"a.b", "l.0", "l.3", "l.x", "l.-1", "a..b", ".a", "a."}) {
    EXPECT_FALSE(SetAtPath(path, value, &root).ok()) << path;
  }
}

}  // namespace
}  // namespace semlink
