#include "cli/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

TEST(SupervisorTest, StartsAgainAfterADelayThatGrows) {
  Supervisor supervisor({});
  supervisor.Started("t1", At(0));
  ASSERT_TRUE(supervisor.Died("t1", At(1)));
  EXPECT_TRUE(supervisor.waiting());
  EXPECT_THAT(supervisor.TakeDue(At(1.4), {}), IsEmpty());
  EXPECT_THAT(supervisor.TakeDue(At(1.5), {}), ElementsAre("t1"));
  EXPECT_FALSE(supervisor.waiting());
  EXPECT_THAT(supervisor.TakeDue(At(2), {}), IsEmpty()) << "once";
  for (const double delay : {1.0, 2.0, 2.0}) {
    supervisor.Started("t1", At(10));
    ASSERT_TRUE(supervisor.Died("t1", At(10)));
    EXPECT_THAT(supervisor.TakeDue(At(10 + delay - 0.1), {}), IsEmpty());
    EXPECT_THAT(supervisor.TakeDue(At(10 + delay), {}), ElementsAre("t1"));
  }
  supervisor.Started("t1", At(20));
  ASSERT_TRUE(supervisor.Died("t1", At(30)));
  EXPECT_THAT(supervisor.TakeDue(At(30.5), {}), ElementsAre("t1")) << "it had settled";
}

TEST(SupervisorTest, EachHasItsOwnLimit) {
  SupervisorOptions options;
  options.max_restarts = 2;
  Supervisor supervisor(options);
  EXPECT_TRUE(supervisor.Died("a", At(0)));
  EXPECT_TRUE(supervisor.Died("a", At(0)));
  EXPECT_FALSE(supervisor.Died("a", At(0)));
  EXPECT_TRUE(supervisor.Died("b", At(0)));
  options.max_restarts = 0;
  EXPECT_FALSE(Supervisor(options).Died("a", At(0)));
}

TEST(SupervisorTest, AFaultKeepsItsNodesDown) {
  Supervisor supervisor({});
  ASSERT_TRUE(supervisor.Died("a", At(0)));
  ASSERT_TRUE(supervisor.Died("b", At(0)));
  EXPECT_THAT(supervisor.TakeDue(At(100), {"a"}), ElementsAre("b"));
  EXPECT_TRUE(supervisor.waiting());
  EXPECT_THAT(supervisor.TakeDue(At(101), {}), ElementsAre("a"));
}

TEST(SupervisorTest, NobodyComesBackAfterTheEnd) {
  Supervisor supervisor({});
  ASSERT_TRUE(supervisor.Died("a", At(0)));
  supervisor.Stop();
  EXPECT_FALSE(supervisor.waiting());
  EXPECT_THAT(supervisor.TakeDue(At(100), {}), IsEmpty());
}

}  // namespace
}  // namespace semlink::cli
