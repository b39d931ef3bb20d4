#include "common/method/early_messages.h"

#include <gtest/gtest.h>

namespace semlink::method {
namespace {

v1::Message Request(uint64_t attempt, uint64_t window) {
  v1::Message message;
  message.set_attempt(attempt);
  message.mutable_request()->set_window(window);
  return message;
}

TEST(EarlyMessagesTest, GivesWhatWasKeptForTheAttemptInOrder) {
  EarlyMessages early;
  ASSERT_TRUE(early.Keep(1, Request(4, 10)).ok());
  ASSERT_TRUE(early.Keep(0, Request(4, 11)).ok());
  ASSERT_TRUE(early.Keep(1, Request(4, 12)).ok());
  ASSERT_TRUE(early.Keep(2, Request(5, 13)).ok());
  const auto taken = early.Take(4);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].peer, 1);
  EXPECT_EQ(taken[0].message.request().window(), 10u);
  EXPECT_EQ(taken[1].peer, 0);
  EXPECT_EQ(taken[2].message.request().window(), 12u);
  EXPECT_TRUE(early.Take(4).empty());
  EXPECT_EQ(early.Take(5).size(), 1u);
}

TEST(EarlyMessagesTest, WhatIsOlderIsDropped) {
  EarlyMessages early;
  ASSERT_TRUE(early.Keep(0, Request(4, 10)).ok());
  ASSERT_TRUE(early.Keep(1, Request(4, 10)).ok());
  // Peer 0 has moved on to attempt 6.
  ASSERT_TRUE(early.Keep(0, Request(6, 10)).ok());
  EXPECT_EQ(early.Take(4).size(), 1u);
  ASSERT_TRUE(early.Keep(1, Request(5, 10)).ok());
  EXPECT_EQ(early.Take(6).size(), 1u);
  EXPECT_TRUE(early.Take(5).empty());
}

TEST(EarlyMessagesTest, KeepsSoManyOfAPeer) {
  EarlyMessages early;
  int kept = 0;
  while (kept < 5000 && early.Keep(0, Request(1, 0)).ok()) ++kept;
  EXPECT_EQ(kept, 1024);
  EXPECT_TRUE(absl::IsInvalidArgument(early.Keep(0, Request(1, 0))));
  EXPECT_TRUE(early.Keep(1, Request(1, 0)).ok());
}

}  // namespace
}  // namespace semlink::method
