#include "coordinator/ledger_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/ledger.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ToText(const LedgerCell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell); text != nullptr) return *text;
  if (const auto* number = std::get_if<int64_t>(&cell); number != nullptr) {
    return std::to_string(*number);
  }
  if (const auto* seed = std::get_if<uint64_t>(&cell); seed != nullptr) {
    return std::to_string(*seed);
  }
  if (const auto* real = std::get_if<double>(&cell); real != nullptr) {
    return nlohmann::json(*real).dump();
  }
  return "-";
}

v1::Traffic Counter(const NodeId& peer, const std::string& kind, uint64_t bytes) {
  v1::Traffic traffic;
  *traffic.mutable_peer() = ToProto(peer);
  traffic.set_kind(kind);
  traffic.set_bytes_sent(bytes);
  return traffic;
}

// Four windows. Link 1.2->1 in all of them, 2.1->2 in the first two; the pair (2, 2) fails in
// window 1; window 2 was aborted once.
class LedgerQueryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RunInfo run;
    run.id = "run-1";
    run.scenario = "small";
    run.seed = UINT64_MAX;
    run.limits = SmallScenario().limits;
    ledger_ = Ledger::Create(path_, run).value();
    for (uint64_t w = 0; w < 4; ++w) {
      if (w == 2) {
        ASSERT_TRUE(ledger_->AbortWindow(Record(w), "lost receiver2", absl::UnixEpoch()).ok());
      }
      const WindowRecord record = Record(w);
      std::vector<TrafficGrowth> growth;
      for (const auto& [node, report] : record.reports) {
        growth.push_back(book_.Update(node, report));
      }
      ASSERT_TRUE(ledger_->CommitWindow(record, growth).ok());
    }
  }
  WindowRecord Record(uint64_t w) {
    WindowRecord record;
    record.open.set_window(w);
    record.open.set_kind(v1::TRAIN);
    record.open.set_rounds(4);
    record.open.set_seed(UINT64_MAX);
    record.attempt = (uint64_t{1} << 32) + ++attempts_;
    record.granted = {MakeLink(0, 1, 0, {0, 2})};
    if (w < 2) record.granted.push_back(MakeLink(1, 0, 1, {3}));
    v1::Report& first = record.reports[NodeId::Transmitter(0)];
    first = TransmitterReport(w, {MakeLinkReport(0, 1, 0, 2, 1.0 + static_cast<double>(w), 1)});
    *first.add_traffic() = Counter(NodeId::Receiver(0), "feature", 100 * (w + 1));
    v1::Report& receiver = record.reports[NodeId::Receiver(1)];
    *receiver.add_traffic() = Counter(NodeId::Transmitter(1), "request", 7);
    receiver.add_wire()->set_bytes_received(900);
    *receiver.mutable_wire(0)->mutable_peer() = ToProto(NodeId::Transmitter(1));
    if (w == 1) {
      v1::PairFailure* failure = receiver.add_failed();
      failure->set_transmitter(1);
      failure->set_receiver(1);
      failure->set_stage(v1::PairFailure::FEATURES);
    }
    record.refused = {{"late", static_cast<int>(w)}};
    return record;
  }
  // "a b c" per row, only the named columns.
  std::vector<std::string> Rows(LedgerSubject subject, const std::vector<std::string>& columns,
                                uint64_t from = 0, uint64_t to = UINT64_MAX) {
    const LedgerTable table = LedgerQuery::Open(path_)->Read(subject, from, to).value();
    std::vector<std::string> rows;
    for (const auto& row : table.rows) {
      std::string& text = rows.emplace_back();
      for (const std::string& column : columns) {
        const auto at = std::find(table.columns.begin(), table.columns.end(), column);
        EXPECT_NE(at, table.columns.end()) << column;
        text += (text.empty() ? "" : " ") + ToText(row.at(at - table.columns.begin()));
      }
    }
    return rows;
  }

  TempDir folder_;
  std::string path_ = folder_ / "ledger.sqlite";
  std::unique_ptr<Ledger> ledger_;
  TrafficBook book_;
  uint64_t attempts_ = 0;
};

TEST_F(LedgerQueryTest, LinksOverARangeOfWindows) {
  const std::vector<std::string> columns = {"transmitter",   "modality", "receiver",
                                            "windows",       "rounds",   "share_of_rounds",
                                            "windows_failed"};
  EXPECT_THAT(Rows(LedgerSubject::kLinks, columns),
              ElementsAre("1 2 1 4 8 0.5 0", "2 1 2 2 2 0.125 1"));
  EXPECT_THAT(Rows(LedgerSubject::kLinks, columns, 1, 2),
              ElementsAre("1 2 1 2 4 0.5 0", "2 1 2 1 1 0.125 1"));
  EXPECT_THAT(Rows(LedgerSubject::kLinks, columns, 9, 9), IsEmpty());
  EXPECT_THAT(Rows(LedgerSubject::kEachLink, {"window", "round_list", "failed"}, 1, 1),
              ElementsAre("1 [0,2] -", "1 [3] features"));
}

TEST_F(LedgerQueryTest, TheFourFiguresOfALink) {
  EXPECT_THAT(
      Rows(LedgerSubject::kRates, {"transmitter", "modality", "receiver", "rate_nats", "coded_bits",
                                   "request_bytes", "feature_bytes", "wire_bytes"}),
      ElementsAre("1 2 1 2.5 128.0 - - -", "1 - 1 - - - 400 -", "2 1 2 - - - - -",
                  "2 - 2 - - 7 - 900"));
  EXPECT_THAT(Rows(LedgerSubject::kRates, {"rate_nats", "feature_bytes"}, 1, 2),
              ElementsAre("2.5 -", "- 200", "- -"));
  EXPECT_THAT(
      Rows(LedgerSubject::kEachRate,
           {"window", "transmitter", "modality", "receiver", "rate_nats", "feature_bytes"}, 2, 3),
      ElementsAre("2 1 2 1 3.0 -", "2 1 - 1 - 100", "3 1 2 1 4.0 -", "3 1 - 1 - 100"));
}

TEST_F(LedgerQueryTest, BothEndsSayWhatTheySentAgain) {
  WindowRecord record = Record(4);
  const auto wire = [&](const NodeId& node, const NodeId& peer, uint64_t again, double rtt) {
    v1::Wire* added = record.reports[node].add_wire();
    *added->mutable_peer() = ToProto(peer);
    added->set_bytes_sent(5000);
    added->set_retransmitted(again);
    added->set_round_trip_us(rtt);
  };
  wire(NodeId::Transmitter(0), NodeId::Receiver(0), 300, 80);
  wire(NodeId::Receiver(0), NodeId::Transmitter(0), 20, 90);
  std::vector<TrafficGrowth> growth;
  for (const auto& [node, report] : record.reports) growth.push_back(book_.Update(node, report));
  ASSERT_TRUE(ledger_->CommitWindow(record, growth).ok());
  EXPECT_THAT(Rows(LedgerSubject::kEachRate,
                   {"modality", "wire_bytes", "retransmitted_bytes", "round_trip_us"}, 4, 4),
              ElementsAre("2 - - -", "- 5000 320 80.0"));
}

TEST_F(LedgerQueryTest, RefusalsFailuresAndWindows) {
  EXPECT_THAT(Rows(LedgerSubject::kRefusals, {"reason", "count", "first_window", "last_window"}),
              ElementsAre("late 6 0 3"));
  EXPECT_THAT(Rows(LedgerSubject::kEachRefusal, {"window", "count"}, 2), ElementsAre("2 2", "3 3"));
  EXPECT_THAT(Rows(LedgerSubject::kFailures,
                   {"window", "what", "transmitter", "receiver", "stage", "links", "reason"}),
              ElementsAre("1 pair 2 2 features 1 -", "2 attempt - - - - lost receiver2"));
  EXPECT_THAT(
      Rows(LedgerSubject::kWindows, {"window", "state", "start", "attempt", "cr_seed", "reason"}, 1,
           2),
      ElementsAre("1 committed 1 2 18446744073709551615 -", "2 aborted 1 3 - lost receiver2",
                  "2 committed 1 4 18446744073709551615 -"));
  EXPECT_THAT(Rows(LedgerSubject::kOverview,
                   {"run", "seed", "windows", "aborted_attempts", "links_failed", "refusals"}),
              ElementsAre("run-1 18446744073709551615 4 1 1 6"));
}

TEST_F(LedgerQueryTest, MembersCheckpointsAndFaults) {
  Membership membership(SmallScenario());
  ASSERT_TRUE(ledger_->RecordMembers(membership, absl::UnixEpoch()).ok());
  const NodeId node = NodeId::Receiver(1);
  ASSERT_TRUE(ledger_->AddEpoch({node, 1, 0, true, {}}, absl::UnixEpoch()).ok());
  ASSERT_TRUE(ledger_->AddEpoch({node, 2, 3, true, {}}, absl::UnixEpoch()).ok());
  EXPECT_THAT(Rows(LedgerSubject::kMembers, {"node", "from_window", "to_window"}),
              ElementsAre("receiver1 - -", "receiver2 0 2", "receiver2 3 -", "transmitter1 - -",
                          "transmitter2 - -"));
  EXPECT_THAT(Rows(LedgerSubject::kMembers, {"node", "from_window"}, 3, 9),
              ElementsAre("receiver1 -", "receiver2 3", "transmitter1 -", "transmitter2 -"));
  v1::CheckpointId checkpoint;
  checkpoint.set_window(2);
  checkpoint.set_sha256("ab");
  ASSERT_TRUE(ledger_->AddCheckpoint(node, checkpoint, 50, absl::UnixEpoch()).ok());
  EXPECT_THAT(Rows(LedgerSubject::kCheckpoints, {"window", "nodes", "complete", "bytes"}),
              ElementsAre("2 1 0 50"));
  EXPECT_THAT(Rows(LedgerSubject::kEachCheckpoint, {"node", "sha256"}),
              ElementsAre("receiver2 ab"));
  v1::Fault fault;
  fault.set_id(1);
  fault.set_kind(v1::Fault::KILL);
  ASSERT_TRUE(ledger_->BeginFault(fault, "kill receiver2", 1, absl::UnixEpoch()).ok());
  EXPECT_THAT(Rows(LedgerSubject::kFaults, {"kind", "target", "begin_window", "end_window"}, 2, 3),
              ElementsAre("kill kill receiver2 1 -"));
  ASSERT_TRUE(ledger_->EndFault(1, 1, absl::UnixEpoch()).ok());
  EXPECT_THAT(Rows(LedgerSubject::kFaults, {"id"}, 2, 3), IsEmpty());
}

TEST_F(LedgerQueryTest, ErrorsNameTheFile) {
  EXPECT_TRUE(absl::IsNotFound(LedgerQuery::Open(folder_ / "none").status()));
  ASSERT_TRUE(Database::Open(path_)->Execute("UPDATE meta SET value = '1'").ok());
  const absl::Status old = LedgerQuery::Open(path_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(old));
  EXPECT_THAT(std::string(old.message()), HasSubstr(path_));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "text", std::string(5000, 'x')).ok());
  const absl::Status text = LedgerQuery::Open(folder_ / "text").status();
  EXPECT_TRUE(absl::IsDataLoss(text));
  EXPECT_THAT(std::string(text.message()), HasSubstr(folder_ / "text"));
}

}  // namespace
}  // namespace semlink::coordinator
