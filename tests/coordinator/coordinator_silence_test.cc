// Nodes that are connected, but say nothing: docs/protocol.md, "Failures".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/fake_cluster.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Body = v1::Message::BodyCase;

class CoordinatorSilenceTest : public ::testing::Test {
 protected:
  std::unique_ptr<FakeCluster> Started(const std::string& name, OnFailure on_failure) {
    Scenario scenario = ClusterScenario(12);
    scenario.on_failure = on_failure;
    auto cluster = std::make_unique<FakeCluster>(scenario, folder_ / name);
    EXPECT_TRUE(cluster->StartCoordinator(false).ok());
    return cluster;
  }
  // Nothing moves any more, for longer than a node may be silent.
  void WaitForTheTimeout(FakeCluster* cluster) {
    cluster->RunToTheEnd();
    ASSERT_FALSE(cluster->done());
    cluster->ClearSent();
    cluster->Wait(absl::Seconds(121));
  }
  void Finish(FakeCluster* cluster) {
    cluster->RunToTheEnd();
    ASSERT_TRUE(cluster->done()) << cluster->coordinator()->Awaiting();
    EXPECT_TRUE(cluster->coordinator()->result().ok()) << cluster->coordinator()->result();
    EXPECT_EQ(cluster->committed(), 13u);
  }

  TempDir folder_;
};

TEST_F(CoordinatorSilenceTest, AStuckReceiverDoesNotTakeTheTransmittersWithIt) {
  for (const Body moment : {Body::kOpenWindow, Body::kGrant}) {
    auto cluster = Started(moment == Body::kGrant ? "granted" : "asking", OnFailure::kDegrade);
    cluster->RunUntil(3);
    ASSERT_TRUE(cluster->RunUntilSent(moment, kR1));
    cluster->node(kR1).stuck = true;
    WaitForTheTimeout(cluster.get());
    for (const NodeId& id : {kT1, kT2, kR1}) {
      EXPECT_EQ(cluster->Sent(Body::kWelcome, id).size(), 1u) << id.ToString();
    }
    const uint64_t before = cluster->committed();
    cluster->RunUntil(before + 2);
    ASSERT_EQ(cluster->committed(), before + 2);
    const v1::OpenWindow open = cluster->Sent(Body::kOpenWindow, kR2).back().open_window();
    EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
    EXPECT_THAT(open.receiver_up(), ElementsAre(false, true));
    EXPECT_TRUE(cluster->Sent(Body::kRestore, kT1).empty());  // it has kept its state
    cluster->node(kR1).stuck = false;
    cluster->RunUntil(before + 4);
    EXPECT_THAT(cluster->Sent(Body::kOpenWindow, kR2).back().open_window().receiver_up(),
                ElementsAre(true, true));
    EXPECT_EQ(cluster->Events("node_joined").back()["node"], "receiver1");
    Finish(cluster.get());
    for (const NodeId& id : cluster->ids()) EXPECT_EQ(cluster->node(id).refusals, 0);
  }
}

TEST_F(CoordinatorSilenceTest, WaitIsForTheStuckNodeAlone) {
  auto calm = Started("calm", OnFailure::kWait);
  Finish(calm.get());
  auto cluster = Started("stuck", OnFailure::kWait);
  cluster->RunUntil(3);
  cluster->node(kR1).stuck = true;
  WaitForTheTimeout(cluster.get());
  cluster->RunToTheEnd();
  EXPECT_EQ(cluster->coordinator()->Awaiting(), "waiting for receiver1 to join");
  cluster->node(kR1).stuck = false;
  Finish(cluster.get());
  for (const NodeId& id : cluster->ids()) EXPECT_TRUE(cluster->node(id).stopped);
}

TEST_F(CoordinatorSilenceTest, AStuckNodeThatOwesACheckpointIsNotWaitedFor) {
  auto cluster = Started("run", OnFailure::kDegrade);
  ASSERT_TRUE(cluster->RunUntilSent(Body::kCheckpoint, kT1));
  cluster->node(kT1).stuck = true;
  WaitForTheTimeout(cluster.get());
  EXPECT_EQ(cluster->Events("node_lost").size(), 1u);
  EXPECT_THAT(cluster->Events("node_lost")[0]["reason"].get<std::string>(),
              HasSubstr("no word from it for 2m"));
  cluster->RunUntil(7);
  EXPECT_EQ(cluster->committed(), 7u);
  cluster->node(kT1).stuck = false;  // says that the file is written, which nobody asks any more
  Finish(cluster.get());
  EXPECT_EQ(cluster->node(kT1).refusals, 0);
}

TEST_F(CoordinatorSilenceTest, AStuckNodeInAReplayMakesItStartOver) {
  auto calm = Started("calm", OnFailure::kDegrade);
  Finish(calm.get());
  auto cluster = Started("stuck", OnFailure::kDegrade);
  cluster->RunUntil(8);
  cluster->KillEverything();
  cluster->RestartAllNodes();
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  ASSERT_TRUE(cluster->RunUntilSent(Body::kOpenWindow, kR1));
  cluster->node(kR1).stuck = true;
  WaitForTheTimeout(cluster.get());
  EXPECT_EQ(cluster->Events("replay_interrupted").size(), 1u);
  cluster->RunToTheEnd();
  EXPECT_EQ(cluster->committed(), 8u);
  EXPECT_EQ(cluster->coordinator()->Awaiting(), "waiting for receiver1 to join");
  cluster->node(kR1).stuck = false;
  Finish(cluster.get());
  EXPECT_EQ(cluster->States(), calm->States());
}

TEST_F(CoordinatorSilenceTest, AResumedRunDoesNotWaitForANodeThatNeverGetsReady) {
  auto cluster = Started("run", OnFailure::kDegrade);
  cluster->RunUntil(8);
  cluster->KillEverything();
  cluster->RestartAllNodes();
  cluster->node(kR1).stuck = true;
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  WaitForTheTimeout(cluster.get());
  EXPECT_TRUE(cluster->Sent(Body::kWelcome, kR1).empty());  // it has one to answer
  cluster->RunUntil(10);
  EXPECT_EQ(cluster->committed(), 10u);
  cluster->node(kR1).stuck = false;
  Finish(cluster.get());
  EXPECT_EQ(cluster->node(kR1).refusals, 0);
}

}  // namespace
}  // namespace semlink::coordinator
