#include "report/results.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The paper's tables, read again: PoM2-DIB Table I(a) and (b), TADIB Tables I to III.
TEST(PublishedTest, AreThePapersFigures) {
  const PublishedRow& pom2dib = PublishedRows().front();
  EXPECT_STREQ(pom2dib.method, "pom2dib");
  EXPECT_DOUBLE_EQ(pom2dib.rate_nats.value, 166.78);
  EXPECT_DOUBLE_EQ(pom2dib.nce.half, 0.05);
  EXPECT_DOUBLE_EQ(pom2dib.accuracy[1].value, 99.39);
  EXPECT_DOUBLE_EQ(pom2dib.seconds_per_window, 1.64);
  double time_share = 0;
  for (const PublishedRow& row : PublishedRows()) {
    if (std::string(row.method) == "vddib" && std::string(row.data) == "av_mnist") {
      time_share = pom2dib.seconds_per_window / row.seconds_per_window;
      EXPECT_DOUBLE_EQ(row.links, 27);
    }
  }
  EXPECT_NEAR(time_share, 0.094, 0.001);  // "saving up to 90 % of training time"
  EXPECT_THAT(PublishedRatios(), SizeIs(14));
  const PublishedRow& sparse = PublishedRows().back();  // PoM2-DIB, Fig. 8
  EXPECT_STREQ(sparse.data, "mmfi");
  EXPECT_DOUBLE_EQ(sparse.rate_nats.value, 75.99);
  EXPECT_DOUBLE_EQ(sparse.links, 3.15);
  EXPECT_TRUE(std::isnan(sparse.flops));
}

class ResultsTest : public ::testing::Test {
 protected:
  // Three tasks, as the published rows are about.
  RunData Run(const std::string& name, const RunSpec& spec) {
    const std::string path = folders_.Write(name, spec);
    std::string scenario = ReadText(path + "/scenario.yaml");
    const std::string two = "receivers: [{task: parity, device: cpu}, {task: digit, device: cpu}]";
    scenario.replace(scenario.find(two), two.size(),
                     "receivers: [{task: parity}, {task: ring}, {task: digit}]");
    WriteText(path + "/scenario.yaml", scenario);
    WriteText(path + "/metrics.jsonl", "");
    return MustRead(path, name);
  }
  std::vector<Group> Groups(const std::vector<RunData>& runs) {
    std::vector<Problem> problems;
    return GroupRuns(runs, &problems);
  }

  RunFolders folders_;
};

TEST_F(ResultsTest, MeansHaveTheIntervalOverSeeds) {
  RunSpec one, two;
  two.seed = 2;
  two.accuracy = 0.94;
  const std::vector<RunData> runs = {Run("a", one), Run("b", two)};
  const std::vector<Group> groups = Groups(runs);
  const Cell cell = SummaryCell(groups[0], "/accuracy/0", 2, 100);
  ASSERT_TRUE(cell.value.has_value());
  EXPECT_DOUBLE_EQ(*cell.value, 92);
  EXPECT_NEAR(cell.half, 12.7062 * 2, 1e-3);
  EXPECT_EQ(cell.text, "92 ± 25");
  EXPECT_EQ(cell.source, "a/summary.json:4 /accuracy/0; b/summary.json:4 /accuracy/0");
}

TEST_F(ResultsTest, OneSeedHasNoInterval) {
  const std::vector<RunData> runs = {Run("a", {})};
  EXPECT_EQ(SummaryCell(Groups(runs)[0], "/accuracy/0", 2, 100).text, "90.00");
  EXPECT_EQ(SummaryCell(Groups(runs)[0], "/nothing", 2).text, "-");
}

TEST_F(ResultsTest, PublishedFiguresStandUnderTheMethodOnce) {
  RunSpec a, b, other;
  b.values["beta"] = "0.01";
  other.method = "rsdib";
  const std::vector<RunData> runs = {Run("a", a), Run("b", b), Run("c", other)};
  const std::vector<Group> groups = Groups(runs);
  const std::vector<ReportTable> tables = QualityTables(groups);
  ASSERT_THAT(tables, SizeIs(1));
  ASSERT_THAT(tables[0].rows, SizeIs(5));
  EXPECT_FALSE(tables[0].rows[1].published);
  EXPECT_TRUE(tables[0].rows[2].published);
  EXPECT_THAT(tables[0].rows[2].head, HasSubstr("TADIB, Tables I and II"));
  EXPECT_EQ(tables[0].rows[2].cells[3].text, "166.78 ± 0.96");
  EXPECT_EQ(tables[0].rows[2].cells[3].source, "TADIB, Tables I and II");
  EXPECT_TRUE(tables[0].rows[4].published);
  EXPECT_EQ(tables[0].rows[4].cells[3].text, "141.76 ± 1.08");
}

TEST_F(ResultsTest, VariantsStandBesideThePapersMethod) {
  RunSpec once, vddib;
  once.method = "rsdib_once";
  vddib.method = "vddib";
  const std::vector<RunData> runs = {Run("a", once), Run("b", vddib), Run("c", {})};
  const std::vector<Group> groups = Groups(runs);
  ASSERT_NE(PublishedFor(groups[0]), nullptr);
  EXPECT_DOUBLE_EQ(PublishedFor(groups[0])->rate_nats.value, 141.76);
  const ReportTable cost = CostTable(groups);  // a, b, b published, c, c published
  ASSERT_THAT(cost.rows, SizeIs(5));
  ASSERT_THAT(cost.columns, SizeIs(5));
  EXPECT_EQ(cost.rows[3].cells[4].text, "100.0");  // the same time in all of them
  EXPECT_EQ(cost.rows[4].cells[4].text, "9.4");
}

TEST_F(ResultsTest, TimesAreSharesOfTheSameData) {
  RunSpec vddib, other;
  vddib.method = "vddib";
  other.values["source"] = "synthetic";
  const std::vector<RunData> runs = {Run("a", vddib), Run("b", {}), Run("c", other)};
  const std::vector<Group> groups = Groups(runs);
  const ReportTable cost = CostTable(groups);  // a, a published, b, b published, c
  ASSERT_THAT(cost.rows, SizeIs(5));
  EXPECT_EQ(cost.rows[2].cells[4].text, "100.0");
  EXPECT_EQ(cost.rows[4].cells[4].text, "-");
}

TEST_F(ResultsTest, GeneratedDataHaveNoPublishedFigures) {
  RunSpec spec;
  spec.values["source"] = "synthetic";
  const std::vector<RunData> runs = {Run("a", spec)};
  EXPECT_EQ(PublishedFor(Groups(runs)[0]), nullptr);
}

TEST_F(ResultsTest, WithoutLimitsThePaperHasOtherFigures) {
  RunSpec spec;
  spec.values = {{"e_t", "2"}, {"e_k", "6"}};
  std::vector<RunData> runs = {Run("a", spec)};
  ASSERT_NE(PublishedFor(Groups(runs)[0]), nullptr);
  EXPECT_DOUBLE_EQ(PublishedFor(Groups(runs)[0])->rate_nats.value, 172.27);
  spec.values["beta"] = "0";
  runs = {Run("b", spec)};
  EXPECT_DOUBLE_EQ(PublishedFor(Groups(runs)[0])->rate_nats.value, 1690.59);
  spec.values["beta"] = "0.001";
  spec.values["gamma"] = "0.1";
  runs = {Run("c", spec)};
  EXPECT_DOUBLE_EQ(PublishedFor(Groups(runs)[0])->links, 3.44);
  spec.values["gamma"] = "0.2";
  runs = {Run("d", spec)};
  EXPECT_EQ(PublishedFor(Groups(runs)[0]), nullptr);
}

TEST_F(ResultsTest, RatiosStandBesideThePapers) {
  RunSpec half, equal;
  equal.values["learning_rate_selector"] = "1e-4";
  const std::vector<RunData> runs = {Run("a", equal), Run("b", half)};
  const ReportTable table = RatioTable(Groups(runs));
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[0].head, "1:2");
  EXPECT_EQ(table.rows[0].cells[3].text, "165.08");
  EXPECT_EQ(table.rows[1].head, "1:1");
  EXPECT_EQ(table.rows[1].cells[4].text, "\u22120.92");
  const std::vector<RunData> alike = {Run("c", half)};
  EXPECT_THAT(RatioTable(Groups(alike)).rows, IsEmpty());
}

TEST_F(ResultsTest, UnfinishedRunsAreListedWithoutResults) {
  RunSpec spec;
  spec.finished = false;
  const std::vector<RunData> runs = {Run("a", spec)};
  EXPECT_THAT(QualityTables(Groups(runs)), IsEmpty());
  EXPECT_THAT(CostTable(Groups(runs)).rows, IsEmpty());
  ASSERT_THAT(RunsTable(Groups(runs)).rows, SizeIs(1));
  EXPECT_EQ(RunsTable(Groups(runs)).rows[0].cells[2].text, "not finished");
}

}  // namespace
}  // namespace semlink::report
