#include "coordinator/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/sqlite.h"
#include "coordinator/stored_window.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

WindowRecord Record(uint64_t window) {
  WindowRecord record;
  record.open.set_window(window);
  record.open.set_kind(v1::TRAIN);
  record.open.set_rounds(4);
  record.open.set_batch_size(5);
  record.open.set_seed(0xffffffffffffffffull);
  record.open.set_view(1);
  record.open.add_transmitter_up(true);
  record.open.add_transmitter_up(false);
  record.open.add_receiver_up(true);
  record.open.add_receiver_up(true);
  record.open.add_cut()->set_receiver(1);
  record.attempt = (uint64_t{1} << 32) + 1;
  record.granted = {MakeLink(0, 1, 0, {0, 2}), MakeLink(1, 0, 1, {3})};
  record.reports[NodeId::Transmitter(0)] =
      TransmitterReport(window, {MakeLinkReport(0, 1, 0, 2, 1.5, 0.5)});
  v1::Report second = TransmitterReport(window, {MakeLinkReport(1, 0, 1, 1, 2.5, 0.25)});
  v1::Traffic* traffic = second.add_traffic();
  *traffic->mutable_peer() = ToProto(NodeId::Receiver(1));
  traffic->set_kind("feature");
  traffic->set_bytes_sent(640);
  traffic->set_messages_sent(2);
  v1::Wire* wire = second.add_wire();
  *wire->mutable_peer() = ToProto(NodeId::Receiver(1));
  wire->set_bytes_sent(900);
  wire->set_payload_sent(800);
  wire->set_segments_sent(2);
  wire->set_round_trip_us(45.5);
  wire->set_connection(1);
  record.reports[NodeId::Transmitter(1)] = second;
  record.reports[NodeId::Receiver(0)] = ReceiverReport(window, 2, 20, 15, 0.25);
  record.reports[NodeId::Receiver(1)] = ReceiverReport(window, 2, 20, 5, 1.5);
  record.refused = {{"receiver_limit", 3}, {"duplicate_message", 1}};
  record.opened_at = absl::FromUnixSeconds(1000);
  record.committed_at = absl::FromUnixSeconds(1001);
  record.elapsed = absl::Seconds(1);
  return record;
}

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RunInfo run;
    run.id = "run-1";
    run.scenario = "small";
    run.seed = 7;
    run.limits = SmallScenario().limits;
    run.job.test_size = 60;
    auto ledger = Ledger::Create(path_, run);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ledger_ = *std::move(ledger);
  }
  // The first column of every row, as text.
  std::vector<std::string> Query(const std::string& sql) {
    Database database = Database::Open(path_).value();
    Statement statement = database.Prepare(sql).value();
    std::vector<std::string> rows;
    while (statement.Step().value()) rows.push_back(statement.Text(0));
    return rows;
  }

  TempDir folder_;
  std::string path_ = folder_ / "ledger.sqlite";
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, IsInWalModeWithItsVersion) {
  EXPECT_THAT(Query("PRAGMA journal_mode"), ElementsAre("wal"));
  EXPECT_THAT(Query("SELECT value FROM meta WHERE key = 'schema_version'"), ElementsAre("4"));
  EXPECT_THAT(Query("SELECT id || job || seed || e_t || e_k || state FROM run"),
              ElementsAre("run-1train712running"));
}

TEST_F(LedgerTest, HoldsEverythingOfAWindow) {
  WindowRecord record = Record(0);
  record.reports[NodeId::Receiver(0)].add_log_likelihood(-0.75);
  v1::PairFailure* failure = record.reports[NodeId::Receiver(1)].add_failed();
  failure->set_transmitter(1);
  failure->set_receiver(1);
  failure->set_stage(v1::PairFailure::FEATURES);
  TrafficBook book;
  std::vector<TrafficGrowth> growth;
  for (const auto& [node, report] : record.reports) growth.push_back(book.Update(node, report));
  ASSERT_TRUE(ledger_->CommitWindow(record, growth).ok());
  EXPECT_THAT(Query("SELECT kind || ' ' || attempt || ' ' || rounds || ' ' || seconds || ' ' || "
                    "cpu_seconds || ' ' || cr_seed || ' ' || committed_at || ' ' || loss "
                    "FROM window"),
              ElementsAre("train 4294967297 4 1.0 1.5 -1 1970-01-01T00:16:41.000Z 2.75"));
  EXPECT_THAT(Query("SELECT receiver || ' ' || loss || ' ' || cross_entropy || ' ' || correct || "
                    "' ' || samples FROM result ORDER BY receiver"),
              ElementsAre("1 0.75 0.25 15.0 20", "2 2.0 1.5 5.0 20"));
  EXPECT_THAT(Query("SELECT coalesce(log_likelihood, 'none') FROM result ORDER BY receiver"),
              ElementsAre("-0.75", "none"));
  EXPECT_THAT(Query("SELECT transmitter || '.' || modality || '->' || receiver || ' ' || rounds || "
                    "round_list || ' ' || rate_nats || ' ' || coded_bits || ' ' || "
                    "coalesce(failed, 'whole') FROM link ORDER BY transmitter"),
              ElementsAre("1.2->1 2[0,2] 1.5 128.0 whole", "2.1->2 1[3] 2.5 128.0 features"));
  EXPECT_THAT(Query("SELECT transmitter || receiver || stage FROM pair_failure"),
              ElementsAre("22features"));
  EXPECT_THAT(Query("SELECT reason || count FROM refusal ORDER BY reason"),
              ElementsAre("duplicate_message1", "receiver_limit3"));
  EXPECT_THAT(Query("SELECT node || ' ' || peer || ' ' || kind || ' ' || bytes_sent FROM traffic"),
              ElementsAre("transmitter2 receiver2 feature 640"));
  EXPECT_THAT(Query("SELECT bytes_sent || ' ' || payload_sent || ' ' || segments_sent || ' ' || "
                    "round_trip_us || ' ' || connection FROM wire"),
              ElementsAre("900 800 2 45.5 1"));
  EXPECT_THAT(Query("SELECT node || up FROM view WHERE number = 1 ORDER BY node"),
              ElementsAre("receiver11", "receiver21", "transmitter11", "transmitter20"));
  EXPECT_THAT(Query("SELECT transmitter || receiver FROM view_cut"), ElementsAre("12"));
}

TEST_F(LedgerTest, ALinkWithoutAReportHasNoRate) {
  WindowRecord record = Record(0);
  record.reports.erase(NodeId::Transmitter(0));
  ASSERT_TRUE(ledger_->CommitWindow(record).ok());
  EXPECT_THAT(Query("SELECT rate_nats IS NULL FROM link ORDER BY transmitter"),
              ElementsAre("1", "0"));
}

TEST_F(LedgerTest, ARecordComesBackExactly) {
  WindowRecord record = Record(0);
  record.elapsed = absl::Seconds(1) / 3;
  record.opened_at = absl::UnixEpoch() - absl::Seconds(1) / 7;
  record.refused_links = 3;
  v1::InferReport infer;
  infer.set_seconds(0.1);
  infer.add_latency_us(1e-300);
  record.reports.erase(NodeId::Receiver(1));
  record.infer_reports[1] = infer;
  v1::Report own;
  own.add_traffic()->set_bytes_sent(5);
  ASSERT_TRUE(ledger_->CommitWindow(record, {}, {own}).ok());
  ledger_ = Ledger::Open(path_).value();
  const v1::StoredWindow stored = ledger_->Stored(0).value();
  const WindowRecord read = FromStored(stored);
  EXPECT_EQ(read.elapsed, record.elapsed);
  EXPECT_EQ(read.opened_at, record.opened_at);
  EXPECT_EQ(read.attempt, record.attempt);
  EXPECT_EQ(read.infer_reports.at(1).latency_us(0), 1e-300);
  EXPECT_EQ(stored.coordinator(0).traffic(0).bytes_sent(), 5u);
  v1::StoredWindow again = ToStored(read);
  *again.mutable_coordinator() = stored.coordinator();
  EXPECT_EQ(again.SerializeAsString(), stored.SerializeAsString());
  EXPECT_EQ(read.reports.size(), record.reports.size());
  EXPECT_EQ(read.refused, record.refused);
  EXPECT_EQ(read.refused_links, 3);
  EXPECT_TRUE(absl::IsNotFound(ledger_->Stored(1).status()));
}

TEST_F(LedgerTest, OnlyTheNextNumberCommits) {
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->CommitWindow(Record(1))));
  ASSERT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  const absl::Status again = ledger_->CommitWindow(Record(0));
  EXPECT_TRUE(absl::IsFailedPrecondition(again));
  EXPECT_THAT(std::string(again.message()), HasSubstr("the next one is 1"));
  EXPECT_THAT(Query("SELECT count(*) FROM link"), ElementsAre("2"));
  EXPECT_EQ(ledger_->committed(), 1u);
}

TEST_F(LedgerTest, LinksBeyondALimitDoNotCommit) {
  WindowRecord record = Record(0);
  record.granted = {MakeLink(0, 0, 0, {0}), MakeLink(0, 0, 1, {0}), MakeLink(0, 1, 1, {0})};
  const absl::Status third_link = ledger_->CommitWindow(record);
  EXPECT_TRUE(absl::IsFailedPrecondition(third_link));
  EXPECT_THAT(std::string(third_link.message()), HasSubstr("3 links of a transmitter (E_k 2)"));
  record.granted = {MakeLink(0, 0, 0, {1}), MakeLink(1, 0, 0, {1})};
  const absl::Status second_transmitter = ledger_->CommitWindow(record);
  EXPECT_TRUE(absl::IsFailedPrecondition(second_transmitter));
  EXPECT_THAT(std::string(second_transmitter.message()), HasSubstr("(E_t 1)"));
  EXPECT_THAT(Query("SELECT count(*) FROM window"), ElementsAre("0"));
  // The same in different rounds is allowed.
  record.granted = {MakeLink(0, 0, 0, {1}), MakeLink(1, 0, 0, {2})};
  EXPECT_TRUE(ledger_->CommitWindow(record).ok());
}

TEST_F(LedgerTest, AWindowThatCanNotBeWrittenWholeIsNotThere) {
  WindowRecord record = Record(0);
  record.granted.push_back(record.granted.back());  // twice the same row
  record.granted.back().clear_round();
  EXPECT_FALSE(ledger_->CommitWindow(record).ok());
  for (const char* table : {"window", "record", "link", "result", "view", "traffic"}) {
    EXPECT_THAT(Query(absl::StrCat("SELECT count(*) FROM ", table)), ElementsAre("0")) << table;
  }
  EXPECT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  EXPECT_THAT(Query("SELECT count(*) FROM view"), ElementsAre("4"));
}

TEST_F(LedgerTest, AbortedAttemptsAreKeptApart) {
  WindowRecord record = Record(0);
  ASSERT_TRUE(ledger_->AbortWindow(record, "lost receiver2", absl::FromUnixSeconds(1002)).ok());
  record.attempt += 1;
  ASSERT_TRUE(ledger_->AbortWindow(record, "asked to", absl::FromUnixSeconds(1003)).ok());
  EXPECT_EQ(ledger_->committed(), 0u);
  EXPECT_EQ(ledger_->CommittedAttempt(0).value(), std::nullopt);
  record.attempt += 1;
  ASSERT_TRUE(ledger_->CommitWindow(record).ok());
  EXPECT_EQ(ledger_->CommittedAttempt(0).value(), (uint64_t{1} << 32) + 3);
  EXPECT_THAT(Query("SELECT window || ' ' || (attempt & 7) || ' ' || aborted_at || ' ' || reason "
                    "FROM aborted ORDER BY id"),
              ElementsAre("0 1 1970-01-01T00:16:42.000Z lost receiver2",
                          "0 2 1970-01-01T00:16:43.000Z asked to"));
}

TEST_F(LedgerTest, AnotherCoordinatorReadsWhereToGoOn) {
  for (uint64_t window = 0; window < 12; ++window) {
    ASSERT_TRUE(ledger_->CommitWindow(Record(window)).ok());
  }
  ASSERT_TRUE(ledger_->AbortWindow(Record(12), "x", absl::UnixEpoch()).ok());
  ledger_ = Ledger::Open(path_).value();
  EXPECT_EQ(ledger_->committed(), 12u);
  EXPECT_EQ(ledger_->run().job.test_size, 60);
  EXPECT_EQ(ledger_->run().limits.e_k, 2);
  EXPECT_EQ(ledger_->AddStart("semlink test", absl::FromUnixSeconds(5)).value(), 2u);
  EXPECT_THAT(ledger_->Starts().value(), ElementsAre(0u, 12u));
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_->CommitWindow(Record(11))));
  EXPECT_TRUE(ledger_->CommitWindow(Record(12)).ok());
  const std::optional<ViewState> view = ledger_->LastView().value();
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->number, 1u);
  EXPECT_THAT(view->transmitter_up, ElementsAre(true, false));
  EXPECT_THAT(view->receiver_up, ElementsAre(true, true));
  ASSERT_EQ(view->cut.size(), 1u);
  EXPECT_EQ(view->cut[0].receiver(), 1u);
}

TEST_F(LedgerTest, CreateAndOpenSayWhatIsWrong) {
  EXPECT_TRUE(absl::IsAlreadyExists(Ledger::Create(path_, RunInfo()).status()));
  EXPECT_TRUE(absl::IsNotFound(Ledger::Open(folder_ / "none.sqlite").status()));
  ASSERT_TRUE(Database::Open(path_)->Execute("UPDATE meta SET value = '1'").ok());
  const absl::Status old = Ledger::Open(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(old));
  EXPECT_THAT(std::string(old.message()), HasSubstr("schema version 1"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "text.sqlite", std::string(4096, 'x')).ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(folder_ / "text.sqlite").status()));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "empty.sqlite", "").ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(folder_ / "empty.sqlite").status()));
}

TEST_F(LedgerTest, DamageIsFoundWhenItIsOpened) {
  for (uint64_t window = 0; window < 3; ++window) {
    ASSERT_TRUE(ledger_->CommitWindow(Record(window)).ok());
  }
  ASSERT_TRUE(ledger_->FinishRun("failed", "x", absl::UnixEpoch()).ok());
  ledger_.reset();
  const std::string whole = ReadFile(path_).value();
  // A page in the middle is overwritten.
  std::string damaged = whole;
  damaged.replace(8 * 4096, 2048, std::string(2048, '\x7f'));
  ASSERT_TRUE(WriteFileAtomically(path_, damaged).ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path_).status())) << Ledger::Open(path_).status();
  // The file is cut off.
  ASSERT_TRUE(WriteFileAtomically(path_, whole.substr(0, whole.size() / 2)).ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path_).status())) << Ledger::Open(path_).status();
  // A window is missing, and a record can't be read.
  ASSERT_TRUE(WriteFileAtomically(path_, whole).ok());
  ASSERT_TRUE(
      Database::Open(path_)->Execute("UPDATE record SET bytes = x'ff' WHERE window = 2").ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path_).value()->Stored(2).status()));
  ASSERT_TRUE(Database::Open(path_)->Execute("DELETE FROM window WHERE number = 1").ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(path_).status()));
}

TEST_F(LedgerTest, KeepsMembersAndEpochs) {
  const Scenario scenario = SmallScenario();
  Membership membership(scenario);
  for (const NodeId& node : AllNodes(scenario)) {
    membership.Join(node, HelloFrom(node).hello(), absl::ZeroDuration());
  }
  ASSERT_TRUE(ledger_->RecordMembers(membership, absl::FromUnixSeconds(1)).ok());
  membership.MarkGone(NodeId::Transmitter(0));
  ASSERT_TRUE(ledger_->RecordMembers(membership, absl::FromUnixSeconds(2)).ok());
  EXPECT_THAT(Query("SELECT node || ' ' || state || ' ' || changed_at FROM member "
                    "WHERE node LIKE 'transmitter%' ORDER BY node"),
              ElementsAre("transmitter1 awaited 1970-01-01T00:00:02.000Z",
                          "transmitter2 joining 1970-01-01T00:00:01.000Z"));
  MemberEpoch live{NodeId::Receiver(1), 0xfedcba9876543210ull, 3, true, {}};
  MemberEpoch restored{NodeId::Transmitter(0), 7, 5, false, {}};
  restored.restored.set_window(4);
  restored.restored.set_sha256("ab");
  ASSERT_TRUE(ledger_->AddEpoch(live, absl::UnixEpoch()).ok());
  ASSERT_TRUE(ledger_->AddEpoch(restored, absl::UnixEpoch()).ok());
  const std::vector<RecordedEpoch> epochs = ledger_->Epochs().value();
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_EQ(epochs[0].epoch.node, NodeId::Receiver(1));
  EXPECT_EQ(epochs[0].epoch.incarnation, 0xfedcba9876543210ull);
  EXPECT_TRUE(epochs[0].epoch.live);
  EXPECT_EQ(epochs[1].epoch.from_window, 5u);
  EXPECT_FALSE(epochs[1].epoch.live);
  EXPECT_EQ(epochs[1].epoch.restored.window(), 4u);
  EXPECT_EQ(epochs[1].epoch.restored.sha256(), "ab");
}

TEST_F(LedgerTest, ACheckpointIsCompleteWithTheLastNode) {
  v1::CheckpointId checkpoint;
  checkpoint.set_sha256("aa");
  for (uint64_t window : {10, 20}) {
    checkpoint.set_window(window);
    for (const NodeId& node : AllNodes(SmallScenario())) {
      if (window == 20 && node == NodeId::Receiver(1)) continue;
      ASSERT_TRUE(ledger_->AddCheckpoint(node, checkpoint, 99, absl::UnixEpoch()).ok());
    }
  }
  EXPECT_THAT(ledger_->CheckpointsOf(4).value(), ElementsAre(10u));
  ASSERT_TRUE(ledger_->AddCheckpoint(NodeId::Receiver(1), checkpoint, 99, absl::UnixEpoch()).ok());
  EXPECT_THAT(ledger_->CheckpointsOf(4).value(), ElementsAre(20u, 10u));
  checkpoint.set_sha256("bb");  // written once more
  ASSERT_TRUE(ledger_->AddCheckpoint(NodeId::Receiver(1), checkpoint, 99, absl::UnixEpoch()).ok());
  EXPECT_EQ(ledger_->Checkpoint(20, NodeId::Receiver(1)).value()->sha256(), "bb");
  EXPECT_EQ(ledger_->Checkpoint(15, NodeId::Receiver(1)).value().has_value(), false);
  ASSERT_TRUE(ledger_->DropCheckpoints(20).ok());
  EXPECT_THAT(ledger_->CheckpointsOf(4).value(), ElementsAre(20u));
}

TEST_F(LedgerTest, AFaultIsKeptWithItsSpec) {
  v1::Fault fault;
  fault.set_id(3);
  fault.set_kind(v1::Fault::DELAY);
  *fault.add_from() = ToProto(NodeId::Transmitter(0));
  *fault.add_to() = ToProto(NodeId::Receiver(1));
  fault.set_delay_seconds(0.1);
  fault.set_seed(UINT64_MAX);
  ASSERT_TRUE(ledger_->BeginFault(fault, "delay transmitter1", 4, absl::FromUnixSeconds(9)).ok());
  EXPECT_FALSE(ledger_->BeginFault(fault, "the same id", 5, absl::UnixEpoch()).ok());
  EXPECT_FALSE(ledger_->Faults().value().at(0).end_window.has_value());
  ASSERT_TRUE(ledger_->EndFault(3, 8, absl::FromUnixSeconds(11)).ok());
  ASSERT_TRUE(ledger_->EndFault(3, 9, absl::FromUnixSeconds(12)).ok());  // changes nothing
  EXPECT_TRUE(absl::IsNotFound(ledger_->EndFault(4, 9, absl::UnixEpoch())));
  const FaultState read = ledger_->Faults().value().at(0);
  EXPECT_EQ(read.fault.SerializeAsString(), fault.SerializeAsString());
  EXPECT_EQ(read.text, "delay transmitter1");
  EXPECT_EQ(read.begin_window, 4u);
  EXPECT_EQ(read.began_at, absl::FromUnixSeconds(9));
  EXPECT_EQ(read.end_window, 8u);
  EXPECT_EQ(read.ended_at, absl::FromUnixSeconds(11));
  EXPECT_THAT(Query("SELECT kind FROM fault"), ElementsAre("delay"));
}

TEST_F(LedgerTest, AFinishedLedgerIsOneFile) {
  ASSERT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  EXPECT_TRUE(FileExists(path_ + "-wal"));
  ASSERT_TRUE(ledger_->FinishRun("failed", "lost transmitter1", absl::FromUnixSeconds(3)).ok());
  EXPECT_FALSE(FileExists(path_ + "-wal"));
  EXPECT_THAT(Query("SELECT state || ': ' || reason FROM run"),
              ElementsAre("failed: lost transmitter1"));
  EXPECT_THAT(Query("SELECT count(*) FROM record"), ElementsAre("1"));
}

TEST(TransactionTest, IsRolledBackUnlessCommitted) {
  TempDir folder;
  Database database = Database::Open(folder / "a.sqlite").value();
  ASSERT_TRUE(database.Execute("CREATE TABLE t(x)").ok());
  {
    auto transaction = Transaction::Begin(&database);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(database.Execute("INSERT INTO t VALUES(1)").ok());
  }
  Statement count = database.Prepare("SELECT count(*) FROM t").value();
  ASSERT_TRUE(count.Step().value());
  EXPECT_EQ(count.Int(0), 0);
}

}  // namespace
}  // namespace semlink::coordinator
