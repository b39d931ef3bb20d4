// The table "Failures" of docs/protocol.md, row by row, and nodes that come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "coordinator/sqlite.h"
#include "tests/coordinator/fake_cluster.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Body = v1::Message::BodyCase;

class CoordinatorMembersTest : public ::testing::Test {
 protected:
  void Start(OnFailure on_failure = OnFailure::kDegrade, int windows = 12) {
    Scenario scenario = ClusterScenario(windows);
    scenario.on_failure = on_failure;
    cluster_ = std::make_unique<FakeCluster>(scenario, folder_ / "run");
    ASSERT_TRUE(cluster_->StartCoordinator(false).ok());
  }
  v1::Message LastOpen(const NodeId& to) {
    const std::vector<v1::Message> opens = cluster_->Sent(Body::kOpenWindow, to);
    return opens.empty() ? v1::Message() : opens.back();
  }
  void ExpectGoodEnd() {
    cluster_->RunToTheEnd();
    ASSERT_TRUE(cluster_->done()) << cluster_->coordinator()->Awaiting();
    EXPECT_TRUE(cluster_->coordinator()->result().ok()) << cluster_->coordinator()->result();
    EXPECT_EQ(cluster_->committed(), 13u);
  }
  std::string Query(const std::string& sql) {
    Database database = Database::Open(cluster_->dir() + "/ledger.sqlite").value();
    Statement statement = database.Prepare(sql).value();
    return statement.Step().value() ? statement.Text(0) : "";
  }

  TempDir folder_;
  std::unique_ptr<FakeCluster> cluster_;
};

TEST_F(CoordinatorMembersTest, WithoutFailures) {
  Start();
  ExpectGoodEnd();
  EXPECT_EQ(cluster_->steps().size(), 13u);
  for (const NodeId& id : cluster_->ids()) EXPECT_TRUE(cluster_->node(id).stopped);
  EXPECT_THAT(cluster_->Events("node_lost"), IsEmpty());
}

TEST_F(CoordinatorMembersTest, DegradeOpensTheSameWindowAtOnceWithoutTheLostNode) {
  Start();
  cluster_->RunUntil(3);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kGrant, kR1));
  const uint64_t attempt = LastOpen(kT1).attempt();
  cluster_->ClearSent();
  cluster_->KillNode(kT2);
  ASSERT_EQ(cluster_->Sent(Body::kAbort, kT1).size(), 1u);
  EXPECT_EQ(cluster_->Sent(Body::kAbort, kT1)[0].attempt(), attempt);
  const v1::Message open = LastOpen(kT1);
  EXPECT_EQ(open.open_window().window(), 3u);
  EXPECT_EQ(open.attempt(), attempt + 1);
  EXPECT_EQ(open.open_window().view(), 2u);
  EXPECT_THAT(open.open_window().transmitter_up(), ElementsAre(true, false));
  EXPECT_THAT(open.open_window().receiver_up(), ElementsAre(true, true));
  EXPECT_EQ(cluster_->Events("node_lost").at(0)["node"], "transmitter2");
  EXPECT_EQ(cluster_->Events("aborted").at(0)["window"], 3);
  cluster_->RestartNode(kT2);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, WaitOpensTheSameWindowOnceTheNodeIsBack) {
  Start(OnFailure::kWait);
  cluster_->RunUntil(3);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kGrant, kR1));
  cluster_->ClearSent();
  cluster_->KillNode(kT2);
  cluster_->RunUntil(4);
  EXPECT_EQ(cluster_->committed(), 3u);
  EXPECT_THAT(cluster_->Sent(Body::kOpenWindow, kT1), IsEmpty());
  EXPECT_EQ(cluster_->coordinator()->Awaiting(), "waiting for transmitter2 to join");
  cluster_->RestartNode(kT2);
  cluster_->RunUntil(4);
  const v1::OpenWindow open = cluster_->Sent(Body::kOpenWindow, kT2).at(0).open_window();
  EXPECT_EQ(open.window(), 3u);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, WithoutAReceiverNothingOpens) {
  Start();
  cluster_->RunUntil(3);
  cluster_->KillNode(kR1);
  cluster_->KillNode(kR2);
  cluster_->RunUntil(4);
  EXPECT_EQ(cluster_->committed(), 3u);
  EXPECT_EQ(cluster_->coordinator()->Awaiting(), "waiting for receiver1, receiver2 to join");
  cluster_->RestartNode(kR2);
  cluster_->RunUntil(5);
  EXPECT_EQ(cluster_->committed(), 5u);
  cluster_->RestartNode(kR1);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ALostNodeComesBackFromTheLastCompleteCheckpoint) {
  Start();
  cluster_->RunUntil(7);
  cluster_->KillNode(kT2);
  cluster_->RunUntil(8);
  cluster_->ClearSent();
  cluster_->RestartNode(kT2);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT2));
  ASSERT_EQ(cluster_->Sent(Body::kRestore, kT2).size(), 1u);
  EXPECT_EQ(cluster_->Sent(Body::kRestore, kT2)[0].restore().checkpoint().window(), 5u);
  EXPECT_THAT(LastOpen(kT2).open_window().transmitter_up(), ElementsAre(true, true));
  EXPECT_EQ(LastOpen(kT2).open_window().cut_size(), 0);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ADamagedCheckpointIsRefusedAndTheOneBeforeIsUsed) {
  Start();
  cluster_->RunUntil(11);
  cluster_->KillNode(kR2);
  cluster_->node(kR2).damaged = {10};
  cluster_->ClearSent();
  cluster_->RestartNode(kR2);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kR2));
  ASSERT_EQ(cluster_->Sent(Body::kRestore, kR2).size(), 2u);
  EXPECT_EQ(cluster_->Sent(Body::kRestore, kR2)[0].restore().checkpoint().window(), 10u);
  EXPECT_EQ(cluster_->Sent(Body::kRestore, kR2)[1].restore().checkpoint().window(), 5u);
  EXPECT_THAT(cluster_->Events("checkpoint_refused").at(0)["reason"].get<std::string>(),
              HasSubstr("wrong checksum"));
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ALiveNodeKeepsItsStateAndMayMissWindows) {
  Start();
  cluster_->RunUntil(7);
  while (cluster_->node(kT2).reported) ASSERT_TRUE(cluster_->Step());
  cluster_->BreakStream(kT2);
  cluster_->RunUntil(9);
  const std::string state = cluster_->node(kT2).state;
  cluster_->ClearSent();
  cluster_->Reconnect(kT2);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT2));
  EXPECT_THAT(cluster_->Sent(Body::kRestore, kT2), IsEmpty());
  EXPECT_EQ(cluster_->node(kT2).state, state);
  EXPECT_EQ(LastOpen(kT2).open_window().cut_size(), 0);  // its streams live, too
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, InDoubtAboutACommittedAttempt) {
  Start();
  cluster_->RunUntil(4);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kCommit, kT2));  // of window 3 or 4, not yet handled
  const FakeNode& node = cluster_->node(kT2);
  ASSERT_TRUE(node.reported);
  const uint64_t window = node.open.window(), attempt = node.attempt;
  const std::string state = node.state;
  cluster_->BreakStream(kT2);
  ASSERT_TRUE(node.reported);
  cluster_->ClearSent();
  cluster_->Reconnect(kT2);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kCommit, kT2));
  const v1::Message commit = cluster_->Sent(Body::kCommit, kT2).at(0);
  EXPECT_EQ(commit.commit().window(), window);
  EXPECT_EQ(commit.attempt(), attempt);
  EXPECT_THAT(cluster_->Sent(Body::kAbort, kT2), IsEmpty());
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT2));
  EXPECT_NE(node.state, state);
  EXPECT_EQ(node.next_window, window + 1);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, InDoubtAboutAnAbortedAttempt) {
  Start();
  cluster_->RunUntil(4);
  const FakeNode& node = cluster_->node(kT2);
  while (!(node.reported && cluster_->committed() == node.open.window())) {
    ASSERT_TRUE(cluster_->Step());
  }
  const std::string state = node.state;
  const uint64_t attempt = node.attempt;
  cluster_->ClearSent();
  cluster_->BreakStream(kT2);
  EXPECT_EQ(cluster_->Sent(Body::kAbort, kT1).size(), 1u);
  cluster_->Reconnect(kT2);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kAbort, kT2));
  EXPECT_EQ(cluster_->Sent(Body::kAbort, kT2).at(0).attempt(), attempt);
  EXPECT_THAT(cluster_->Sent(Body::kCommit, kT2), IsEmpty());
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT2));
  EXPECT_EQ(node.state, state);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, AReconnectReplacesTheOldConnection) {
  Start();
  cluster_->RunUntil(4);
  v1::Message hello = HelloFrom(kR1);
  hello.mutable_hello()->set_incarnation(cluster_->node(kR1).incarnation);
  cluster_->node(kR1).outbox.clear();
  cluster_->node(kR1).inbox.clear();
  cluster_->ClearSent();
  ASSERT_TRUE(cluster_->coordinator()->Handle(kR1, hello).ok());
  EXPECT_EQ(cluster_->Sent(Body::kWelcome, kR1).size(), 1u);
  EXPECT_EQ(cluster_->Sent(Body::kAbort, kT1).size(), 1u);
  hello.mutable_hello()->set_incarnation(12345);  // another process of that name
  ASSERT_TRUE(cluster_->coordinator()->Handle(kR1, hello).ok());
  EXPECT_EQ(cluster_->Sent(Body::kRefusal, kR1).at(0).refusal().reason(),
            v1::Refusal::DUPLICATE_NODE);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ANodeThatCanNotBeSentToIsLost) {
  Start();
  cluster_->RunUntil(4);
  cluster_->node(kR2).connected = false;  // and nobody has said so yet
  cluster_->RunUntil(6);
  EXPECT_EQ(cluster_->committed(), 6u);
  EXPECT_THAT(cluster_->Events("node_lost").at(0)["reason"].get<std::string>(),
              HasSubstr("can't send"));
  cluster_->Reconnect(kR2);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ANodeThatFailsIsLost) {
  Start();
  cluster_->RunUntil(4);
  v1::Message failed;
  failed.mutable_refusal()->set_reason(v1::Refusal::FAILED);
  failed.mutable_refusal()->set_detail("out of memory");
  cluster_->node(kT2).outbox.push_front(failed);
  cluster_->RunUntil(6);
  EXPECT_THAT(cluster_->Events("node_lost").at(0)["reason"].get<std::string>(),
              HasSubstr("out of memory"));
  EXPECT_EQ(cluster_->committed(), 6u);
  cluster_->KillNode(kT2);
  cluster_->RestartNode(kT2);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, APairThatFailsInAWindowIsLeftOutAndTheWindowCommits) {
  Start();
  cluster_->RunUntil(4);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kGrant, kT1));
  const uint64_t window = LastOpen(kT1).open_window().window();
  cluster_->ClearSent();
  cluster_->FailPair(0, 1);
  cluster_->RunUntil(window + 1);
  // Whoever said it first, the other end was told.
  EXPECT_EQ(
      cluster_->Sent(Body::kPairStatus, kT1).size() + cluster_->Sent(Body::kPairStatus, kR2).size(),
      1u);
  EXPECT_THAT(cluster_->Sent(Body::kAbort, kT1), IsEmpty());
  EXPECT_EQ(cluster_->Events("pair_down").size(), 1u);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT1));
  ASSERT_EQ(LastOpen(kT1).open_window().cut_size(), 1);
  EXPECT_EQ(LastOpen(kT1).open_window().cut(0).transmitter(), 0u);
  EXPECT_EQ(LastOpen(kT1).open_window().cut(0).receiver(), 1u);
  cluster_->RunUntil(window + 3);
  cluster_->MendPair(0, 1);
  cluster_->RunUntil(window + 4);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT1));
  EXPECT_EQ(LastOpen(kT1).open_window().cut_size(), 0);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, AWordThatWasOvertakenDoesNotCutAPairForEver) {
  Start();
  cluster_->RunUntil(4);
  // Of the stream before the present one.
  ASSERT_TRUE(cluster_->coordinator()->Handle(kT1, PairMessage(0, 1, false)).ok());
  cluster_->node(kR2).inbox.pop_back();  // the receiver is told, and this is lost as well
  cluster_->RunUntil(6);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT1));
  EXPECT_EQ(LastOpen(kT1).open_window().cut_size(), 1);
  cluster_->Wait(absl::Seconds(6));  // asks the receiver again
  cluster_->RunUntil(8);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kOpenWindow, kT1));
  EXPECT_EQ(LastOpen(kT1).open_window().cut_size(), 0);
  // A transmitter can't say that it is up, nor anyone that another's pair is down.
  ASSERT_TRUE(cluster_->coordinator()->Handle(kT2, PairMessage(0, 1, false)).ok());
  EXPECT_EQ(cluster_->Sent(Body::kRefusal, kT2).size(), 1u);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, MessagesOfAnOldAttemptAreDroppedAndCounted) {
  Start();
  cluster_->RunUntil(3);
  ASSERT_TRUE(cluster_->RunUntilSent(Body::kGrant, kR1));
  cluster_->KillNode(kT2);  // another attempt at window 3
  v1::Message claim;
  *claim.mutable_claim() = MakeClaim(3);
  claim.set_attempt(LastOpen(kT1).attempt() - 1);
  ASSERT_TRUE(cluster_->coordinator()->Handle(kT1, claim).ok());
  v1::Message report;
  *report.mutable_report() = ReceiverReport(3, 2, 20, 10, 0.5);
  report.set_attempt(LastOpen(kT1).attempt() - 1);
  ASSERT_TRUE(cluster_->coordinator()->Handle(kR1, report).ok());
  cluster_->RunUntil(4);
  EXPECT_THAT(cluster_->Sent(Body::kRefusal, kT1), IsEmpty());
  // These two, and what the nodes had said before they heard of the new attempt.
  const std::string count =
      Query("SELECT count FROM refusal WHERE window = 3 AND reason = 'stale'");
  EXPECT_GE(std::stoi(count), 2);
  cluster_->RestartNode(kT2);
  ExpectGoodEnd();
}

TEST_F(CoordinatorMembersTest, ParametersOfLostNodesAreWaitedForAWhile) {
  Start();
  cluster_->RunUntil(10);
  cluster_->KillNode(kT2);
  cluster_->RunToTheEnd();
  EXPECT_EQ(cluster_->committed(), 12u);  // evaluates with the parameters of all, if it can
  EXPECT_FALSE(cluster_->done());
  cluster_->Wait(absl::Seconds(31));
  cluster_->RunToTheEnd();
  EXPECT_TRUE(cluster_->done());
  EXPECT_EQ(cluster_->Events("parameters_missing").at(0)["nodes"], "transmitter2");
}

TEST_F(CoordinatorMembersTest, ANodeThatIsBackBeforeTheParametersAreWrittenIsAskedForItsOwn) {
  Start();
  cluster_->RunUntil(10);
  cluster_->KillNode(kT2);
  cluster_->RunToTheEnd();
  cluster_->RestartNode(kT2);
  ExpectGoodEnd();
  EXPECT_THAT(cluster_->Events("parameters_missing"), IsEmpty());
}

}  // namespace
}  // namespace semlink::coordinator
