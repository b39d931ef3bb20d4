#include "common/transport/liveness.h"

#include <atomic>

#include "absl/time/clock.h"
#include "common/transport/ticker.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(1);

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

TEST(LivenessTest, AMessageEndsTheSilence) {
  Liveness liveness(At(10));
  EXPECT_EQ(liveness.QuietFor(At(13)), At(3));
  liveness.Heard(At(12));
  EXPECT_EQ(liveness.QuietFor(At(13)), At(1));
  liveness.Heard(At(11));  // late news of an earlier message
  EXPECT_EQ(liveness.QuietFor(At(13)), At(1));
}

TEST(LivenessTest, BytesThatMoveAreASignOfLife) {
  Liveness liveness(At(0));
  uint64_t bytes = 1'000'000;
  for (double now = 1; now < 60; now += 0.25) {
    liveness.Moved(At(now), bytes, kWindow);
    bytes += 100;  // 400 a second
    EXPECT_LT(liveness.QuietFor(At(now)), At(2.5)) << now;
  }
}

TEST(LivenessTest, BytesThatStandStillAreNot) {
  Liveness liveness(At(0));
  for (double now = 1; now < 10; now += 0.25) {
    liveness.Moved(At(now), 1'000'000, kWindow);
    EXPECT_EQ(liveness.QuietFor(At(now)), At(now));
  }
}

TEST(LivenessTest, NorIsWhatTheHttpLayerSays) {
  Liveness liveness(At(0));
  uint64_t bytes = 0;
  for (double now = 1; now < 10; now += 0.25) {
    liveness.Moved(At(now), bytes, kWindow);
    bytes += 40;  // a ping and a window update each quarter of a second
    EXPECT_EQ(liveness.QuietFor(At(now)), At(now));
  }
}

TEST(LivenessTest, TheFirstLookAfterAMessageOnlyMarks) {
  Liveness liveness(At(0));
  liveness.Moved(At(1), 0, kWindow);
  liveness.Heard(At(3));
  liveness.Moved(At(5), 50'000, kWindow);  // came before or with the message, for all we know
  EXPECT_EQ(liveness.QuietFor(At(5)), At(2));
}

TEST(LivenessTest, TimeInWhichThisProcessStoodStillDoesNotCount) {
  Liveness liveness(At(0));
  liveness.Forgive(At(7));
  EXPECT_EQ(liveness.QuietFor(At(9)), At(2));
  EXPECT_EQ(liveness.QuietFor(At(5)), At(0));
}

TEST(TickerTest, WorksWhenItIsDueAndWhenItIsWoken) {
  RealClock clock;
  std::atomic<int> calls{0};
  Ticker ticker(&clock);
  const auto wait_for = [&](int n) {
    const absl::Duration deadline = clock.Now() + absl::Seconds(10);
    while (calls < n && clock.Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    return calls.load();
  };
  ticker.Start([&](absl::Duration now) {
    return ++calls < 5 ? now + absl::Milliseconds(5) : absl::InfiniteDuration();
  });
  EXPECT_EQ(wait_for(5), 5);
  ticker.WakeAt(clock.Now() + absl::Milliseconds(5));
  EXPECT_EQ(wait_for(6), 6);
  ticker.Stop();
  ticker.WakeAt(clock.Now());
  EXPECT_EQ(calls, 6);
}

}  // namespace
}  // namespace semlink
