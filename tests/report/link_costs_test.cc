#include "report/link_costs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class LinkCostsTest : public ::testing::Test {
 protected:
  RunFolders folders_;
  RunData run_ = MustRead(folders_.Write("run", {}), "run");
};

TEST_F(LinkCostsTest, LinksHaveShareRateAndSize) {
  const ReportTable table = LinkTable(run_, "links");
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[0].head, "1.2 image_fft → 1 parity");
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[0].value, 50);
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[1].value, 20);
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[2].value, 768);
  EXPECT_EQ(table.rows[0].cells[1].source, "run/metrics.jsonl:1-4 /link");
  EXPECT_EQ(table.rows[1].head, "2.1 mel → 2 digit");
}

// A link that is up half the time carries half its rate per round.
TEST_F(LinkCostsTest, PairsHaveAllFourFigures) {
  const ReportTable table = PairTable(run_, "pairs");
  ASSERT_THAT(table.rows, SizeIs(3));
  EXPECT_EQ(table.rows[0].head, "1 → 1");
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[0].value, 10);
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[1].value, 384);
  EXPECT_EQ(table.rows[0].cells[3].text, "1.5 kB");
  EXPECT_EQ(table.columns[3].title, "feature messages");
  EXPECT_EQ(table.columns[3].unit, "bytes");  // of the value: for the CSV
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[6].value, 1500);
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[7].value, 1700);
  EXPECT_THAT(table.rows[0].cells[7].source, HasSubstr("/wire_bytes/0/sent; run/summary.json:"));
  EXPECT_DOUBLE_EQ(*table.rows[0].cells[9].value, 0.25);
  EXPECT_EQ(table.rows[1].head, "2 → 2");
  EXPECT_EQ(table.rows[1].cells[6].text, "-");
  EXPECT_EQ(table.rows[2].head, "coordinator, receiver1");
  EXPECT_DOUBLE_EQ(*table.rows[2].cells[5].value, 70);
}

TEST_F(LinkCostsTest, BarsShowWhatThereIs) {
  const std::vector<std::string> bars = RenderPairBars(PairTable(run_, "pairs"), "bars");
  ASSERT_THAT(bars, SizeIs(4));
  EXPECT_THAT(bars[3], HasSubstr("1.7 kB"));
  RunSpec spec;
  spec.finished = false;  // no summary: no bytes
  const RunData half = MustRead(folders_.Write("half", spec), "half");
  EXPECT_THAT(RenderPairBars(PairTable(half, "pairs"), "bars"), SizeIs(2));
}

}  // namespace
}  // namespace semlink::report
