// A coordinator that is started again: with live nodes, and with none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/fake_cluster.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Body = v1::Message::BodyCase;

constexpr int kWindows = 18;

class CoordinatorReplayTest : public ::testing::Test {
 protected:
  std::unique_ptr<FakeCluster> Started(const std::string& name,
                                       OnFailure on_failure = OnFailure::kDegrade) {
    Scenario scenario = ClusterScenario(kWindows);
    scenario.on_failure = on_failure;
    auto cluster = std::make_unique<FakeCluster>(scenario, folder_ / name);
    EXPECT_TRUE(cluster->StartCoordinator(false).ok());
    return cluster;
  }
  // Everything dies, everything is started again.
  void Resume(FakeCluster* cluster) {
    cluster->KillEverything();
    cluster->RestartAllNodes();
    const absl::Status status = cluster->StartCoordinator(true);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Finish(FakeCluster* cluster) {
    cluster->RunToTheEnd();
    ASSERT_TRUE(cluster->done()) << cluster->coordinator()->Awaiting();
    EXPECT_TRUE(cluster->coordinator()->result().ok()) << cluster->coordinator()->result();
    EXPECT_EQ(cluster->committed(), kWindows + 1u);
  }
  // What `course` does before everything dies must not depend on that.
  void ExpectSameEnd(const std::function<void(FakeCluster*)>& course,
                     const std::function<void(FakeCluster*)>& after_death = nullptr) {
    auto calm = Started("calm");
    course(calm.get());
    Finish(calm.get());
    auto killed = Started("killed");
    course(killed.get());
    Resume(killed.get());
    if (after_death != nullptr) after_death(killed.get());
    Finish(killed.get());
    EXPECT_EQ(killed->States(), calm->States());
    EXPECT_EQ(ReadJson(killed->dir() + "/summary.json")["parameters_sha256"],
              ReadJson(calm->dir() + "/summary.json")["parameters_sha256"]);
  }

  TempDir folder_;
};

TEST_F(CoordinatorReplayTest, ReplaysFromTheLastCheckpointToTheSameParameters) {
  ExpectSameEnd([](FakeCluster* cluster) { cluster->RunUntil(8); },
                [](FakeCluster* cluster) {
                  cluster->RunUntil(9);
                  const auto started = cluster->Events("replay_started");
                  ASSERT_EQ(started.size(), 1u);
                  EXPECT_EQ(started[0]["checkpoint"], 5);
                  EXPECT_EQ(started[0]["windows"], 3);
                  EXPECT_EQ(cluster->Events("replay_finished").size(), 1u);
                  const auto opens = cluster->Sent(Body::kOpenWindow, kT1);
                  EXPECT_EQ(opens.back().attempt() >> 32, 2u);
                });
}

TEST_F(CoordinatorReplayTest, ReplaysFromTheStartWithoutACheckpoint) {
  ExpectSameEnd([](FakeCluster* cluster) { cluster->RunUntil(3); });
}

TEST_F(CoordinatorReplayTest, GoesOnWithoutAReplayWhenNothingFollowedTheCheckpoint) {
  ExpectSameEnd([](FakeCluster* cluster) {
    ASSERT_TRUE(cluster->RunUntilSent(Body::kCheckpoint, kT1));
    cluster->RunUntil(6);
  });
}

TEST_F(CoordinatorReplayTest, MayBeKilledAgain) {
  ExpectSameEnd([](FakeCluster* cluster) { cluster->RunUntil(8); },
                [this](FakeCluster* cluster) {
                  cluster->RunUntil(9);
                  Resume(cluster);
                  cluster->RunUntil(13);
                  Resume(cluster);
                });
}

TEST_F(CoordinatorReplayTest, ADamagedFileMeansTheCheckpointBefore) {
  ExpectSameEnd(
      [](FakeCluster* cluster) {
        cluster->RunUntil(12);
        cluster->node(kR2).damaged = {10};
      },
      [](FakeCluster* cluster) {
        cluster->RunUntil(13);
        const auto refused = cluster->Events("checkpoint_refused");
        ASSERT_EQ(refused.size(), 1u);
        EXPECT_EQ(refused[0]["node"], "receiver2");
        EXPECT_EQ(refused[0]["window"], 10);
        EXPECT_EQ(cluster->Events("replay_started").at(0)["checkpoint"], 5);
      });
}

TEST_F(CoordinatorReplayTest, AMissingFileMeansTheCheckpointBefore) {
  ExpectSameEnd(
      [](FakeCluster* cluster) {
        cluster->RunUntil(12);
        cluster->node(kT2).files.erase(10);
      },
      [](FakeCluster* cluster) {
        cluster->RunUntil(13);
        EXPECT_EQ(cluster->Events("replay_started").at(0)["checkpoint"], 5);
      });
}

TEST_F(CoordinatorReplayTest, LateJoinersAreRestoredToWhatTheyHadBeenRestoredTo) {
  ExpectSameEnd(
      [](FakeCluster* cluster) {
        cluster->RunUntil(7);
        cluster->KillNode(kT2);
        cluster->RunUntil(8);
        cluster->RestartNode(kT2);
        cluster->RunUntil(13);
        cluster->node(kR1).damaged = {10};  // so that the replay begins at 5
      },
      [](FakeCluster* cluster) {
        cluster->ClearSent();
        cluster->RunUntil(14);
        EXPECT_EQ(cluster->Events("replay_started").at(0)["checkpoint"], 5);
        // 10 (refused by another), 5, and 5 again where it had joined late.
        EXPECT_EQ(cluster->Sent(Body::kRestore, kT2).size(), 3u);
      });
}

TEST_F(CoordinatorReplayTest, ALiveNodeThatMissedWindowsMissesThemAgain) {
  ExpectSameEnd(
      [](FakeCluster* cluster) {
        cluster->RunUntil(6);
        cluster->BreakStream(kR2);
        cluster->RunUntil(8);
        cluster->Reconnect(kR2);
        cluster->RunUntil(12);
        cluster->node(kR1).damaged = {10};
      },
      [](FakeCluster* cluster) {
        cluster->RunUntil(13);
        EXPECT_EQ(cluster->Events("replay_started").at(0)["checkpoint"], 5);
      });
}

TEST_F(CoordinatorReplayTest, WhatFailedThenFailsAgain) {
  ExpectSameEnd([](FakeCluster* cluster) {
    cluster->RunUntil(6);
    ASSERT_TRUE(cluster->RunUntilSent(Body::kGrant, kT1));
    cluster->FailPair(0, 1);
    cluster->RunUntil(8);
    cluster->MendPair(0, 1);
    cluster->RunUntil(9);
  });
}

TEST_F(CoordinatorReplayTest, WhatFailsAtAnEarlierStageThanThenIsANewFailure) {
  ExpectSameEnd(
      [](FakeCluster* cluster) {
        cluster->RunUntil(6);
        ASSERT_TRUE(cluster->RunUntilSent(Body::kGrant, kT1));
        cluster->FailPair(0, 1);  // too late for the request, which has arrived
        cluster->RunUntil(8);
        cluster->MendPair(0, 1);
        cluster->RunUntil(9);
      },
      [](FakeCluster* cluster) {
        const FakeNode& node = cluster->node(kT1);
        while (node.failed.empty()) {
          ASSERT_TRUE(cluster->RunUntilSent(Body::kGrant, kT1));
          if (node.failed.empty()) ASSERT_TRUE(cluster->Step());
        }
        cluster->node(kT1).failed[0].set_stage(v1::PairFailure::REQUEST);
        cluster->RunUntil(10);
        EXPECT_EQ(cluster->Events("replay_interrupted").size(), 1u);
      });
}

TEST_F(CoordinatorReplayTest, ANodeLostInAReplayMeansFromTheCheckpointAgain) {
  ExpectSameEnd([](FakeCluster* cluster) { cluster->RunUntil(9); },
                [](FakeCluster* cluster) {
                  int replayed = 0;
                  while (replayed < 6) {
                    ASSERT_TRUE(cluster->Step());
                    replayed = static_cast<int>(cluster->Sent(Body::kGrant, kR1).size());
                    if (cluster->Events("replay_started").empty()) {
                      cluster->ClearSent();
                      replayed = 0;
                    }
                    if (replayed == 2) break;
                  }
                  cluster->Wait(absl::Seconds(61));  // a long replay: the wait begins with the loss
                  cluster->KillNode(kT1);
                  EXPECT_EQ(cluster->Events("replay_interrupted").size(), 1u);
                  cluster->RunUntil(10);
                  EXPECT_EQ(cluster->committed(), 9u);
                  EXPECT_THAT(cluster->Events("replay_given_up"), IsEmpty());
                  cluster->RestartNode(kT1);
                });
}

TEST_F(CoordinatorReplayTest, APairLostBeforeAReplayedWindowMeansFromTheCheckpointAgain) {
  ExpectSameEnd([](FakeCluster* cluster) { cluster->RunUntil(8); },
                [](FakeCluster* cluster) {
                  ASSERT_TRUE(cluster->RunUntilSent(Body::kRestore, kT1));
                  cluster->FailPair(0, 1);
                  cluster->RunUntil(9);
                  EXPECT_EQ(cluster->committed(), 8u);
                  EXPECT_EQ(cluster->Events("replay_interrupted").size(), 1u);
                  cluster->MendPair(0, 1);
                });
}

TEST_F(CoordinatorReplayTest, APairThatStaysAwayEndsTheReplay) {
  auto cluster = Started("run");
  cluster->RunUntil(8);
  Resume(cluster.get());
  ASSERT_TRUE(cluster->RunUntilSent(Body::kRestore, kT1));
  cluster->FailPair(0, 1);
  cluster->RunUntil(9);
  cluster->Wait(absl::Seconds(61));
  cluster->RunUntil(9);
  EXPECT_EQ(cluster->Events("replay_given_up").size(), 1u);
  EXPECT_EQ(cluster->committed(), 9u);
  Finish(cluster.get());
}

TEST_F(CoordinatorReplayTest, ClaimsThatDifferEndTheRun) {
  auto cluster = Started("run");
  cluster->RunUntil(8);
  cluster->node(kT1).other_software = true;
  Resume(cluster.get());
  cluster->RunToTheEnd();
  ASSERT_TRUE(cluster->done());
  EXPECT_TRUE(absl::IsDataLoss(cluster->coordinator()->result()));
  EXPECT_THAT(std::string(cluster->coordinator()->result().message()),
              HasSubstr("window 5, replayed from checkpoint 5, came to other links"));
}

TEST_F(CoordinatorReplayTest, LiveNodesNeedNoReplay) {
  auto cluster = Started("run");
  cluster->RunUntil(8);
  cluster->KillCoordinator();
  cluster->ClearSent();
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  cluster->RunUntil(9);
  EXPECT_EQ(cluster->committed(), 9u);
  EXPECT_THAT(cluster->Events("replay_started"), IsEmpty());
  EXPECT_THAT(cluster->Sent(Body::kRestore, kT1), IsEmpty());
  Finish(cluster.get());
  auto calm = Started("calm");
  Finish(calm.get());
  EXPECT_EQ(cluster->States(), calm->States());
}

TEST_F(CoordinatorReplayTest, NodesInDoubtLearnWhatTheLedgerHas) {
  // At every moment of a window: whoever was in doubt agrees with the ledger afterwards.
  auto calm = Started("calm");
  Finish(calm.get());
  for (int moment = 0; moment < 40; moment += 3) {
    auto cluster = Started(absl::StrCat("run", moment));
    cluster->RunUntil(7);
    for (int i = 0; i < moment; ++i) cluster->Step();
    cluster->KillCoordinator();
    ASSERT_TRUE(cluster->StartCoordinator(true).ok());
    Finish(cluster.get());
    EXPECT_EQ(cluster->States(), calm->States()) << moment;
    EXPECT_EQ(cluster->steps().size(), kWindows + 1u) << moment;
  }
}

TEST_F(CoordinatorReplayTest, OnlyTheDeadAreRestoredIfSomeLive) {
  auto cluster = Started("run");
  cluster->RunUntil(8);
  const std::string state = cluster->node(kR1).state;
  cluster->KillCoordinator();
  cluster->KillNode(kT2);
  cluster->RestartNode(kT2);
  cluster->ClearSent();
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  ASSERT_TRUE(cluster->RunUntilSent(Body::kOpenWindow, kT1));
  EXPECT_EQ(cluster->Sent(Body::kRestore, kT2).size(), 1u);
  EXPECT_THAT(cluster->Sent(Body::kRestore, kR1), IsEmpty());
  EXPECT_THAT(cluster->Events("replay_started"), IsEmpty());
  const v1::OpenWindow open = cluster->Sent(Body::kOpenWindow, kT1).at(0).open_window();
  EXPECT_EQ(open.window(), 8u);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
  Finish(cluster.get());
}

TEST_F(CoordinatorReplayTest, ANodeInAReplayIsNotLiveThoughItMissedTheLastWindow) {
  auto cluster = Started("run");
  cluster->RunUntil(9);
  cluster->KillNode(kT2);
  cluster->RunUntil(10);  // T2's last window is 8 or 9
  cluster->KillEverything();
  cluster->RestartAllNodes();
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  while (cluster->node(kT2).next_window < 6) ASSERT_TRUE(cluster->Step());
  ASSERT_FALSE(cluster->Events("replay_started").empty());
  cluster->KillCoordinator();  // in the middle of the replay
  for (const NodeId& id : {kT1, kR1, kR2}) {
    cluster->KillNode(id);
    cluster->RestartNode(id);
  }
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  cluster->RunUntil(11);
  EXPECT_EQ(cluster->Events("replay_started").size(), 2u);
  EXPECT_EQ(cluster->Events("replay_finished").size(), 1u);
  Finish(cluster.get());
}

TEST_F(CoordinatorReplayTest, WaitsTenSecondsForTheOthers) {
  for (const OnFailure on_failure : {OnFailure::kDegrade, OnFailure::kWait}) {
    const bool degrade = on_failure == OnFailure::kDegrade;
    auto cluster = Started(degrade ? "degrade" : "wait", on_failure);
    cluster->RunUntil(8);
    cluster->KillCoordinator();
    cluster->KillNode(kT2);
    ASSERT_TRUE(cluster->StartCoordinator(true).ok());
    cluster->RunUntil(9);
    EXPECT_EQ(cluster->committed(), 8u);
    cluster->Wait(absl::Seconds(9));
    cluster->RunUntil(9);
    EXPECT_EQ(cluster->committed(), 8u);
    cluster->Wait(absl::Seconds(2));
    cluster->RunUntil(9);
    EXPECT_EQ(cluster->committed(), degrade ? 9u : 8u);
    cluster->RestartNode(kT2);
    Finish(cluster.get());
  }
}

TEST_F(CoordinatorReplayTest, WithoutANodeThatItNeedsThereIsNoReplay) {
  auto cluster = Started("run");
  cluster->RunUntil(8);
  cluster->KillEverything();
  for (const NodeId& id : {kT1, kR1, kR2}) cluster->RestartNode(id);
  ASSERT_TRUE(cluster->StartCoordinator(true).ok());
  cluster->RunUntil(9);
  cluster->Wait(absl::Seconds(30));
  cluster->RunUntil(9);
  EXPECT_EQ(cluster->committed(), 8u);
  cluster->Wait(absl::Seconds(31));
  cluster->RunUntil(9);
  EXPECT_EQ(cluster->committed(), 9u);
  EXPECT_EQ(cluster->Events("replay_given_up").size(), 1u);
  EXPECT_THAT(cluster->Events("replay_started"), IsEmpty());
  cluster->RestartNode(kT2);
  Finish(cluster.get());
}

TEST_F(CoordinatorReplayTest, GoesOnInTheMiddleOfTheEvaluation) {
  Scenario scenario = ClusterScenario(kWindows);
  scenario.evaluation.cr_draws = 4;
  FakeCluster cluster(scenario, folder_ / "run");
  ASSERT_TRUE(cluster.StartCoordinator(false).ok());
  cluster.RunUntil(kWindows + 2);
  const auto states = cluster.States();
  Resume(&cluster);
  cluster.ClearSent();
  cluster.RunToTheEnd();
  ASSERT_TRUE(cluster.done());
  EXPECT_TRUE(cluster.coordinator()->result().ok());
  EXPECT_EQ(cluster.committed(), kWindows + 4u);
  EXPECT_EQ(cluster.States(), states);
  EXPECT_THAT(cluster.Sent(Body::kParametersRequest, kT1), IsEmpty());
  EXPECT_EQ(ReadJson(cluster.dir() + "/summary.json")["cr_draws"], 4);
}

TEST_F(CoordinatorReplayTest, ParametersThatWereDeletedAreWrittenAgainAndTheEvaluationGoesOn) {
  Scenario scenario = ClusterScenario(kWindows);
  scenario.evaluation.cr_draws = 4;
  FakeCluster cluster(scenario, folder_ / "run");
  ASSERT_TRUE(cluster.StartCoordinator(false).ok());
  cluster.RunUntil(kWindows + 2);
  std::filesystem::remove_all(cluster.dir() + "/parameters");
  Resume(&cluster);
  cluster.RunToTheEnd();
  ASSERT_TRUE(cluster.done()) << cluster.coordinator()->Awaiting();
  EXPECT_TRUE(cluster.coordinator()->result().ok()) << cluster.coordinator()->result();
  EXPECT_EQ(cluster.committed(), kWindows + 4u);
  EXPECT_EQ(cluster.Events("parameters_written").size(), 2u);
  EXPECT_EQ(ReadJson(cluster.dir() + "/summary.json")["cr_draws"], 4);
}

TEST_F(CoordinatorReplayTest, AFinishedRunIsNotResumed) {
  auto cluster = Started("run");
  Finish(cluster.get());
  cluster->KillCoordinator();
  EXPECT_TRUE(absl::IsFailedPrecondition(cluster->StartCoordinator(true)));
}

}  // namespace
}  // namespace semlink::coordinator
