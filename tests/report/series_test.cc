#include "report/series.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::SizeIs;

TEST(BinsTest, CoverEveryWindowOnce) {
  for (const int64_t windows : {1, 7, 60, 61, 2000}) {
    for (const auto& bins : {EqualBins(windows, 60), GrowingBins(windows, 36)}) {
      int64_t next = 0;
      for (const Bin& bin : bins) {
        EXPECT_EQ(bin.first, next);
        EXPECT_GE(bin.last, bin.first);
        next = bin.last + 1;
      }
      EXPECT_EQ(next, windows);
      EXPECT_LE(bins.size(), 60u);
    }
  }
  EXPECT_THAT(EqualBins(0, 60), SizeIs(0));
  EXPECT_THAT(GrowingBins(0, 60), SizeIs(0));
}

TEST(BinsTest, GrowingBinsGrow) {
  const std::vector<Bin> bins = GrowingBins(2000, 30);
  EXPECT_EQ(bins.front().last, 0);
  EXPECT_GT(bins.back().last - bins.back().first, 300);
}

class SeriesTest : public ::testing::Test {
 protected:
  RunData Read(int seed, int windows) {
    RunSpec spec;
    spec.seed = seed;
    spec.windows = windows;
    const std::string name = "run" + std::to_string(seed);
    return MustRead(folders_.Write(name, spec), name);
  }
  RunFolders folders_;
};

TEST_F(SeriesTest, AveragesOverWindowsThenSeeds) {
  const RunData a = Read(1, 4), b = Read(3, 4);
  const std::vector<Point> points = SeriesOf({&a, &b}, {"loss", 0, 1}, {{0, 1}, {2, 3}});
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_DOUBLE_EQ(points[0].y.mean, 0.75 + 2);  // (1 + 1/2) / 2, plus the mean of the seeds
  EXPECT_EQ(points[0].y.n, 2);
  EXPECT_NEAR(points[0].y.half, 12.7062, 1e-9);  // seeds 1 and 3: standard error 1
  EXPECT_EQ(points[0].source, "run1/metrics.jsonl:1-2 /loss/0; run3/metrics.jsonl:1-2 /loss/0");
}

TEST_F(SeriesTest, ShorterRunsEndEarlier) {
  const RunData a = Read(1, 4), b = Read(2, 2);
  const std::vector<Point> points =
      SeriesOf({&a, &b}, {"rate_nats", -1, 1}, {{0, 1}, {2, 3}, {4, 5}});
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_EQ(points[0].y.n, 2);
  EXPECT_EQ(points[1].y.n, 1);
  EXPECT_TRUE(std::isnan(points[1].y.half));
  EXPECT_DOUBLE_EQ(points[1].y.mean, 35);
}

TEST_F(SeriesTest, RelevanceIsMinusTheSumOfCrossEntropies) {
  const RunData a = Read(1, 1);
  EXPECT_DOUBLE_EQ((Quantity{"nce", -1, 1}).Of(a.windows[0]), -0.75);
  EXPECT_DOUBLE_EQ((Quantity{"accuracy", 1, 100}).Of(a.windows[0]), 40);
  EXPECT_TRUE(std::isnan((Quantity{"log_likelihood", 0, 1}).Of(a.windows[0])));
  EXPECT_TRUE(std::isnan((Quantity{"log_likelihood", -1, 1}).Of(a.windows[0])));
  WindowLine line = a.windows[0];
  line.per_receiver["log_likelihood"] = {-2, 0.5};
  EXPECT_DOUBLE_EQ((Quantity{"log_likelihood", 1, 1}).Of(line), 0.5);
  EXPECT_DOUBLE_EQ((Quantity{"log_likelihood", -1, 1}).Of(line), -1.5);
}

}  // namespace
}  // namespace semlink::report
