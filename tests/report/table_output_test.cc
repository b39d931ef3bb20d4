#include "report/table_output.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace semlink::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(FormatTest, DigitsFollowTheInterval) {
  EXPECT_EQ(FormatEstimate(81.7934, 5.2731, 2), "81.8 ± 5.3");
  EXPECT_EQ(FormatEstimate(-0.0561, 0.0348, 3), "\u22120.056 ± 0.035");
  EXPECT_EQ(FormatEstimate(1234.4, 321, 2), "1234 ± 321");
  EXPECT_EQ(FormatEstimate(99.5, NAN, 2), "99.50");
  EXPECT_EQ(FormatEstimate(99.5, 0, 2), "99.50 ± 0.00");
  EXPECT_EQ(FormatEstimate(-0.0001, NAN, 2), "0.00");
  EXPECT_EQ(FormatEstimate(NAN, NAN, 2), "-");
  EXPECT_EQ(FormatWhole(18107392), "18\u202f107\u202f392");
}

ReportTable Hostile() {
  ReportTable table;
  table.id = "quality";
  table.title = "<script>alert(1)</script>";
  table.head_title = "a & b";
  table.columns = {{"rate_%", "nats"}, {"word", ""}};
  Row row;
  row.head = "one, \"two\"";
  row.cells = {NumberCell(MeanWithInterval({1, 2}), 2, "run/summary.json:3 /rate_nats"),
               TextCell("x\"><b>")};
  table.rows.push_back(row);
  return table;
}

TEST(TableOutputTest, HtmlEscapesAndNamesTheSource) {
  const std::string html = TableAsHtml(Hostile());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, HasSubstr("data-source=\"run/summary.json:3 /rate_nats\""));
  EXPECT_THAT(html, HasSubstr("data-value=\"1.5\""));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">one, &quot;two&quot;</th>"));
}

TEST(TableOutputTest, CsvIsQuotedWhereItMustBe) {
  const std::string csv = TablesAsCsv({Hostile()});
  EXPECT_THAT(csv, HasSubstr("table,row,column,unit,text,value,interval95,n,published,source\r\n"));
  EXPECT_THAT(csv, HasSubstr("quality,\"one, \"\"two\"\"\",rate_%,nats,"));
  EXPECT_THAT(csv, HasSubstr(",1.5,6.35"));
  EXPECT_THAT(csv, HasSubstr(",2,no,run/summary.json:3 /rate_nats\r\n"));
}

TEST(TableOutputTest, JsonReadsBack) {
  const auto json = nlohmann::json::parse(TablesAsJson({Hostile()}));
  const auto& cell = json["tables"][0]["rows"][0]["cells"][0];
  EXPECT_DOUBLE_EQ(cell["value"], 1.5);
  EXPECT_EQ(cell["n"], 2);
  EXPECT_EQ(json["tables"][0]["title"], "<script>alert(1)</script>");
}

TEST(TableOutputTest, LatexEscapes) {
  const std::string latex = TablesAsLatex({Hostile()});
  EXPECT_THAT(latex, HasSubstr("\\begin{tabular}{lrr}"));
  EXPECT_THAT(latex, HasSubstr("rate\\_\\% (nats)"));
  EXPECT_THAT(latex, HasSubstr("a \\& b"));
  EXPECT_THAT(latex, HasSubstr(" $\\pm$ "));
  EXPECT_THAT(latex, Not(HasSubstr("±")));
}

}  // namespace
}  // namespace semlink::report
