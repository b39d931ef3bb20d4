#include "coordinator/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/sqlite.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;

WindowRecord Record(uint64_t window) {
  WindowRecord record;
  record.open.set_window(window);
  record.open.set_kind(v1::TRAIN);
  record.open.set_rounds(4);
  record.open.set_batch_size(5);
  record.open.set_seed(0xffffffffffffffffull);
  record.open.set_view(1);
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
  wire->set_round_trip_us(45.5);
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
    run.job = "train";
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

  TempFolder folder_;
  std::string path_ = folder_ / "ledger.sqlite";
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(LedgerTest, IsInWalModeWithItsVersion) {
  EXPECT_THAT(Query("PRAGMA journal_mode"), ElementsAre("wal"));
  EXPECT_THAT(Query("SELECT value FROM meta WHERE key = 'schema_version'"), ElementsAre("1"));
  EXPECT_THAT(Query("SELECT id || job || seed || state FROM run"),
              ElementsAre("run-1train7running"));
}

TEST_F(LedgerTest, HoldsEverythingOfAWindow) {
  ASSERT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  EXPECT_THAT(Query("SELECT kind || ' ' || state || ' ' || rounds || ' ' || seconds || ' ' || "
                    "cpu_seconds || ' ' || cr_seed || ' ' || committed_at || ' ' || loss "
                    "FROM window"),
              ElementsAre("train committed 4 1.0 1.5 -1 1970-01-01T00:16:41.000Z 2.75"));
  EXPECT_THAT(Query("SELECT receiver || ' ' || loss || ' ' || cross_entropy || ' ' || correct || "
                    "' ' || samples FROM result ORDER BY receiver"),
              ElementsAre("1 0.75 0.25 15.0 20", "2 2.0 1.5 5.0 20"));
  EXPECT_THAT(Query("SELECT transmitter || '.' || modality || '->' || receiver || ' ' || rounds || "
                    "' ' || rate_nats || ' ' || coded_bits FROM link ORDER BY transmitter"),
              ElementsAre("1.2->1 2 1.5 128.0", "2.1->2 1 2.5 128.0"));
  EXPECT_THAT(Query("SELECT reason || count FROM refusal ORDER BY reason"),
              ElementsAre("duplicate_message1", "receiver_limit3"));
  EXPECT_THAT(Query("SELECT node || ' ' || peer || ' ' || kind || ' ' || bytes_sent FROM traffic"),
              ElementsAre("transmitter2 receiver2 feature 640"));
  EXPECT_THAT(Query("SELECT round_trip_us FROM wire"), ElementsAre("45.5"));
}

TEST_F(LedgerTest, AWindowCommitsOnce) {
  ASSERT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  WindowRecord again = Record(0);
  again.granted.push_back(MakeLink(0, 0, 0, {0}));
  EXPECT_TRUE(absl::IsAlreadyExists(ledger_->CommitWindow(again)));
  EXPECT_THAT(Query("SELECT count(*) FROM link"), ElementsAre("2"));
  // An abort that comes too late changes nothing.
  ASSERT_TRUE(ledger_->AbortWindow(Record(0)).ok());
  EXPECT_THAT(Query("SELECT state || aborts FROM window"), ElementsAre("committed0"));
}

TEST_F(LedgerTest, AnAbortedNumberIsUsedAgain) {
  ASSERT_TRUE(ledger_->AbortWindow(Record(0)).ok());
  ASSERT_TRUE(ledger_->AbortWindow(Record(0)).ok());
  EXPECT_EQ(ledger_->LastCommitted().value(), std::nullopt);
  ASSERT_TRUE(ledger_->CommitWindow(Record(0)).ok());
  EXPECT_THAT(Query("SELECT state || aborts FROM window"), ElementsAre("committed2"));
}

TEST_F(LedgerTest, AnotherCoordinatorReadsWhereToGoOn) {
  for (uint64_t window = 0; window < 12; ++window) {
    ASSERT_TRUE(ledger_->CommitWindow(Record(window)).ok());
  }
  ASSERT_TRUE(ledger_->AbortWindow(Record(12)).ok());
  ledger_.reset();
  auto reopened = Ledger::Open(path_);
  ASSERT_TRUE(reopened.ok()) << reopened.status();
  EXPECT_EQ((*reopened)->LastCommitted().value(), 11u);
  EXPECT_TRUE(absl::IsAlreadyExists((*reopened)->CommitWindow(Record(11))));
  EXPECT_TRUE((*reopened)->CommitWindow(Record(12)).ok());
}

TEST_F(LedgerTest, CreateAndOpenSayWhatIsWrong) {
  EXPECT_TRUE(absl::IsAlreadyExists(Ledger::Create(path_, RunInfo()).status()));
  EXPECT_TRUE(absl::IsNotFound(Ledger::Open(folder_ / "none.sqlite").status()));
  ASSERT_TRUE(Database::Open(path_)->Execute("UPDATE meta SET value = '99'").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Ledger::Open(path_).status()));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "text.sqlite", std::string(4096, 'x')).ok());
  EXPECT_TRUE(absl::IsDataLoss(Ledger::Open(folder_ / "text.sqlite").status()));
}

TEST_F(LedgerTest, KeepsMembersAndViews) {
  const Scenario scenario = SmallScenario();
  Membership membership(scenario);
  for (const NodeId& node : AllNodes(scenario)) {
    membership.Join(node, HelloFrom(node).hello(), absl::ZeroDuration());
    membership.MarkReady(node);
  }
  ASSERT_TRUE(membership.Start());
  ASSERT_TRUE(ledger_->RecordMembers(membership, absl::FromUnixSeconds(1)).ok());
  membership.MarkGone(NodeId::Transmitter(0));
  ASSERT_TRUE(ledger_->RecordMembers(membership, absl::FromUnixSeconds(2)).ok());
  EXPECT_THAT(Query("SELECT node || ' ' || state || ' ' || changed_at FROM member "
                    "WHERE node LIKE 'transmitter%' ORDER BY node"),
              ElementsAre("transmitter1 lost 1970-01-01T00:00:02.000Z",
                          "transmitter2 up 1970-01-01T00:00:01.000Z"));
  EXPECT_THAT(Query("SELECT count(*) FROM view GROUP BY number ORDER BY number"),
              ElementsAre("4", "3"));
  ASSERT_TRUE(ledger_->FinishRun("failed", "lost transmitter1", absl::FromUnixSeconds(3)).ok());
  EXPECT_THAT(Query("SELECT state || ': ' || reason FROM run"),
              ElementsAre("failed: lost transmitter1"));
}

TEST(TransactionTest, IsRolledBackUnlessCommitted) {
  TempFolder folder;
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
