#include "transmitter/transmitter_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/transmitter/transmitter_driver.h"

namespace semlink::transmitter {
namespace {

using ::testing::ElementsAre;

v1::Message MessageOf(const v1::LinkRounds& link, uint64_t window) {
  v1::Message message;
  message.mutable_grant()->set_window(window);
  *message.mutable_grant()->add_link() = link;
  return message;
}

v1::LinkRounds MakeLink(int m, int t, const std::vector<uint32_t>& rounds) {
  v1::LinkRounds link;
  link.set_transmitter(1);
  link.set_modality(m);
  link.set_task(t);
  link.mutable_round()->Add(rounds.begin(), rounds.end());
  return link;
}

TEST(TransmitterNodeTest, SaysThatItIsReadyAndOpensStreams) {
  TransmitterDriver driver;
  ASSERT_EQ(driver.transport.sent.size(), 3u);
  const v1::Ready& ready = driver.transport.sent[0].second.ready();
  EXPECT_FALSE(ready.live());
  EXPECT_FALSE(ready.in_doubt());
  EXPECT_EQ(ready.checkpoint_size(), 0);
  EXPECT_GT(ready.peak_rss_bytes(), 0u);
  EXPECT_EQ(driver.transport.Of(Body::kWelcome, NodeId::Receiver(1)).size(), 1u);
  driver.Connected(2);  // the scenario has two receivers
  EXPECT_EQ(driver.transport.sent.back().second.refusal().reason(), v1::Refusal::UNKNOWN_NODE);
}

TEST(TransmitterNodeTest, TrainingWindowGoesStepByStep) {
  TransmitterDriver driver;
  const std::string before = driver.Parameters();
  driver.transport.sent.clear();
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.requests = {{0, 1, 2}, {2, 3}};
  driver.FromReceiver(0, driver.Request(driver.open, {0, 1, 2}));
  EXPECT_TRUE(driver.transport.sent.empty());  // the other receiver has not asked
  driver.FromReceiver(1, driver.Request(driver.open, {2, 3}));
  ASSERT_EQ(driver.transport.sent.size(), 1u);
  const v1::Claim claim = driver.LastClaim();
  EXPECT_EQ(claim.window(), 0u);
  ASSERT_GT(claim.link_size(), 1);
  std::map<uint32_t, int> served;
  for (const v1::LinkRounds& link : claim.link()) {
    EXPECT_EQ(link.transmitter(), 1u);
    for (uint32_t r : link.round()) {
      EXPECT_LE(++served[r], driver.scenario.limits.e_k);
      EXPECT_THAT(driver.requests[link.task()], ::testing::Contains(r));
    }
  }

  driver.transport.sent.clear();
  driver.FromCoordinator(TransmitterDriver::GrantOf(claim));
  ASSERT_EQ(driver.transport.sent.size(), 2u);
  int links = 0;
  for (int t = 0; t < 2; ++t) {
    const v1::Features features = driver.LastFeatures(t);
    EXPECT_EQ(features.window(), 0u);
    for (const v1::LinkFeatures& link : features.link()) {
      ++links;
      EXPECT_THAT(link.z().shape(), ElementsAre(4 * link.round_size(), 6));
      EXPECT_EQ(link.rate_nats_size(), link.round_size());
    }
  }
  EXPECT_EQ(links, claim.link_size());

  const v1::Message gradients[] = {driver.Gradients(0), driver.Gradients(1)};
  driver.transport.sent.clear();
  driver.FromReceiver(1, gradients[1]);
  EXPECT_TRUE(driver.transport.sent.empty());
  driver.FromReceiver(0, gradients[0]);
  ASSERT_EQ(driver.transport.sent.size(), 1u);
  const v1::Report report = driver.transport.sent[0].second.report();
  EXPECT_EQ(report.window(), 0u);
  EXPECT_GT(report.compute_seconds(), 0);
  int reported = 0;
  for (const v1::LinkReport& link : report.link()) {
    reported += link.rounds() > 0;
    EXPECT_GE(link.request_probability(), link.rounds() / 5.0);
    EXPECT_EQ(link.coded_bits(), link.rounds() > 0 ? 32.0 * 6 : 0);
  }
  EXPECT_EQ(reported, claim.link_size());

  driver.Commit();
  EXPECT_NE(driver.Parameters(), before);
  EXPECT_EQ(driver.node.refusals(), 0);
}

// Without gradients: the report follows the features at once, and nothing is learned.
TEST(TransmitterNodeTest, EvaluationWindowEndsWithTheFeatures) {
  TransmitterDriver driver;
  const std::string before = driver.Parameters();
  driver.Open(OpenEvaluate(driver.scenario, 0, 12, 11, 0));
  const v1::Claim claim = driver.Ask({0, 1, 2}, {});
  ASSERT_GT(claim.link_size(), 0);
  driver.transport.sent.clear();
  driver.FromCoordinator(TransmitterDriver::GrantOf(claim));
  ASSERT_EQ(driver.transport.sent.size(), 3u);
  EXPECT_THAT(driver.LastFeatures(0).link(0).z().shape(), ElementsAre(11, 6));  // 4 + 4 + 3
  EXPECT_EQ(driver.LastFeatures(1).link_size(), 0);
  EXPECT_TRUE(driver.transport.sent.back().second.has_report());
  driver.FromReceiver(0, driver.Gradients(0));
  EXPECT_EQ(driver.node.refusals(), 1);
  driver.Commit();
  EXPECT_EQ(driver.Parameters(), before);
}

TEST(TransmitterNodeTest, OnlyWhatIsGrantedIsSent) {
  TransmitterDriver whole, less;
  for (TransmitterDriver* driver : {&whole, &less}) {
    driver->Open(OpenTrain(driver->scenario, 0));
    driver->Ask(AllRounds(5), AllRounds(5));
  }
  const v1::Claim claim = whole.LastClaim();
  ASSERT_GT(claim.link_size(), 3);
  whole.FromCoordinator(TransmitterDriver::GrantOf(claim));
  // The first link goes, the second keeps its last round alone.
  v1::Claim cut = claim;
  cut.mutable_link()->DeleteSubrange(0, 1);
  const uint32_t kept = cut.link(0).round(cut.link(0).round_size() - 1);
  cut.mutable_link(0)->clear_round();
  cut.mutable_link(0)->add_round(kept);
  less.FromCoordinator(TransmitterDriver::GrantOf(cut));

  std::map<std::pair<int, int>, v1::LinkFeatures> full;
  int sent = 0;
  for (int t = 0; t < 2; ++t) {
    const v1::Features features = whole.LastFeatures(t);
    for (const v1::LinkFeatures& link : features.link()) full[{link.modality(), t}] = link;
  }
  for (const v1::LinkRounds& link : cut.link()) {
    const v1::Features features = less.LastFeatures(static_cast<int>(link.task()));
    for (const v1::LinkFeatures& part : features.link()) {
      if (part.modality() != link.modality()) continue;
      ++sent;
      EXPECT_THAT(part.round(), ::testing::ElementsAreArray(link.round()));
      const v1::LinkFeatures& before = full.at({link.modality(), static_cast<int>(link.task())});
      // The rounds that are left have the features that they had before the cut.
      const int64_t rows = 4 * before.round_size();
      const at::Tensor z = codec::DecodeFloat32(before.z(), {rows, 6}, "z").value();
      const int64_t count = 4 * part.round_size();
      EXPECT_LT(Difference(codec::DecodeFloat32(part.z(), {count, 6}, "z").value(),
                           z.narrow(0, rows - count, count)),
                1e-5);
    }
  }
  EXPECT_EQ(sent, cut.link_size());
  EXPECT_EQ(less.LastFeatures(0).link_size() + less.LastFeatures(1).link_size(), cut.link_size());
  // Gradients for the link that was cut are refused; the rest of the window goes on.
  less.FromReceiver(static_cast<int>(claim.link(0).task()),
                    whole.Gradients(static_cast<int>(claim.link(0).task())));
  EXPECT_EQ(less.node.refusals(), 1);
  for (int t = 0; t < 2; ++t) less.FromReceiver(t, less.Gradients(t));
  EXPECT_TRUE(less.transport.sent.back().second.has_report());
}

TEST(TransmitterNodeTest, EncoderThatServedNoLinkTakesNoStep) {
  TransmitterDriver driver, fresh;
  driver.Open(OpenTrain(driver.scenario, 0));
  const v1::Claim claim = driver.Ask(AllRounds(5), AllRounds(5));
  driver.FromCoordinator(MessageOf(claim.link(claim.link_size() - 1), 0));
  const int served = static_cast<int>(claim.link(claim.link_size() - 1).modality());
  for (int t = 0; t < 2; ++t) driver.FromReceiver(t, driver.Gradients(t));
  driver.Commit();
  for (int m = 0; m < 3; ++m) {
    EXPECT_EQ(Same(driver.node.encoders()->networks()[m].parameters(),
                   fresh.node.encoders()->networks()[m].parameters()),
              m != served)
        << "encoder " << m;
  }
}

TEST(TransmitterNodeTest, GrantOfNothingStillEndsTheWindow) {
  TransmitterDriver driver;
  driver.Open(OpenTrain(driver.scenario, 0));
  driver.Ask(AllRounds(5), {0});
  v1::Message grant;
  grant.mutable_grant()->set_window(0);
  driver.FromCoordinator(grant);
  for (int t = 0; t < 2; ++t) {
    EXPECT_EQ(driver.LastFeatures(t).link_size(), 0);
    driver.FromReceiver(t, driver.Gradients(t));
  }
  EXPECT_TRUE(driver.transport.sent.back().second.has_report());
  driver.Commit();
  driver.RunTrain(1);
}

TEST(TransmitterNodeTest, RequestThatOvertakesTheWindowIsKept) {
  TransmitterDriver early, punctual;
  for (TransmitterDriver* driver : {&early, &punctual}) {
    driver->Open(OpenTrain(driver->scenario, 0));
    driver->FromCoordinator(TransmitterDriver::GrantOf(driver->Ask({0, 1}, {2})));
    for (int t = 0; t < 2; ++t) driver->FromReceiver(t, driver->Gradients(t));
  }
  const v1::OpenWindow next = OpenTrain(early.scenario, 1);
  // One receiver is told of the commit first; the other one asks between commit and OpenWindow.
  early.FromReceiver(1, early.Early(early.Request(next, {1, 2, 4})));
  early.Commit();
  early.FromReceiver(0, early.Early(early.Request(next, {0, 1, 2, 3})));
  EXPECT_EQ(early.Count(Body::kClaim), 1u);
  early.Open(next);
  punctual.Commit();
  punctual.Open(next);
  punctual.Ask({0, 1, 2, 3}, {1, 2, 4});
  EXPECT_EQ(early.node.refusals(), 0);
  EXPECT_EQ(early.LastClaim().window(), 1u);
  EXPECT_EQ(early.LastClaim().SerializeAsString(), punctual.LastClaim().SerializeAsString());
}

TEST(TransmitterNodeTest, DoesNotWaitForReceiversThatAreDown) {
  TransmitterDriver driver;
  v1::OpenWindow open = OpenTrain(driver.scenario, 0);
  open.set_receiver_up(0, false);
  driver.Open(open);
  driver.FromReceiver(0, driver.Request(open, {0}));
  EXPECT_EQ(driver.node.refusals(), 1);
  driver.requests = {{}, {1, 2}};
  driver.FromReceiver(1, driver.Request(open, {1, 2}));
  const v1::Claim claim = driver.LastClaim();
  for (const v1::LinkRounds& link : claim.link()) EXPECT_EQ(link.task(), 1u);
  driver.FromCoordinator(TransmitterDriver::GrantOf(claim));
  EXPECT_TRUE(driver.transport.Of(Body::kFeatures, NodeId::Receiver(0)).empty());
  driver.FromReceiver(1, driver.Gradients(1));
  EXPECT_TRUE(driver.transport.sent.back().second.has_report());
}

// A message that makes no sense is refused, whoever sent it; the node goes on as if it had not
// come.
TEST(TransmitterNodeTest, CoordinatorOutOfOrderIsRefused) {
  v1::Message again, before, commit, other, abort, parameters, request, infer;
  *again.mutable_open_window() = OpenTrain(TinyScenario(), 1);
  *before.mutable_open_window() = OpenTrain(TinyScenario(), 0);
  before.set_attempt(9);
  commit.mutable_commit()->set_window(1);
  other.mutable_commit()->set_window(2);
  abort.mutable_abort()->set_window(2);
  parameters.mutable_parameters_request();
  request.mutable_request()->set_window(1);
  infer.mutable_infer_start()->set_window(1);
  const v1::Message messages[] = {
      again,   before, commit,
      other,   abort,  parameters,
      request, infer,  MessageOf(MakeLink(0, 0, {0}), 1)};  // before the claim
  TransmitterDriver driver, clean;
  driver.RunTrain(0);
  clean.RunTrain(0);
  driver.Open(OpenTrain(driver.scenario, 1));
  for (const v1::Message& message : messages) {
    const int before = driver.node.refusals();
    driver.FromCoordinator(message);
    EXPECT_EQ(driver.node.refusals(), before + 1) << message.ShortDebugString();
    EXPECT_EQ(driver.transport.sent.back().first, NodeId::Coordinator());
    EXPECT_EQ(driver.transport.sent.back().second.refusal().reason(), v1::Refusal::BAD_MESSAGE);
  }
  driver.FromCoordinator(TransmitterDriver::GrantOf(driver.Ask({0, 1, 2, 3}, {1, 2, 4})));
  for (int t = 0; t < 2; ++t) driver.FromReceiver(t, driver.Gradients(t));
  driver.Commit();
  clean.RunTrain(1);
  EXPECT_EQ(driver.Parameters(), clean.Parameters());
}

TEST(TransmitterNodeTest, AnythingBeforeTheWelcomeIsRefused) {
  RecordingTransport transport;
  TransmitterNode node(1, &transport);
  v1::Message open;
  open.set_attempt(1);
  *open.mutable_open_window() = OpenTrain(TinyScenario(), 0);
  EXPECT_TRUE(node.Handle(NodeId::Coordinator(), open).ok());
  EXPECT_EQ(node.refusals(), 1);
  v1::Message request;
  request.mutable_request();
  EXPECT_TRUE(node.Handle(NodeId::Receiver(0), request).ok());
  EXPECT_TRUE(node.PeerDown(NodeId::Receiver(0), absl::UnavailableError("gone")).ok());
  EXPECT_TRUE(node.PeerDown(NodeId::Coordinator(), absl::UnavailableError("gone")).ok());
}

TEST(TransmitterNodeTest, GrantThatMakesNoSenseIsRefused) {
  v1::LinkRounds foreign = MakeLink(0, 0, {0});
  foreign.set_transmitter(0);
  for (const v1::LinkRounds& link : {MakeLink(3, 0, {0}), MakeLink(0, 2, {0}), MakeLink(0, 0, {5}),
                                     MakeLink(0, 0, {1, 1}), MakeLink(0, 0, {}), foreign}) {
    TransmitterDriver driver;
    driver.Open(OpenTrain(driver.scenario, 0));
    driver.Ask({0, 1}, {});
    driver.FromCoordinator(MessageOf(link, 0));
    EXPECT_EQ(driver.node.refusals(), 1) << link.ShortDebugString();
    EXPECT_EQ(driver.Count(Body::kFeatures), 0u);
    driver.FromCoordinator(MessageOf(MakeLink(0, 0, {0}), 0));
    EXPECT_EQ(driver.Count(Body::kFeatures), 2u);
  }
}

TEST(TransmitterNodeTest, StopEndsIt) {
  for (bool failed : {false, true}) {
    TransmitterDriver driver;
    v1::Message stop;
    stop.mutable_stop()->set_failed(failed);
    EXPECT_EQ(driver.TryFromCoordinator(stop).ok(), !failed);
    EXPECT_TRUE(driver.node.done());
  }
}

TEST(TransmitterNodeTest, StartsFromTheParametersOfTheWelcome) {
  TransmitterDriver trained;
  trained.RunTrain(0);
  TransmitterDriver driver(trained.scenario, "", trained.AskParameters());
  for (int m = 0; m < 3; ++m) {
    EXPECT_TRUE(Same(driver.node.encoders()->networks()[m].parameters(),
                     trained.node.encoders()->networks()[m].parameters()));
  }
  EXPECT_TRUE(Same(driver.node.selection()->selector().network().parameters(),
                   trained.node.selection()->selector().network().parameters()));
}

}  // namespace
}  // namespace semlink::transmitter
