#include "coordinator/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WindowTest : public ::testing::Test {
 protected:
  v1::OpenWindow Open(v1::WindowKind kind = v1::TRAIN) {
    v1::OpenWindow open;
    open.set_window(3);
    open.set_kind(kind);
    open.set_rounds(4);
    open.set_batch_size(5);
    if (kind == v1::EVALUATE) open.set_samples(18);
    for (int i = 0; i < 2; ++i) {
      open.add_transmitter_up(true);
      open.add_receiver_up(true);
    }
    return open;
  }
  Window Asking(v1::WindowKind kind = v1::TRAIN) {
    Window window(scenario_, Open(kind), 7);
    EXPECT_TRUE(window.Ask(absl::UnixEpoch()).ok());
    return window;
  }
  // Grants transmitter 1, modality 1 to receiver 1 in rounds 0 and 2.
  Window Granted(v1::WindowKind kind = v1::TRAIN) {
    Window window = Asking(kind);
    const uint32_t last = kind == v1::INFER ? 0 : 2;
    std::vector<uint32_t> rounds = {0};
    if (last > 0) rounds.push_back(last);
    EXPECT_FALSE(window.AddClaim(kT1, MakeClaim(3, {MakeLink(0, 0, 0, rounds)}), &detail_));
    EXPECT_FALSE(window.AddClaim(kT2, MakeClaim(3), &detail_));
    EXPECT_TRUE(window.Decide().ok());
    return window;
  }
  std::optional<MessageRefusal> ReportWith(void (*change)(v1::Report*)) {
    Window window = Granted();
    v1::Report report = ReceiverReport(3, 2, 20, 10, 0.5);
    change(&report);
    return window.AddReport(kR1, report, &detail_);
  }
  std::optional<MessageRefusal> LinkReportWith(void (*change)(v1::LinkReport*)) {
    Window window = Granted();
    v1::LinkReport link = MakeLinkReport(0, 0, 0, 2, 1.5, 0.5);
    change(&link);
    return window.AddReport(kT1, TransmitterReport(3, {link}), &detail_);
  }

  Scenario scenario_ = SmallScenario();
  std::string detail_;
};

TEST_F(WindowTest, GoesThroughItsStates) {
  Window window(scenario_, Open(), 7);
  EXPECT_EQ(window.state(), WindowState::kOpened);
  ASSERT_TRUE(window.Ask(absl::UnixEpoch()).ok());
  EXPECT_THAT(window.Awaited(), ElementsAre(kT1, kT2));
  EXPECT_FALSE(window.AddClaim(kT2, MakeClaim(3), &detail_));
  EXPECT_THAT(window.Awaited(), ElementsAre(kT1));
  EXPECT_FALSE(window.all_claimed());
  EXPECT_FALSE(window.AddClaim(kT1, MakeClaim(3), &detail_));
  ASSERT_TRUE(window.all_claimed());
  ASSERT_TRUE(window.Decide().ok());
  EXPECT_EQ(window.state(), WindowState::kGranted);
  EXPECT_THAT(window.Awaited(), ElementsAre(kT1, kT2, kR1, kR2));
  for (const NodeId& t : {kT1, kT2}) {
    EXPECT_FALSE(window.AddReport(t, TransmitterReport(3), &detail_)) << detail_;
  }
  for (const NodeId& r : {kR1, kR2}) {
    EXPECT_EQ(window.state(), WindowState::kGranted);
    EXPECT_FALSE(window.AddReport(r, ReceiverReport(3, 2, 20, 10, 0.5), &detail_)) << detail_;
  }
  EXPECT_EQ(window.state(), WindowState::kReported);
  ASSERT_TRUE(window.Commit().ok());
  EXPECT_EQ(window.state(), WindowState::kCommitted);
  EXPECT_THAT(window.record().refused, IsEmpty());
}

TEST_F(WindowTest, IllegalMovesAreRefused) {
  Window window(scenario_, Open(), 7);
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Decide()));
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Commit()));
  ASSERT_TRUE(window.Ask(absl::UnixEpoch()).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Ask(absl::UnixEpoch())));
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Commit()));
  ASSERT_TRUE(window.Abort().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Abort()));
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Commit()));
  EXPECT_EQ(window.state(), WindowState::kAborted);
}

TEST_F(WindowTest, CommitsOnce) {
  Window window = Granted();
  for (const NodeId& t : {kT1, kT2}) window.AddReport(t, TransmitterReport(3), &detail_);
  for (const NodeId& r : {kR1, kR2}) {
    window.AddReport(r, ReceiverReport(3, 2, 20, 10, 0.5), &detail_);
  }
  ASSERT_TRUE(window.Commit().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Commit()));
  EXPECT_TRUE(absl::IsFailedPrecondition(window.Abort()));
}

TEST_F(WindowTest, DuplicateLateForeignAndEarlyClaimsAreCounted) {
  Window window = Asking();
  EXPECT_FALSE(window.AddClaim(kT1, MakeClaim(3), &detail_));
  EXPECT_EQ(window.AddClaim(kT1, MakeClaim(3), &detail_), MessageRefusal::kDuplicate);
  EXPECT_EQ(window.AddClaim(kT2, MakeClaim(2), &detail_), MessageRefusal::kOtherWindow);
  EXPECT_EQ(window.AddClaim(kT2, MakeClaim(4), &detail_), MessageRefusal::kOtherWindow);
  EXPECT_EQ(window.AddClaim(kR1, MakeClaim(3), &detail_), MessageRefusal::kForeign);
  EXPECT_EQ(window.AddClaim(NodeId::Transmitter(9), MakeClaim(3), &detail_),
            MessageRefusal::kForeign);
  EXPECT_FALSE(window.all_claimed());
  EXPECT_FALSE(window.AddClaim(kT2, MakeClaim(3), &detail_));
  ASSERT_TRUE(window.Decide().ok());
  EXPECT_EQ(window.AddClaim(kT2, MakeClaim(3), &detail_), MessageRefusal::kDuplicate);
  EXPECT_EQ(window.record().refused.at("duplicate_message"), 2);
  EXPECT_EQ(window.record().refused.at("other_window"), 2);
  EXPECT_EQ(window.record().refused.at("foreign_message"), 2);
  EXPECT_EQ(window.record().refused_total(), 6);
}

TEST_F(WindowTest, DownTransmitterIsNeitherAwaitedNorHeard) {
  v1::OpenWindow open = Open();
  open.set_transmitter_up(1, false);
  Window window(scenario_, open, 7);
  ASSERT_TRUE(window.Ask(absl::UnixEpoch()).ok());
  EXPECT_EQ(window.AddClaim(kT2, MakeClaim(3), &detail_), MessageRefusal::kForeign);
  EXPECT_FALSE(window.AddClaim(kT1, MakeClaim(3), &detail_));
  EXPECT_TRUE(window.all_claimed());
}

TEST_F(WindowTest, NeverGrantsMoreThanTheLimits) {
  Window window = Asking();
  // Transmitter 1 claims 3 links in round 0 (E_k = 2). Receiver 1 would draw on two transmitters
  // there (E_t = 1).
  window.AddClaim(
      kT1,
      MakeClaim(3, {MakeLink(0, 0, 0, {0}), MakeLink(0, 1, 0, {0, 1}), MakeLink(0, 0, 1, {0})}),
      &detail_);
  window.AddClaim(kT2, MakeClaim(3, {MakeLink(1, 0, 0, {0, 3}), MakeLink(0, 0, 0, {1})}), &detail_);
  ASSERT_TRUE(window.Decide().ok());
  const WindowRecord& record = window.record();
  EXPECT_EQ(record.refused.at("transmitter_limit"), 1);
  EXPECT_EQ(record.refused.at("receiver_limit"), 1);
  EXPECT_EQ(record.refused.at("foreign"), 1);
  EXPECT_EQ(record.refused_links, 3);
  int granted = 0;
  for (const v1::LinkRounds& link : record.granted) granted += link.round_size();
  EXPECT_EQ(granted, 4);  // of 7 claimed
}

TEST_F(WindowTest, GrantsGoToBothEndsOnly) {
  Window window = Granted();
  for (const NodeId& end : {kT1, kR1}) {
    ASSERT_EQ(window.GrantFor(end).link_size(), 1) << end.ToString();
    EXPECT_EQ(window.GrantFor(end).window(), 3u);
    EXPECT_THAT(window.GrantFor(end).link(0).round(), ElementsAre(0, 2));
  }
  EXPECT_EQ(window.GrantFor(kT2).link_size(), 0);
  EXPECT_EQ(window.GrantFor(kR2).link_size(), 0);
}

TEST_F(WindowTest, ReportBeforeTheGrantIsOutOfTurn) {
  Window window = Asking();
  EXPECT_EQ(window.AddReport(kT1, TransmitterReport(3), &detail_), MessageRefusal::kOutOfTurn);
  EXPECT_THAT(detail_, HasSubstr("asking"));
}

TEST_F(WindowTest, CostsThatCantBeAreLeftOut) {
  Window window = Granted();
  v1::Report report = ReceiverReport(3, 2, 20, 10, 0.5);
  const auto traffic = [&](const NodeId& peer, const std::string& kind, uint64_t bytes) {
    v1::Traffic* t = report.add_traffic();
    *t->mutable_peer() = ToProto(peer);
    t->set_kind(kind);
    t->set_bytes_received(bytes);
  };
  const auto wire = [&](const NodeId& peer, double round_trip_us) {
    v1::Wire* w = report.add_wire();
    *w->mutable_peer() = ToProto(peer);
    w->set_round_trip_us(round_trip_us);
  };
  traffic(kT1, "feature", 100);
  traffic(NodeId::Transmitter(2), "feature", 100);  // the scenario has two
  traffic(kR2, "feature", 100);                     // receivers exchange nothing
  traffic(kT2, "fee", 100);
  traffic(kT2, "feature", uint64_t{1} << 63);
  traffic(kT1, "feature", 50);  // once more
  traffic(NodeId::Coordinator(), "control", 7);
  wire(kT1, std::nan(""));
  wire(kT2, 80);
  wire({Role::kOperator, 0}, 80);
  EXPECT_FALSE(window.AddReport(kR1, report, &detail_).has_value());
  const v1::Report& taken = window.record().reports.at(kR1);
  ASSERT_EQ(taken.traffic_size(), 2);
  EXPECT_EQ(taken.traffic(0).bytes_received(), 100u);
  EXPECT_EQ(taken.traffic(1).kind(), "control");
  ASSERT_EQ(taken.wire_size(), 1);
  EXPECT_EQ(FromProto(taken.wire(0).peer()), kT2);
  EXPECT_EQ(window.record().refused.at("cost"), 7);
}

TEST_F(WindowTest, ReceiverReportsThatCanNotBeTrueAreMalformed) {
  const auto malformed = MessageRefusal::kMalformed;
  EXPECT_FALSE(ReportWith([](v1::Report*) {}).has_value());
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_loss(std::nan("")); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_correct(21); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_correct(-1); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_samples(19); }), malformed);
  EXPECT_THAT(detail_, HasSubstr("19 samples, the window has 20"));
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_rounds_without_link(5); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->add_transmitter_probability(0); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_transmitter_probability(0, 1.5); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->set_compute_seconds(-1); }), malformed);
  EXPECT_EQ(ReportWith([](v1::Report* r) { r->add_link(); }), malformed);
}

TEST_F(WindowTest, TransmitterReportsThatCanNotBeTrueAreMalformed) {
  const auto malformed = MessageRefusal::kMalformed;
  EXPECT_FALSE(LinkReportWith([](v1::LinkReport*) {}).has_value());
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_rounds(3); }), malformed);
  EXPECT_THAT(detail_, HasSubstr("3 rounds of a link that was granted 2"));
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_transmitter(1); }), malformed);
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_modality(2); }), malformed);
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_task(4294967295u); }), malformed);
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_rate_nats(INFINITY); }), malformed);
  EXPECT_EQ(LinkReportWith([](v1::LinkReport* l) { l->set_request_probability(1.1); }), malformed);
  Window window = Granted();
  const v1::LinkReport link = MakeLinkReport(0, 0, 0, 2, 1, 1);
  EXPECT_EQ(window.AddReport(kT1, TransmitterReport(3, {link, link}), &detail_), malformed);
  EXPECT_EQ(window.record().refused.at("malformed"), 1);
}

TEST_F(WindowTest, EvaluationReportsCountItsSamples) {
  Window window = Granted(v1::EVALUATE);
  EXPECT_EQ(window.AddReport(kR1, ReceiverReport(3, 2, 20, 10, 0.5), &detail_),
            MessageRefusal::kMalformed);
  EXPECT_FALSE(window.AddReport(kR1, ReceiverReport(3, 2, 18, 10, 0.5), &detail_)) << detail_;
}

TEST_F(WindowTest, InferenceWaitsForTheReceiversOnly) {
  Window window = Granted(v1::INFER);
  EXPECT_THAT(window.Awaited(), ElementsAre(kR1, kR2));
  EXPECT_EQ(window.AddReport(kT1, TransmitterReport(3), &detail_), MessageRefusal::kOutOfTurn);
  v1::InferReport report;
  report.set_window(3);
  report.set_samples(10);
  report.set_correct(11);
  EXPECT_EQ(window.AddInferReport(kR1, report, &detail_), MessageRefusal::kMalformed);
  report.set_correct(9);
  EXPECT_FALSE(window.AddInferReport(kR1, report, &detail_)) << detail_;
  EXPECT_EQ(window.AddInferReport(kR1, report, &detail_), MessageRefusal::kDuplicate);
  EXPECT_FALSE(window.AddInferReport(kR2, report, &detail_));
  EXPECT_EQ(window.state(), WindowState::kReported);
}

TEST_F(WindowTest, TrainingTakesNoInferReport) {
  Window window = Granted();
  v1::InferReport report;
  report.set_window(3);
  EXPECT_EQ(window.AddInferReport(kR1, report, &detail_), MessageRefusal::kOutOfTurn);
}

}  // namespace
}  // namespace semlink::coordinator
