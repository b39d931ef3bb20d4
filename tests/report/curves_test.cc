#include "report/curves.h"

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::SizeIs;

// A window without N-CE must not shift those after it against their rates.
TEST(InformationPlaneTest, RateAndRelevanceAreOfTheSameWindows) {
  RunFolders folders;
  const std::string path = folders.Write("run", {});
  std::string metrics = MetricsLine({}, 0);
  metrics += absl::StrReplaceAll(MetricsLine({}, 1), {{"[0.25,0.5]", "[null,null]"}});
  metrics += absl::StrReplaceAll(MetricsLine({}, 2), {{"[0.25,0.5]", "[0.5,0.5]"}});
  WriteText(path + "/metrics.jsonl", metrics);
  const std::vector<RunData> runs = {MustRead(path, "run")};
  std::vector<Problem> problems;
  const Picture picture = InformationPlane(GroupRuns(runs, &problems));
  ASSERT_THAT(picture.plot.series, SizeIs(1));
  const std::vector<PlotPoint>& points = picture.plot.series[0].points;
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_DOUBLE_EQ(points[0].x, 10);
  EXPECT_DOUBLE_EQ(points[0].y, -0.75);
  EXPECT_DOUBLE_EQ(points[1].x, 30);
  EXPECT_DOUBLE_EQ(points[1].y, -1);
  EXPECT_THAT(picture.table.rows, SizeIs(2));
}

}  // namespace
}  // namespace semlink::report
