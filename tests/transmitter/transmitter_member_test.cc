// Coming back, doubt, attempts, checkpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/base/file_system.h"
#include "common/store/safetensors.h"
#include "tests/base/temp_dir.h"
#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

using ::testing::HasSubstr;

TEST(TransmitterMemberTest, LosingTheCoordinatorBeforeTheReportForgetsTheWindow) {
  TransmitterDriver disturbed, clean;
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  disturbed.FromCoordinator(TransmitterDriver::GrantOf(disturbed.Ask({0, 4}, {1})));
  disturbed.FromReceiver(0, disturbed.Gradients(0));
  const v1::Message late = disturbed.Gradients(1);
  disturbed.Lose(NodeId::Coordinator());
  disturbed.FromReceiver(1, late);  // of an attempt that is over
  EXPECT_EQ(disturbed.Count(Body::kReport), 1u);
  disturbed.Welcome();
  const v1::Ready ready = disturbed.LastReady();
  EXPECT_TRUE(ready.live());
  EXPECT_FALSE(ready.in_doubt());
  EXPECT_EQ(ready.next_window(), 1u);
  disturbed.RunTrain(1);
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
  EXPECT_EQ(disturbed.node.refusals(), 0);
}

class TransmitterDoubtTest : public ::testing::Test {
 protected:
  // Window 1 is reported, the coordinator lost and back.
  void Doubt(TransmitterDriver* driver) {
    driver->RunTrain(0);
    driver->Report(1);
    const uint64_t attempt = driver->attempt;
    driver->Lose(NodeId::Coordinator());
    driver->Welcome();
    const v1::Ready ready = driver->LastReady();
    EXPECT_TRUE(ready.live());
    EXPECT_TRUE(ready.in_doubt());
    EXPECT_EQ(ready.next_window(), 1u);
    EXPECT_EQ(ready.attempt(), attempt);
  }
};

TEST_F(TransmitterDoubtTest, CommitIsAsGoodAsAtOnce) {
  TransmitterDriver doubtful, clean;
  Doubt(&doubtful);
  doubtful.Commit();
  clean.RunTrain(0);
  clean.RunTrain(1);
  EXPECT_EQ(doubtful.Parameters(), clean.Parameters());
  doubtful.Lose(NodeId::Coordinator());
  doubtful.Welcome();
  EXPECT_FALSE(doubtful.LastReady().in_doubt());
  EXPECT_EQ(doubtful.LastReady().next_window(), 2u);
}

TEST_F(TransmitterDoubtTest, AbortLeavesNoTrace) {
  TransmitterDriver doubtful, clean;
  Doubt(&doubtful);
  clean.RunTrain(0);
  doubtful.Abort();
  EXPECT_EQ(doubtful.Parameters(), clean.Parameters());
  doubtful.RunTrain(1);
  clean.RunTrain(1);
  EXPECT_EQ(doubtful.Parameters(), clean.Parameters());
}

TEST_F(TransmitterDoubtTest, NothingElseEndsIt) {
  TransmitterDriver doubtful, clean;
  Doubt(&doubtful);
  v1::Message open, commit, abort, restore;
  *open.mutable_open_window() = OpenTrain(doubtful.scenario, 1);
  open.set_attempt(doubtful.attempt + 1);
  commit.mutable_commit()->set_window(1);
  commit.set_attempt(doubtful.attempt + 7);
  abort.mutable_abort()->set_window(1);
  abort.set_attempt(1);
  doubtful.FromCoordinator(open);
  EXPECT_EQ(doubtful.node.refusals(), 1);
  EXPECT_THAT(doubtful.transport.sent.back().second.refusal().detail(), HasSubstr("awaits"));
  doubtful.FromCoordinator(commit);
  doubtful.FromCoordinator(abort);
  EXPECT_FALSE(doubtful.Restore({}).ok());
  EXPECT_TRUE(doubtful.Checkpoint(2).checkpoint().sha256().empty());
  doubtful.Commit();
  clean.RunTrain(0);
  clean.RunTrain(1);
  EXPECT_EQ(doubtful.Parameters(), clean.Parameters());
  EXPECT_EQ(doubtful.node.refusals(), 1);
}

TEST(TransmitterMemberTest, AnotherRunOrScenarioIsFatal) {
  for (bool run : {true, false}) {
    TransmitterDriver driver;
    Scenario other = driver.scenario;
    other.seed += run ? 0 : 1;
    v1::Message welcome;
    welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(other));
    welcome.mutable_welcome()->set_run_id(run ? "run2" : "run1");
    const absl::Status status = driver.TryFromCoordinator(welcome);
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr(run ? "run run2" : "another scenario"));
    EXPECT_EQ(driver.transport.sent.back().second.refusal().reason(), v1::Refusal::FAILED);
  }
}

TEST(TransmitterMemberTest, RefusalsOfTheCoordinator) {
  for (const auto reason : {v1::Refusal::BAD_MESSAGE, v1::Refusal::DUPLICATE_NODE,
                            v1::Refusal::IDENTITY, v1::Refusal::UNKNOWN_NODE}) {
    TransmitterDriver driver;
    v1::Message refusal;
    refusal.mutable_refusal()->set_reason(reason);
    const bool final = reason == v1::Refusal::IDENTITY || reason == v1::Refusal::UNKNOWN_NODE;
    EXPECT_EQ(driver.TryFromCoordinator(refusal).ok(), !final);
    EXPECT_EQ(driver.node.done(), final);
  }
  TransmitterDriver driver;
  EXPECT_FALSE(driver.node.PeerDown(NodeId::Coordinator(), absl::PermissionDeniedError("")).ok());
}

TEST(TransmitterMemberTest, WindowsMayBeMissedAndAttemptsMustRise) {
  TransmitterDriver driver;
  driver.RunTrain(0);
  driver.RunTrain(7);
  // The coordinator was restarted inside a window: the next attempt ends the one before.
  driver.Open(OpenTrain(driver.scenario, 8));
  driver.FromReceiver(0, driver.Request(driver.open, {0}));
  driver.RunTrain(8);
  EXPECT_EQ(driver.node.refusals(), 0);
  v1::Message old;
  *old.mutable_open_window() = OpenTrain(driver.scenario, 9);
  old.set_attempt(2);
  driver.FromCoordinator(old);
  EXPECT_EQ(driver.node.refusals(), 1);
}

TEST(TransmitterMemberTest, MessagesOfOtherAttemptsAreDropped) {
  TransmitterDriver disturbed, clean;
  disturbed.RunTrain(0);
  clean.RunTrain(0);
  disturbed.Open(OpenTrain(disturbed.scenario, 1));
  const auto old = [&](v1::Message message) {
    message.set_attempt(disturbed.attempt - 1);
    return message;
  };
  v1::Message grant, commit, abort;
  grant.mutable_grant()->set_window(1);
  commit.mutable_commit()->set_window(1);
  abort.mutable_abort()->set_window(1);
  disturbed.FromReceiver(0, old(disturbed.Request(disturbed.open, {0})));
  const v1::Claim claim = disturbed.Ask({0, 1, 2, 3}, {1, 2, 4});
  disturbed.FromCoordinator(old(grant));
  disturbed.FromCoordinator(TransmitterDriver::GrantOf(claim));
  disturbed.FromReceiver(0, old(disturbed.Gradients(0)));
  for (int t = 0; t < 2; ++t) disturbed.FromReceiver(t, disturbed.Gradients(t));
  disturbed.FromCoordinator(old(abort));
  disturbed.FromCoordinator(old(commit));
  disturbed.Commit();
  clean.RunTrain(1);
  EXPECT_EQ(disturbed.Parameters(), clean.Parameters());
  EXPECT_EQ(disturbed.node.refusals(), 0);
}

class TransmitterCheckpointTest : public ::testing::Test {
 protected:
  TempDir dir_;
  const Scenario scenario_ = TinyScenario();
};

TEST_F(TransmitterCheckpointTest, RestoredNodeGoesOnToTheLastBit) {
  TransmitterDriver whole(scenario_), before(scenario_, dir_.path());
  for (uint64_t w = 0; w < 4; ++w) whole.RunTrain(w);
  before.RunTrain(0);
  before.RunTrain(1);
  const v1::Checkpointed written = before.Checkpoint(2);
  EXPECT_EQ(written.checkpoint().window(), 2u);
  EXPECT_GT(written.bytes(), 0u);
  EXPECT_TRUE(written.detail().empty());
  before.RunTrain(2);  // lost with the process

  TransmitterDriver after(scenario_, dir_.path());
  const v1::Ready ready = after.LastReady();
  EXPECT_FALSE(ready.live());
  ASSERT_EQ(ready.checkpoint_size(), 1);
  EXPECT_EQ(ready.checkpoint(0).sha256(), written.checkpoint().sha256());
  EXPECT_TRUE(after.Restore(ready.checkpoint(0)).ok());
  for (uint64_t w = 2; w < 4; ++w) after.RunTrain(w);
  EXPECT_EQ(after.Parameters(), whole.Parameters());
  // The optimisers too: both write the same checkpoint.
  TransmitterDriver other(scenario_, dir_.path() + "/other");
  for (uint64_t w = 0; w < 4; ++w) other.RunTrain(w);
  EXPECT_EQ(after.Checkpoint(4).checkpoint().sha256(), other.Checkpoint(4).checkpoint().sha256());
}

TEST_F(TransmitterCheckpointTest, RestoreOfWindow0IsTheFreshState) {
  TransmitterDriver driver(scenario_, dir_.path()), fresh(scenario_);
  EXPECT_TRUE(driver.Restore({}).ok());
  driver.RunTrain(0);
  EXPECT_NE(driver.Parameters(), fresh.Parameters());
  EXPECT_TRUE(driver.Restore({}).ok());
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
  driver.RunTrain(0);
  fresh.RunTrain(0);
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
  driver.Lose(NodeId::Coordinator());
  driver.Welcome();
  EXPECT_TRUE(driver.LastReady().live());
}

// A run that starts from given parameters goes back to these.
TEST_F(TransmitterCheckpointTest, RestoreOfWindow0IsTheGivenState) {
  TransmitterDriver trained(scenario_);
  trained.RunTrain(0);
  const v1::Parameters start = trained.AskParameters();
  TransmitterDriver driver(scenario_, dir_.path(), start), fresh(scenario_, "", start);
  driver.RunTrain(0);
  EXPECT_NE(driver.Parameters(), start.SerializeAsString());
  EXPECT_TRUE(driver.Restore({}).ok());
  EXPECT_EQ(driver.Parameters(), start.SerializeAsString());
  // The optimisers begin anew as well.
  for (uint64_t w = 0; w < 2; ++w) {
    driver.RunTrain(w);
    fresh.RunTrain(w);
  }
  EXPECT_EQ(driver.Parameters(), fresh.Parameters());
}

TEST_F(TransmitterCheckpointTest, WhatCanNotBeRestoredChangesNothing) {
  TransmitterDriver driver(scenario_, dir_.path());
  driver.RunTrain(0);
  const v1::CheckpointId good = driver.Checkpoint(1).checkpoint();
  driver.RunTrain(1);
  const std::string before = driver.Parameters();
  v1::CheckpointId other = good, missing = good;
  other.set_sha256(std::string(64, 'a'));
  missing.set_window(9);
  for (const v1::CheckpointId& id : {other, missing}) {
    const v1::Restored restored = driver.Restore(id);
    EXPECT_FALSE(restored.ok());
    EXPECT_EQ(restored.window(), id.window());
    EXPECT_FALSE(restored.detail().empty());
  }
  const std::string path = dir_.path() + "/transmitter2/window-000001.safetensors";
  std::string bytes = ReadFile(path).value();
  bytes[bytes.size() - 3] ^= 4;
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_THAT(driver.Restore(good).detail(), HasSubstr("damaged"));
  EXPECT_EQ(driver.Parameters(), before);
  driver.RunTrain(2);
  TransmitterDriver again(scenario_, dir_.path());
  EXPECT_EQ(again.LastReady().checkpoint_size(), 0);
}

TEST_F(TransmitterCheckpointTest, PrunesAndKeepsOrder) {
  TransmitterDriver driver(scenario_, dir_.path());
  for (uint64_t w = 0; w < 3; ++w) {
    driver.RunTrain(w);
    driver.Checkpoint(w + 1, w);
  }
  EXPECT_EQ(ListFiles(dir_.path() + "/transmitter2")->size(), 2u);
  const v1::Checkpointed late = driver.Checkpoint(2);
  EXPECT_TRUE(late.checkpoint().sha256().empty());
  EXPECT_THAT(late.detail(), HasSubstr("out of order"));
  // This node was away for windows 3 and 4.
  EXPECT_FALSE(driver.Checkpoint(5).checkpoint().sha256().empty());
  driver.Open(OpenTrain(scenario_, 5));
  EXPECT_THAT(driver.Checkpoint(6).detail(), HasSubstr("a window is open"));
}

TEST_F(TransmitterCheckpointTest, WithoutAFolderItSaysSo) {
  TransmitterDriver driver(scenario_);
  driver.RunTrain(0);
  EXPECT_THAT(driver.Checkpoint(1).detail(), HasSubstr("--state"));
  v1::CheckpointId id;
  id.set_window(1);
  EXPECT_THAT(driver.Restore(id).detail(), HasSubstr("--state"));
  driver.RunTrain(1);
}

TEST_F(TransmitterCheckpointTest, AFolderThatCanNotBeMadeEndsIt) {
  std::ofstream(dir_.path() + "/file") << "x";
  RecordingTransport transport;
  TransmitterNode node(1, &transport, {dir_.path() + "/file"});
  v1::Message welcome;
  welcome.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario_));
  EXPECT_FALSE(node.Handle(NodeId::Coordinator(), welcome).ok());
  EXPECT_EQ(transport.sent.back().second.refusal().reason(), v1::Refusal::FAILED);
}

}  // namespace
}  // namespace semlink::transmitter
