#include "cli/call_patience.h"

#include <gtest/gtest.h>

namespace semlink::cli {
namespace {

const absl::Status kGone = absl::UnavailableError("connection refused");

TEST(CallPatienceTest, WaitsForACoordinatorThatIsStartedAgain) {
  FakeClock clock;
  CallPatience patience(&clock);
  EXPECT_TRUE(patience.GoesOn(absl::OkStatus()));
  clock.Advance(absl::Seconds(14));
  EXPECT_TRUE(patience.GoesOn(kGone));
  EXPECT_TRUE(patience.GoesOn(absl::DeadlineExceededError("no answer")));
  EXPECT_TRUE(patience.GoesOn(absl::OkStatus()));
  clock.Advance(absl::Seconds(14));
  EXPECT_TRUE(patience.GoesOn(kGone)) << "counted from the last answer";
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(patience.GoesOn(kGone));
}

TEST(CallPatienceTest, ForgivesNothingBeforeTheFirstAnswer) {
  FakeClock clock;
  EXPECT_FALSE(CallPatience(&clock).GoesOn(kGone));
}

TEST(CallPatienceTest, ARefusalIsFinal) {
  FakeClock clock;
  CallPatience patience(&clock);
  EXPECT_TRUE(patience.GoesOn(absl::OkStatus()));
  EXPECT_FALSE(patience.GoesOn(absl::UnauthenticatedError("no certificate")));
}

}  // namespace
}  // namespace semlink::cli
