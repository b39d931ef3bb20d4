#include "coordinator/run_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/rng.h"
#include "common/scenario/reader.h"
#include "coordinator/sqlite.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kTrain = 30, kAll = 36;

v1::Traffic Counter(const NodeId& peer, const std::string& kind, uint64_t bytes) {
  v1::Traffic traffic;
  *traffic.mutable_peer() = ToProto(peer);
  traffic.set_kind(kind);
  traffic.set_bytes_sent(bytes);
  traffic.set_messages_sent(bytes / 10);
  return traffic;
}

// Window w of a run: TRAIN below kTrain, then EVALUATE. All figures follow from w.
WindowRecord Record(uint64_t w) {
  WindowRecord record;
  record.open.set_window(w);
  record.open.set_kind(w < kTrain ? v1::TRAIN : v1::EVALUATE);
  record.open.set_rounds(4);
  record.open.set_batch_size(5);
  record.open.set_cr_draw(w % 2);
  record.open.set_view(1);
  record.attempt = (uint64_t{1} << 32) + w + 1;
  record.granted = {MakeLink(0, 0, 0, {0, static_cast<uint32_t>(w % 3 + 1)}),
                    MakeLink(1, 0, 1, {static_cast<uint32_t>(w % 4)})};
  const double x = 1.0 / (3.0 + static_cast<double>(w));
  record.reports[NodeId::Transmitter(0)] =
      TransmitterReport(w, {MakeLinkReport(0, 0, 0, 2, x, 0.5), MakeLinkReport(0, 1, 0, 0, 0, x)});
  record.reports[NodeId::Transmitter(1)] =
      TransmitterReport(w, {MakeLinkReport(1, 0, 1, 1, 2 * x, x)});
  record.reports[NodeId::Receiver(0)] = ReceiverReport(w, 2, 20, static_cast<double>(w % 20), x);
  record.reports[NodeId::Receiver(1)] = ReceiverReport(w, 2, 20, 5, 2 * x);
  record.refused = {{"receiver_limit", static_cast<int>(w % 3)}};
  record.elapsed = absl::Milliseconds(100 + w);
  record.opened_at = absl::FromUnixSeconds(1000 + w);
  record.committed_at = record.opened_at + record.elapsed;
  return record;
}

// Cumulative counters of transmitter 1 for this window.
WindowRecord WithTraffic(uint64_t w, uint64_t bytes) {
  WindowRecord record = Record(w);
  *record.reports[NodeId::Transmitter(0)].add_traffic() =
      Counter(NodeId::Receiver(0), "feature", bytes);
  return record;
}

class RunRecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<RunRecorder> Create(const std::string& dir) {
    JobOptions options;
    options.test_size = 60;
    auto recorder = RunRecorder::Create(dir, SmallScenario(),
                                        Job::Make(SmallScenario(), options).value(), &clock_);
    EXPECT_TRUE(recorder.ok()) << recorder.status();
    return *std::move(recorder);
  }
  std::unique_ptr<RunRecorder> Resume(const std::string& dir) {
    auto recorder = RunRecorder::Resume(dir, &clock_);
    EXPECT_TRUE(recorder.ok()) << recorder.status();
    return *std::move(recorder);
  }
  // Windows [from, to).
  void Commit(RunRecorder* recorder, uint64_t from, uint64_t to) {
    for (uint64_t w = from; w < to; ++w) {
      const absl::Status status = recorder->CommitWindow(WithTraffic(w, 100 * (w + 1)));
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  void Finish(RunRecorder* recorder) {
    ASSERT_TRUE(recorder->Finish(Membership(SmallScenario()), transport_).ok());
  }
  nlohmann::json Summary(const std::string& dir) {
    nlohmann::json summary = ReadJson(dir + "/summary.json");
    summary["peak_rss_bytes"].erase("coordinator");
    return summary;
  }

  TempDir folder_;
  FakeClock clock_{absl::FromUnixSeconds(5000)};
  RecordingTransport transport_;
};

TEST_F(RunRecorderTest, AResumedRunEndsAsOneThatWasNotInterrupted) {
  const std::string whole = folder_ / "whole", parts = folder_ / "parts";
  auto recorder = Create(whole);
  Commit(recorder.get(), 0, kAll);
  Finish(recorder.get());
  // Ends of coordinators in training, between the phases, in the evaluation, and before the first
  // window.
  recorder = Create(parts);
  uint64_t done = 0;
  for (uint64_t stop : {uint64_t{0}, uint64_t{7}, kTrain, kTrain + 3}) {
    Commit(recorder.get(), done, stop);
    done = stop;
    recorder.reset();
    recorder = Resume(parts);
    ASSERT_EQ(recorder->committed_windows(), stop);
    EXPECT_EQ(ReadFile(parts + "/metrics.jsonl").value(),
              ReadFile(whole + "/metrics.jsonl")
                  .value()
                  .substr(0, ReadFile(parts + "/metrics.jsonl")->size()));
  }
  EXPECT_EQ(recorder->starts(), 5u);
  Commit(recorder.get(), done, kAll);
  Finish(recorder.get());
  EXPECT_EQ(Summary(parts), Summary(whole));
  EXPECT_EQ(Summary(parts)["windows"], kTrain);
  EXPECT_EQ(ReadFile(parts + "/metrics.jsonl").value(), ReadFile(whole + "/metrics.jsonl").value());
}

TEST_F(RunRecorderTest, ResumeGivesBackWhatTheRunIs) {
  const std::string dir = folder_ / "run";
  auto recorder = Create(dir);
  EXPECT_EQ(recorder->starts(), 1u);
  EXPECT_EQ(recorder->committed_windows(), 0u);
  const std::string id = recorder->run_id();
  Commit(recorder.get(), 0, 2);
  ASSERT_TRUE(recorder->AbortWindow(Record(2), "lost receiver1").ok());
  recorder.reset();
  recorder = Resume(dir);
  EXPECT_EQ(recorder->run_id(), id);
  EXPECT_EQ(EmitScenario(recorder->scenario()), EmitScenario(SmallScenario()));
  EXPECT_EQ(recorder->job_options().test_size, 60);
  EXPECT_EQ(recorder->job_options().draws, 2);  // filled in
  EXPECT_EQ(recorder->CommittedAttempt(1).value(), Record(1).attempt);
  EXPECT_EQ(recorder->CommittedAttempt(2).value(), std::nullopt);
  const WindowRecord record = recorder->Committed(1).value();
  EXPECT_EQ(record.elapsed, Record(1).elapsed);
  EXPECT_EQ(record.reports.at(NodeId::Receiver(1)).SerializeAsString(),
            WithTraffic(1, 200).reports.at(NodeId::Receiver(1)).SerializeAsString());
  EXPECT_FALSE(recorder->has_parameters());
}

TEST_F(RunRecorderTest, TrafficAddsUpOverRestarts) {
  const std::string dir = folder_ / "run";
  const NodeId node = NodeId::Transmitter(0);
  auto recorder = Create(dir);
  ASSERT_TRUE(recorder->Epoch({node, 1, 0, true, {}}).ok());
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(0, 100)).ok());
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(1, 250)).ok());
  recorder.reset();
  recorder = Resume(dir);  // the node lives on
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(2, 300)).ok());
  ASSERT_TRUE(recorder->Epoch({node, 2, 3, false, {}}).ok());      // another process
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(3, 1000)).ok());  // more than the one before
  ASSERT_TRUE(recorder->Epoch({node, 2, 4, true, {}}).ok());       // it was away for a moment
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(4, 1100)).ok());
  recorder.reset();
  recorder = Resume(dir);
  ASSERT_TRUE(recorder->CommitWindow(WithTraffic(5, 10)).ok());  // has started again unseen
  Finish(recorder.get());
  const nlohmann::json bytes = Summary(dir)["message_bytes"];
  ASSERT_EQ(bytes.size(), 1u);
  EXPECT_EQ(bytes[0]["bytes"], 300 + 1100 + 10);
  Statement sum = Database::Open(dir + "/ledger.sqlite")
                      ->Prepare("SELECT sum(bytes_sent), count(*) FROM traffic")
                      .value();
  ASSERT_TRUE(sum.Step().value());
  EXPECT_EQ(sum.Int(0), 300 + 1100 + 10);
  EXPECT_EQ(sum.Int(1), 6);
}

TEST_F(RunRecorderTest, TornLinesAreRepaired) {
  const std::string dir = folder_ / "run";
  auto recorder = Create(dir);
  ASSERT_TRUE(recorder->Event("ready", {{"nodes", 4}}).ok());
  Commit(recorder.get(), 0, 3);
  recorder.reset();
  const std::string metrics = ReadFile(dir + "/metrics.jsonl").value();
  const std::string events = ReadFile(dir + "/events.jsonl").value();
  ASSERT_TRUE(WriteFileAtomically(dir + "/metrics.jsonl", metrics.substr(0, 100)).ok());
  ASSERT_TRUE(WriteFileAtomically(dir + "/events.jsonl", events + "{\"time\":\"19").ok());
  recorder = Resume(dir);
  EXPECT_EQ(ReadFile(dir + "/metrics.jsonl").value(), metrics);
  EXPECT_EQ(ReadFile(dir + "/events.jsonl").value(), events);
  Commit(recorder.get(), 3, 4);
  EXPECT_EQ(ReadJsonLines(dir + "/metrics.jsonl").size(), 4u);
  recorder.reset();
  std::filesystem::remove(dir + "/metrics.jsonl");
  std::filesystem::remove(dir + "/events.jsonl");
  recorder = Resume(dir);
  EXPECT_EQ(ReadJsonLines(dir + "/metrics.jsonl").size(), 4u);
}

TEST_F(RunRecorderTest, ResumeSaysWhatIsWrong) {
  const std::string dir = folder_ / "run";
  EXPECT_TRUE(absl::IsNotFound(RunRecorder::Resume(dir, &clock_).status()));
  auto recorder = Create(dir);
  Commit(recorder.get(), 0, 1);
  const absl::Status held = RunRecorder::Resume(dir, &clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(held));
  EXPECT_THAT(std::string(held.message()), HasSubstr("in use"));
  recorder->Fail("no power");
  recorder.reset();
  const std::string scenario = ReadFile(dir + "/scenario.yaml").value();
  ASSERT_TRUE(WriteFileAtomically(dir + "/scenario.yaml", scenario + "\n").ok());
  const absl::Status changed = RunRecorder::Resume(dir, &clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(changed));
  EXPECT_THAT(std::string(changed.message()), HasSubstr("scenario.yaml has been changed"));
  std::filesystem::remove(dir + "/scenario.yaml");
  recorder = Resume(dir);  // a failed run can go on
  EXPECT_EQ(ReadFile(dir + "/scenario.yaml").value(), scenario);
  EXPECT_EQ(recorder->starts(), 2u);  // those that were refused do not count
  Finish(recorder.get());
  recorder.reset();
  const absl::Status finished = RunRecorder::Resume(dir, &clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(finished));
  EXPECT_THAT(std::string(finished.message()), HasSubstr("is finished"));
  ASSERT_TRUE(WriteFileAtomically(dir + "/ledger.sqlite", "no ledger").ok());
  EXPECT_TRUE(absl::IsDataLoss(RunRecorder::Resume(dir, &clock_).status()));
}

TEST_F(RunRecorderTest, ParametersCountOnceTheyAreInTheLedger) {
  const std::string dir = folder_ / "run";
  auto recorder = Create(dir);
  ParametersByNode parameters;
  for (const NodeId& node : AllNodes(SmallScenario())) {
    v1::NamedTensor* named = parameters[node].add_tensor();
    named->set_name("weight");
    named->mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
    named->mutable_tensor()->add_shape(1);
    named->mutable_tensor()->set_data("abcd");
  }
  // As a coordinator leaves it that ended after the folder and before the ledger.
  std::filesystem::create_directories(dir + "/parameters");
  ASSERT_TRUE(WriteFileAtomically(dir + "/parameters/old", "x").ok());
  recorder.reset();
  recorder = Resume(dir);
  EXPECT_FALSE(recorder->has_parameters());
  ASSERT_TRUE(recorder->Parameters(parameters).ok());
  EXPECT_FALSE(FileExists(dir + "/parameters/old"));
  recorder.reset();
  recorder = Resume(dir);
  EXPECT_TRUE(recorder->has_parameters());
  Finish(recorder.get());
  EXPECT_EQ(Summary(dir)["parameters_sha256"], ParametersSha256(parameters));
}

TEST_F(RunRecorderTest, CheckpointsThatFailedAreEvents) {
  const std::string dir = folder_ / "run";
  auto recorder = Create(dir);
  v1::Checkpointed written;
  written.mutable_checkpoint()->set_window(5);
  written.mutable_checkpoint()->set_sha256("ab");
  for (const NodeId& node : AllNodes(SmallScenario())) {
    EXPECT_THAT(recorder->CompleteCheckpoints().value(), IsEmpty());
    ASSERT_TRUE(recorder->CheckpointFile(node, written).ok());
  }
  EXPECT_THAT(recorder->CompleteCheckpoints().value(), ElementsAre(5u));
  EXPECT_EQ(recorder->FileOf(5, NodeId::Receiver(0)).value()->sha256(), "ab");
  written.mutable_checkpoint()->set_window(6);
  written.mutable_checkpoint()->clear_sha256();
  written.set_detail("disk full");
  ASSERT_TRUE(recorder->CheckpointFile(NodeId::Receiver(0), written).ok());
  EXPECT_EQ(recorder->FileOf(6, NodeId::Receiver(0)).value().has_value(), false);
  EXPECT_EQ(ReadJsonLines(dir + "/events.jsonl").back()["reason"], "disk full");
}

// A writer is killed at any moment, again and again: every window that it told of is there, whole,
// and none is missing or there twice.
TEST_F(RunRecorderTest, NothingIsLostWhenTheWriterIsKilled) {
  const std::string dir = folder_ / "run";
  Create(dir).reset();
  RandomStream random(1, Purpose::kFault);
  uint64_t told = 0, before = 0;
  for (int kill_number = 0; kill_number < 12; ++kill_number) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto recorder = RunRecorder::Resume(dir, &clock_);
      if (!recorder.ok()) _exit(1);
      for (uint64_t w = (*recorder)->committed_windows();; ++w) {
        WindowRecord record = WithTraffic(w, 100 * (w + 1));
        record.open.set_kind(v1::TRAIN);
        if (!(*recorder)->CommitWindow(record).ok()) _exit(2);
        if (write(ends[1], &w, sizeof w) != sizeof w) _exit(3);
      }
    }
    close(ends[1]);
    uint64_t first = 0;  // it is at work, however slow the machine is
    ASSERT_EQ(read(ends[0], &first, sizeof first), static_cast<ssize_t>(sizeof first));
    told = first + 1;
    usleep(static_cast<useconds_t>(random.Uniform() * 20000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);
    for (uint64_t w = 0; read(ends[0], &w, sizeof w) == sizeof w;) told = w + 1;
    close(ends[0]);
    auto recorder = Resume(dir);
    ASSERT_GE(recorder->committed_windows(), told);
    told = std::max(told, before);
    ASSERT_LE(recorder->committed_windows(), told + 1);
    before = recorder->committed_windows();
    for (uint64_t w = 0; w < recorder->committed_windows(); ++w) {
      const WindowRecord record = recorder->Committed(w).value();
      ASSERT_EQ(record.reports.size(), 4u);
      ASSERT_EQ(record.attempt, Record(w).attempt);
    }
    ASSERT_EQ(ReadJsonLines(dir + "/metrics.jsonl").size(), recorder->committed_windows());
  }
  EXPECT_GE(told, 12u);
  Statement rows = Database::Open(dir + "/ledger.sqlite")
                       ->Prepare(
                           "SELECT count(*), (SELECT count(*) FROM link), "
                           "(SELECT count(*) FROM result), (SELECT count(*) FROM start) "
                           "FROM window")
                       .value();
  ASSERT_TRUE(rows.Step().value());
  EXPECT_EQ(rows.Int(1), 2 * rows.Int(0));
  EXPECT_EQ(rows.Int(2), 2 * rows.Int(0));
  EXPECT_GE(rows.Int(3), 13);
}

}  // namespace
}  // namespace semlink::coordinator
