#include "cli/signal_waiter.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace semlink::cli {
namespace {

TEST(SignalWaiterTest, HandsSignalsOverInsteadOfDying) {
  auto signals = SignalWaiter::Create();
  ASSERT_TRUE(signals.ok()) << signals.status();
  EXPECT_EQ((*signals)->Wait(absl::ZeroDuration()), 0);
  ASSERT_EQ(raise(SIGINT), 0);
  EXPECT_EQ((*signals)->Wait(absl::Seconds(10)), SIGINT);
  EXPECT_EQ((*signals)->Wait(absl::ZeroDuration()), 0);
}

TEST(SignalWaiterTest, TellsRequestsToEndFromOthers) {
  EXPECT_TRUE(SignalWaiter::IsRequestToEnd(SIGINT));
  EXPECT_TRUE(SignalWaiter::IsRequestToEnd(SIGTERM));
  EXPECT_FALSE(SignalWaiter::IsRequestToEnd(SIGCHLD));
  EXPECT_FALSE(SignalWaiter::IsRequestToEnd(0));
}

TEST(SignalWaiterTest, RestoresTheMask) {
  { ASSERT_TRUE(SignalWaiter::Create().ok()); }
  sigset_t now;
  ASSERT_EQ(sigprocmask(SIG_BLOCK, nullptr, &now), 0);
  EXPECT_EQ(sigismember(&now, SIGINT), 0);
}

}  // namespace
}  // namespace semlink::cli
