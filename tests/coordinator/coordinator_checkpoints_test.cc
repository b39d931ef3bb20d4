#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/fake_cluster.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;
using Body = v1::Message::BodyCase;

class CoordinatorCheckpointsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(cluster_.StartCoordinator(false).ok()); }

  TempDir folder_;
  FakeCluster cluster_{ClusterScenario(22), folder_ / "run"};
};

TEST_F(CoordinatorCheckpointsTest, EverySoManyWindowsAndAfterTheLastOne) {
  cluster_.RunToTheEnd();
  ASSERT_TRUE(cluster_.done());
  std::vector<std::pair<uint64_t, uint64_t>> sent;
  for (const v1::Message& message : cluster_.Sent(Body::kCheckpoint, kT1)) {
    sent.emplace_back(message.checkpoint().window(), message.checkpoint().keep_from());
  }
  using P = std::pair<uint64_t, uint64_t>;
  EXPECT_THAT(sent, ElementsAre(P(5, 0), P(10, 5), P(15, 5), P(20, 10), P(22, 15)));
  EXPECT_THAT(cluster_.node(kT2).files, ElementsAre(Key(15), Key(20), Key(22)));
  const auto events = cluster_.Events("checkpoint");
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0]["window"], 5);
  EXPECT_EQ(events[0]["complete"], true);
}

TEST_F(CoordinatorCheckpointsTest, TheNextWindowWaitsForAllFiles) {
  ASSERT_TRUE(cluster_.RunUntilSent(Body::kCheckpoint, kT1));
  const size_t opened = cluster_.Sent(Body::kOpenWindow, kT2).size();
  FakeNode& slow = cluster_.node(kT1);
  const std::deque<v1::Message> waiting = slow.inbox;
  slow.inbox.clear();
  cluster_.RunUntil(6);
  EXPECT_EQ(cluster_.committed(), 5u);
  EXPECT_EQ(cluster_.Sent(Body::kOpenWindow, kT2).size(), opened);
  EXPECT_EQ(cluster_.coordinator()->Awaiting(), "waiting for the checkpoints of transmitter1");
  slow.inbox = waiting;
  cluster_.RunUntil(6);
  EXPECT_EQ(cluster_.committed(), 6u);
}

TEST_F(CoordinatorCheckpointsTest, ANodeThatCanNotWriteIsNoReasonToStop) {
  cluster_.node(kT2).disk_full = true;
  cluster_.RunUntil(11);
  cluster_.node(kT2).disk_full = false;
  cluster_.RunToTheEnd();
  ASSERT_TRUE(cluster_.done());
  const auto events = cluster_.Events("checkpoint");
  EXPECT_EQ(events.at(0)["files"], 3);
  EXPECT_EQ(events.at(0)["complete"], false);
  EXPECT_EQ(events.at(2)["complete"], true);
}

TEST_F(CoordinatorCheckpointsTest, ALostNodeIsNoLongerAwaited) {
  ASSERT_TRUE(cluster_.RunUntilSent(Body::kCheckpoint, kT1));
  cluster_.KillNode(kT1);
  cluster_.RunUntil(7);
  EXPECT_EQ(cluster_.committed(), 7u);
  EXPECT_EQ(cluster_.Events("checkpoint").at(0)["complete"], false);
  cluster_.RestartNode(kT1);
  cluster_.ClearSent();
  ASSERT_TRUE(cluster_.RunUntilSent(Body::kOpenWindow, kT1));
  EXPECT_EQ(cluster_.Sent(Body::kRestore, kT1).at(0).restore().checkpoint().window(), 0u);
  cluster_.RunToTheEnd();
  EXPECT_TRUE(cluster_.done());
}

TEST_F(CoordinatorCheckpointsTest, WhatANodeWasRestoredToIsKept) {
  cluster_.RunUntil(11);
  cluster_.KillNode(kT2);
  cluster_.node(kT2).damaged = {10};
  cluster_.RestartNode(kT2);  // goes back to 5, at window 11 or 12
  cluster_.ClearSent();
  cluster_.RunUntil(16);
  EXPECT_EQ(cluster_.Sent(Body::kRestore, kT2).back().restore().checkpoint().window(), 5u);
  EXPECT_EQ(cluster_.Sent(Body::kCheckpoint, kT1).at(0).checkpoint().keep_from(), 5u);
  cluster_.RunUntil(21);
  EXPECT_EQ(cluster_.Sent(Body::kCheckpoint, kT1).at(1).checkpoint().keep_from(), 5u);
  cluster_.RunToTheEnd();
  EXPECT_EQ(cluster_.Sent(Body::kCheckpoint, kT1).at(2).checkpoint().keep_from(), 15u);
}

TEST_F(CoordinatorCheckpointsTest, WhatWasNotAskedForIsRefused) {
  cluster_.RunUntil(3);
  v1::Message message;
  message.mutable_checkpointed()->mutable_checkpoint()->set_window(3);
  ASSERT_TRUE(cluster_.coordinator()->Handle(kT1, message).ok());
  EXPECT_EQ(cluster_.Sent(Body::kRefusal, kT1).size(), 1u);
}

}  // namespace
}  // namespace semlink::coordinator
