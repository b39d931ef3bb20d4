#include "cli/table.h"

#include <gtest/gtest.h>

namespace semlink::cli {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table({{"task"}, {"accuracy", Align::kRight}, {"note"}});
  table.AddRow({"parity", "98.60 %", "x"});
  table.AddRow({"digit", "6.50 %"});
  EXPECT_EQ(table.ToString(),
            "task    accuracy  note\n"
            "parity   98.60 %  x\n"
            "digit     6.50 %\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  EXPECT_EQ(DisplayWidth("± 0.1"), 5u);
  Table table({{"a", Align::kRight}, {"b"}});
  table.AddRow({"±1", "x"});
  table.AddRow({"222", "y"});
  EXPECT_EQ(table.ToString(), "  a  b\n ±1  x\n222  y\n");
}

TEST(TableTest, LeavesOutCellsWithoutAColumn) {
  Table table({{"a"}});
  table.AddRow({"1", "2", "3"});
  EXPECT_EQ(table.ToString(), "a\n1\n");
}

TEST(FormatTest, Bytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1000), "1.0 kB");
  EXPECT_EQ(FormatBytes(999'960), "1.0 MB");
  EXPECT_EQ(FormatBytes(34'540'000), "34.5 MB");
  EXPECT_EQ(FormatBytes(5e12), "5.0 TB");
}

TEST(FormatTest, PercentAndTime) {
  EXPECT_EQ(FormatPercent(0.98604), "98.60 %");
  EXPECT_EQ(FormatTime(absl::Seconds(9.7)), "9 s");
  EXPECT_EQ(FormatTime(absl::Seconds(65)), "1:05");
  EXPECT_EQ(FormatTime(absl::Seconds(7384)), "2:03:04");
  EXPECT_EQ(FormatTime(absl::Seconds(-5)), "0 s");
}

}  // namespace
}  // namespace semlink::cli
