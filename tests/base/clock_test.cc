#include "common/base/clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"

namespace semlink {
namespace {

TEST(RealClockTest, NowAdvancesWithTime) {
  RealClock clock;
  const absl::Duration before = clock.Now();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const absl::Duration passed = clock.Now() - before;
  EXPECT_GE(passed, absl::Milliseconds(5));
  EXPECT_LT(passed, absl::Seconds(30));
}

TEST(RealClockTest, NowNeverGoesBack) {
  RealClock clock;
  absl::Duration last = clock.Now();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = clock.Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(RealClockTest, WallTimeIsTheDate) {
  RealClock clock;
  EXPECT_LT(absl::AbsDuration(clock.WallTime() - absl::Now()), absl::Minutes(1));
}

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock(absl::FromUnixSeconds(1000));
  EXPECT_EQ(clock.Now(), absl::ZeroDuration());
  EXPECT_EQ(clock.WallTime(), absl::FromUnixSeconds(1000));
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(clock.Now(), absl::Seconds(2));
  EXPECT_EQ(clock.WallTime(), absl::FromUnixSeconds(1002));
  clock.Advance(absl::Seconds(-5));
  EXPECT_EQ(clock.Now(), absl::Seconds(2)) << "Now() never goes back";
  EXPECT_EQ(clock.WallTime(), absl::FromUnixSeconds(1002));
}

TEST(FakeClockTest, TheDateMayJumpWithoutTimePassing) {
  FakeClock clock(absl::FromUnixSeconds(1000));
  clock.SetWallTime(absl::FromUnixSeconds(400));
  EXPECT_EQ(clock.Now(), absl::ZeroDuration());
  EXPECT_EQ(clock.WallTime(), absl::FromUnixSeconds(400));
}

}  // namespace
}  // namespace semlink
