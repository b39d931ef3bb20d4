#include "coordinator/coordinator_node.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/randomness/common_randomness.h"
#include "common/scenario/reader.h"
#include "coordinator/sqlite.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Body = v1::Message::BodyCase;

class CoordinatorNodeTest : public ::testing::Test {
 protected:
  CoordinatorOptions Options(JobKind kind = JobKind::kTrain) {
    CoordinatorOptions options;
    options.scenario = scenario_;
    options.out_dir = dir_;
    options.job.kind = kind;
    options.job.test_size = 18;  // one EVALUATE window per draw: 4 rounds, the last of 3 samples
    return options;
  }
  void Create(const CoordinatorOptions& options) {
    auto node = CoordinatorNode::Create(options, &transport_, &clock_);
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }
  void Deliver(const NodeId& from, const v1::Message& message) {
    ASSERT_TRUE(node_->Handle(from, message).ok());
  }
  void Hello(const NodeId& node) { Deliver(node, HelloFrom(node)); }
  // The node is ready and back at the start.
  void Ready(const NodeId& node) {
    Deliver(node, ReadyMessage());
    Deliver(node, RestoredMessage(0));
  }
  void PairsUp() {
    for (int k = 0; k < scenario_.K(); ++k) {
      for (int t = 0; t < scenario_.T(); ++t) {
        Deliver(NodeId::Receiver(t), PairMessage(k, t, true));
      }
    }
  }
  void JoinAll() {
    for (const NodeId& node : AllNodes(scenario_)) Hello(node);
    for (const NodeId& node : AllNodes(scenario_)) Ready(node);
    PairsUp();
  }
  // Of the open window, in runs without aborted ones.
  uint64_t Attempt() { return (uint64_t{1} << 32) | (node_->status_board().Read().window + 1); }
  void Start() {
    Create(Options());
    JoinAll();
  }
  void Claim(const NodeId& from, const v1::Claim& claim) {
    v1::Message message;
    *message.mutable_claim() = claim;
    message.set_attempt(Attempt());
    Deliver(from, message);
  }
  void Report(const NodeId& from, const v1::Report& report) {
    v1::Message message;
    *message.mutable_report() = report;
    message.set_attempt(Attempt());
    Deliver(from, message);
  }
  void ClaimAll(uint64_t window) {
    Claim(kT1, MakeClaim(window, {MakeLink(0, 0, 0, {0, 1})}));
    Claim(kT2, MakeClaim(window, {MakeLink(1, 0, 1, {3})}));
  }
  void ReportAll(uint64_t window, uint64_t samples) {
    const double n = static_cast<double>(samples);
    Report(kT1, TransmitterReport(window, {MakeLinkReport(0, 0, 0, 2, 1.5, 0.5)}));
    Report(kT2, TransmitterReport(window, {MakeLinkReport(1, 0, 1, 1, 2.0, 0.25)}));
    Report(kR1, ReceiverReport(window, 2, samples, n / 2, 0.5));
    clock_.Advance(absl::Milliseconds(250));
    Report(kR2, ReceiverReport(window, 2, samples, n, 0.25));
  }
  void RunWindow(uint64_t window, uint64_t samples = 20) {
    ClaimAll(window);
    ReportAll(window, samples);
  }
  v1::Message ParametersOf(const NodeId& node, uint64_t window) {
    v1::Message message;
    message.mutable_parameters()->set_window(window);
    v1::NamedTensor* tensor = message.mutable_parameters()->add_tensor();
    tensor->set_name("selector.weight");
    tensor->mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
    tensor->mutable_tensor()->add_shape(1);
    tensor->mutable_tensor()->set_data(std::string(4, static_cast<char>('a' + node.index)));
    return message;
  }
  void SendCheckpoints(uint64_t window) {
    for (const NodeId& node : AllNodes(scenario_)) {
      v1::Message message;
      v1::Checkpointed* written = message.mutable_checkpointed();
      written->mutable_checkpoint()->set_window(window);
      written->mutable_checkpoint()->set_sha256(std::string(64, 'a'));
      Deliver(node, message);
    }
  }
  // With the checkpoints that are awaited before.
  void SendParameters(uint64_t window) {
    SendCheckpoints(window);
    for (const NodeId& node : AllNodes(scenario_)) Deliver(node, ParametersOf(node, window));
  }
  std::vector<std::string> EventNames() {
    std::vector<std::string> names;
    for (const auto& line : ReadJsonLines(dir_ + "/events.jsonl")) names.push_back(line["event"]);
    return names;
  }
  // From now on every write to that file of the run folder fails.
  void FillDiskFor(const std::string& name) {
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry.path(), gone);
      if (target == dir_ + "/" + name) dup2(full, std::stoi(entry.path().filename()));
    }
    close(full);
  }
  nlohmann::json LastEvent() { return ReadJsonLines(dir_ + "/events.jsonl").back(); }
  std::string Query(const std::string& sql) {
    Database database = Database::Open(dir_ + "/ledger.sqlite").value();
    Statement statement = database.Prepare(sql).value();
    return statement.Step().value() ? statement.Text(0) : "";
  }

  Scenario scenario_ = SmallScenario();
  TempDir folder_;
  std::string dir_ = folder_ / "run";
  RecordingTransport transport_;
  FakeClock clock_{absl::FromUnixSeconds(1000)};
  std::unique_ptr<CoordinatorNode> node_;
};

TEST_F(CoordinatorNodeTest, ReceiversAreWelcomedOnceAllTransmittersAreIn) {
  Create(Options());
  Hello(kR1);
  Hello(kT1);
  ASSERT_EQ(transport_.Of(Body::kWelcome).size(), 1u);
  const v1::Welcome first = transport_.Of(Body::kWelcome, kT1).at(0).welcome();
  EXPECT_EQ(first.scenario_yaml(), EmitScenario(scenario_));
  EXPECT_EQ(first.transmitter_address_size(), 0);
  EXPECT_EQ(first.parameters_size(), 0);
  EXPECT_EQ(node_->Awaiting(),
            "waiting for transmitter2, receiver2 to join and transmitter1, receiver1 to be ready");
  Hello(kT2);
  ASSERT_EQ(transport_.Of(Body::kWelcome, kR1).size(), 1u);
  EXPECT_THAT(transport_.Of(Body::kWelcome, kR1)[0].welcome().transmitter_address(),
              ElementsAre("host0:1", "host1:1"));
  Hello(kR2);
  EXPECT_EQ(transport_.Of(Body::kWelcome).size(), 4u);
  EXPECT_THAT(transport_.Of(Body::kOpenWindow), IsEmpty());
  for (const NodeId& node : AllNodes(scenario_)) Ready(node);
  EXPECT_EQ(transport_.Of(Body::kRestore).size(), 4u);
  EXPECT_EQ(transport_.Of(Body::kRestore)[0].restore().checkpoint().window(), 0u);
  EXPECT_THAT(transport_.Of(Body::kOpenWindow), IsEmpty());
  EXPECT_THAT(node_->Awaiting(), HasSubstr("the streams transmitter1-receiver1, "));
  PairsUp();
  EXPECT_EQ(transport_.Of(Body::kOpenWindow).size(), 4u);
}

TEST_F(CoordinatorNodeTest, TheFirstWindowOpensWhenAllAreReady) {
  Start();
  ASSERT_EQ(transport_.Of(Body::kOpenWindow).size(), 4u);
  const v1::OpenWindow open = transport_.Of(Body::kOpenWindow, kR2).at(0).open_window();
  EXPECT_EQ(open.window(), 0u);
  EXPECT_EQ(open.kind(), v1::TRAIN);
  EXPECT_EQ(open.view(), 1u);
  EXPECT_EQ(open.seed(), 7u);
  EXPECT_EQ(open.common_randomness_size(), 0);
  EXPECT_THAT(open.transmitter_up(), ElementsAre(true, true));
  EXPECT_THAT(EventNames(), ElementsAre("node_joined", "node_joined", "node_joined", "node_joined",
                                        "ready", "training_started"));
  const auto env = ReadJson(dir_ + "/env.json");
  EXPECT_EQ(env["nodes"].size(), 4u);
  EXPECT_EQ(env["nodes"][2]["node"], "receiver1");
  EXPECT_EQ(env["nodes"][2]["device"], "cpu");
  EXPECT_EQ(node_->status_board().Read().phase, "training");
}

TEST_F(CoordinatorNodeTest, RefusedHellosAreAnsweredAndRecorded) {
  Create(Options());
  Hello(NodeId::Transmitter(2));
  v1::Message old = HelloFrom(kT1);
  old.mutable_hello()->set_protocol(kProtocolVersion + 1);
  Deliver(kT1, old);
  Hello(kT1);
  Hello(kT1);
  std::vector<int> reasons;
  for (const v1::Message& message : transport_.Of(Body::kRefusal)) {
    reasons.push_back(message.refusal().reason());
  }
  EXPECT_THAT(reasons, ElementsAre(v1::Refusal::UNKNOWN_NODE, v1::Refusal::PROTOCOL_VERSION,
                                   v1::Refusal::DUPLICATE_NODE));
  EXPECT_THAT(EventNames(), ElementsAre("refused", "refused", "node_joined", "refused"));
  EXPECT_EQ(node_->status_board().Read().refusals, 3u);
}

TEST_F(CoordinatorNodeTest, ATrainingWindowFromOpenToCommit) {
  Start();
  transport_.sent.clear();
  Claim(kT1, MakeClaim(0, {MakeLink(0, 0, 0, {0, 1})}));
  EXPECT_THAT(transport_.sent, IsEmpty());
  Claim(kT2, MakeClaim(0, {MakeLink(1, 0, 1, {3})}));
  ASSERT_EQ(transport_.Of(Body::kGrant).size(), 4u);
  EXPECT_EQ(transport_.Of(Body::kGrant, kR1)[0].grant().link_size(), 1);
  EXPECT_EQ(transport_.Of(Body::kGrant, kR1)[0].grant().link(0).transmitter(), 0u);
  EXPECT_EQ(transport_.Of(Body::kGrant, kT2)[0].grant().link(0).task(), 1u);
  EXPECT_THAT(transport_.Of(Body::kInferStart), IsEmpty());
  ReportAll(0, 20);
  ASSERT_EQ(transport_.Of(Body::kCommit).size(), 4u);
  EXPECT_EQ(transport_.Of(Body::kCommit)[0].commit().window(), 0u);
  EXPECT_EQ(transport_.Of(Body::kOpenWindow).at(3).open_window().window(), 1u);
  EXPECT_EQ(transport_.Of(Body::kOpenWindow).at(3).open_window().training_progress(), 1.0);
  const auto lines = ReadJsonLines(dir_ + "/metrics.jsonl");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["window"], 0);
  EXPECT_EQ(lines[0]["seconds"], 0.25);
  EXPECT_EQ(lines[0]["accuracy"], nlohmann::json({0.5, 1.0}));
  EXPECT_EQ(Query("SELECT rounds FROM window WHERE number = 0"), "4");
}

// A transport that looks into the ledger when it is asked to send a Commit.
class LedgerWatchingTransport : public RecordingTransport {
 public:
  explicit LedgerWatchingTransport(std::string path) : path_(std::move(path)) {}
  absl::Status Send(const NodeId& to, v1::Message message) override {
    if (message.has_commit()) {
      Database database = Database::Open(path_).value();
      Statement count = database.Prepare("SELECT count(*) FROM window").value();
      count.Step().value();
      windows_at_commit.push_back(count.Int(0));
    }
    return RecordingTransport::Send(to, std::move(message));
  }
  std::vector<int64_t> windows_at_commit;

 private:
  std::string path_;
};

TEST_F(CoordinatorNodeTest, TheLedgerHasTheWindowBeforeAnyNodeSteps) {
  LedgerWatchingTransport transport(dir_ + "/ledger.sqlite");
  auto node = CoordinatorNode::Create(Options(), &transport, &clock_);
  ASSERT_TRUE(node.ok());
  node_ = *std::move(node);
  JoinAll();
  RunWindow(0);
  RunWindow(1);
  EXPECT_THAT(transport.windows_at_commit, ElementsAre(1, 1, 1, 1, 2, 2, 2, 2));
}

TEST_F(CoordinatorNodeTest, AWholeTrainingRun) {
  transport_.traffic.emplace_back();
  *transport_.traffic[0].mutable_peer() = ToProto(kT1);
  transport_.traffic[0].set_kind("control");
  transport_.traffic[0].set_bytes_sent(77);
  Start();
  RunWindow(0);
  RunWindow(1);
  ASSERT_EQ(transport_.Of(Body::kCheckpoint).size(), 4u);
  EXPECT_THAT(transport_.Of(Body::kParametersRequest), IsEmpty());
  EXPECT_EQ(transport_.Of(Body::kCheckpoint)[0].checkpoint().window(), 2u);
  EXPECT_THAT(node_->Awaiting(), HasSubstr("checkpoints of transmitter1"));
  SendCheckpoints(2);
  ASSERT_EQ(transport_.Of(Body::kParametersRequest).size(), 4u);
  EXPECT_THAT(node_->Awaiting(), HasSubstr("parameters of transmitter1"));
  for (const NodeId& node : AllNodes(scenario_)) Deliver(node, ParametersOf(node, 2));
  const v1::OpenWindow open = transport_.Of(Body::kOpenWindow, kR1).at(2).open_window();
  EXPECT_EQ(open.kind(), v1::EVALUATE);
  EXPECT_EQ(open.window(), 2u);
  EXPECT_EQ(open.samples(), 18u);
  RunWindow(2, 18);
  EXPECT_FALSE(node_->done());
  RunWindow(3, 18);
  EXPECT_TRUE(node_->done());
  EXPECT_TRUE(node_->result().ok());
  ASSERT_EQ(transport_.Of(Body::kStop).size(), 4u);
  EXPECT_FALSE(transport_.Of(Body::kStop)[0].stop().failed());

  const auto summary = ReadJson(dir_ + "/summary.json");
  EXPECT_EQ(summary["windows"], 2);
  EXPECT_EQ(summary["accuracy"], nlohmann::json({0.5, 1.0}));
  EXPECT_EQ(summary["nce"], -0.75);
  EXPECT_EQ(summary["rate_nats"], 1.5 * 2 / 4 + 2.0 / 4);
  EXPECT_EQ(summary["links_mean"], 0.75);
  EXPECT_EQ(summary["links_max"], 1);
  EXPECT_EQ(summary["limits_exceeded"], 0);
  EXPECT_EQ(summary["cr_draws"], 2);
  EXPECT_EQ(summary["test_samples"], 18);
  EXPECT_EQ(summary["seconds_per_window"], 0.25);
  EXPECT_EQ(summary["cpu_seconds_per_window"], 1.5);
  EXPECT_EQ(summary["peak_rss_bytes"]["receiver2"], 1000);
  EXPECT_EQ(summary["message_bytes"][0]["node"], "transmitter1");
  EXPECT_EQ(summary["message_bytes"][0]["bytes"], 77);
  // SHA-256 of "aaaabbbbaaaabbbb": transmitters, then receivers.
  EXPECT_EQ(summary["parameters_sha256"],
            "a67ae3a24b440f534118b9f22e9abccdbda72c76e159f2503d1c77516f681ad7");
  EXPECT_THAT(EventNames(), ElementsAre("node_joined", "node_joined", "node_joined", "node_joined",
                                        "ready", "training_started", "checkpoint",
                                        "parameters_written", "evaluation_started",
                                        "evaluation_progress", "evaluation_progress", "finished"));
  EXPECT_EQ(Query("SELECT state FROM run"), "finished");
  EXPECT_EQ(Query("SELECT group_concat(kind) FROM window"), "train,train,evaluate,evaluate");
  EXPECT_EQ(ReadJsonLines(dir_ + "/metrics.jsonl").size(), 2u);
  EXPECT_TRUE(FileExists(dir_ + "/parameters/receiver2.safetensors"));
  const RunStatus status = node_->status_board().Read();
  EXPECT_EQ(status.phase, "finished");
  EXPECT_EQ(status.window, 4u);
  EXPECT_EQ(status.windows, 4u);
}

TEST_F(CoordinatorNodeTest, EvaluationStartsFromTheParametersThatTrainingWrote) {
  Start();
  RunWindow(0);
  RunWindow(1);
  SendParameters(2);
  const std::string written = dir_ + "/parameters";
  transport_.sent.clear();
  CoordinatorOptions options = Options(JobKind::kEvaluate);
  options.parameters_dir = written;
  options.out_dir = dir_ = folder_ / "evaluation";
  options.job.draws = 1;
  Create(options);
  JoinAll();
  const v1::Welcome welcome = transport_.Of(Body::kWelcome, kT2).at(0).welcome();
  ASSERT_EQ(welcome.parameters_size(), 1);
  EXPECT_EQ(welcome.parameters(0).tensor().data(), "bbbb");
  EXPECT_EQ(transport_.Of(Body::kOpenWindow, kT1).at(0).open_window().kind(), v1::EVALUATE);
  RunWindow(0, 18);
  ASSERT_TRUE(node_->done());
  EXPECT_TRUE(node_->result().ok());
  EXPECT_EQ(ReadJson(dir_ + "/summary.json")["cr_draws"], 1);
  EXPECT_EQ(ReadJson(dir_ + "/summary.json")["seconds_per_window"], 0.25);
  EXPECT_EQ(ReadJson(dir_ + "/summary.json")["parameters_sha256"],
            "a67ae3a24b440f534118b9f22e9abccdbda72c76e159f2503d1c77516f681ad7");
  EXPECT_THAT(ReadFile(dir_ + "/metrics.jsonl").value(), IsEmpty());
}

TEST_F(CoordinatorNodeTest, AnInferenceRun) {
  Start();
  RunWindow(0);
  RunWindow(1);
  SendParameters(2);
  transport_.sent.clear();
  CoordinatorOptions options = Options(JobKind::kInfer);
  options.parameters_dir = dir_ + "/parameters";
  options.out_dir = dir_ = folder_ / "inference";
  options.job.samples = 10;
  options.job.batch = 2;
  options.job.in_flight = 3;
  Create(options);
  JoinAll();
  Claim(kT1, MakeClaim(0, {MakeLink(0, 0, 0, {0})}));
  Claim(kT2, MakeClaim(0));
  ASSERT_EQ(transport_.Of(Body::kInferStart).size(), 2u);
  const v1::InferStart start = transport_.Of(Body::kInferStart, kR2).at(0).infer_start();
  EXPECT_EQ(start.samples(), 10u);
  EXPECT_EQ(start.in_flight(), 3u);
  clock_.Advance(absl::Seconds(3600));
  ASSERT_TRUE(node_->Tick().ok());  // samples take their time: nobody is silent
  EXPECT_THAT(transport_.Of(Body::kAbort), IsEmpty());
  v1::Message message;
  message.set_attempt(Attempt());
  message.mutable_infer_report()->set_samples(10);
  message.mutable_infer_report()->set_correct(9);
  message.mutable_infer_report()->set_seconds(0.5);
  message.mutable_infer_report()->add_latency_us(120);
  Deliver(kR1, message);
  EXPECT_THAT(transport_.Of(Body::kCommit), IsEmpty());
  Deliver(kR2, message);
  EXPECT_EQ(transport_.Of(Body::kCommit).size(), 4u);
  EXPECT_TRUE(node_->done());
  const auto infer = ReadJson(dir_ + "/infer.json");
  EXPECT_EQ(infer["samples_per_second"], 40.0);
  EXPECT_EQ(infer["batch"], 2);
  EXPECT_EQ(infer["receivers"][1]["latency_us"]["p99"], 120.0);
  EXPECT_FALSE(FileExists(dir_ + "/summary.json"));
}

TEST_F(CoordinatorNodeTest, JobsThatNeedParametersSayWhichAreMissing) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      CoordinatorNode::Create(Options(JobKind::kEvaluate), &transport_, &clock_).status()));
  CoordinatorOptions options = Options(JobKind::kInfer);
  options.parameters_dir = folder_ / "nowhere";
  EXPECT_TRUE(absl::IsNotFound(CoordinatorNode::Create(options, &transport_, &clock_).status()));
  EXPECT_FALSE(FileExists(dir_ + "/ledger.sqlite"));  // nothing was begun
}

TEST_F(CoordinatorNodeTest, ClaimsAboveTheLimitsAreNotGrantedButCounted) {
  Start();
  Claim(kT1, MakeClaim(0, {MakeLink(0, 0, 0, {0}), MakeLink(0, 1, 0, {0}), MakeLink(0, 0, 1, {0}),
                           MakeLink(0, 7, 0, {0})}));
  Claim(kT2, MakeClaim(0, {MakeLink(1, 0, 0, {0})}));
  int granted = 0;
  for (const NodeId& node : {kT1, kT2}) {
    granted += transport_.Of(Body::kGrant, node).at(0).grant().link_size();
  }
  EXPECT_EQ(granted, 2);
  Report(kT1, TransmitterReport(0, {MakeLinkReport(0, 0, 0, 1, 1, 1)}));
  Report(kT2, TransmitterReport(0));
  Report(kR1, ReceiverReport(0, 2, 20, 1, 1));
  Report(kR2, ReceiverReport(0, 2, 20, 1, 1));
  EXPECT_EQ(ReadJsonLines(dir_ + "/metrics.jsonl").at(0)["refused"], 3);
  EXPECT_EQ(Query("SELECT sum(count) FROM refusal"), "3");
  EXPECT_EQ(Query("SELECT count FROM refusal WHERE reason = 'receiver_limit'"), "1");
  EXPECT_EQ(LastEvent()["event"], "refused");
  EXPECT_EQ(LastEvent()["reasons"]["transmitter_limit"], 1);
  EXPECT_EQ(node_->status_board().Read().refusals, 3u);
}

TEST_F(CoordinatorNodeTest, BadMessagesAreRefusedAndTheWindowGoesOn) {
  Start();
  ClaimAll(0);
  transport_.sent.clear();
  Claim(kT1, MakeClaim(0));                      // duplicate
  Claim(kT1, MakeClaim(5));                      // early
  Report(kR1, ReceiverReport(0, 2, 20, 30, 1));  // malformed
  Deliver(kR1, ParametersOf(kR1, 0));            // not asked for
  Deliver(kR1, ReadyMessage());                  // said before
  Deliver(NodeId::Receiver(9), ReadyMessage());  // not in the run
  v1::Message commit;
  commit.mutable_commit()->set_window(0);
  Deliver(kR1, commit);         // not for a coordinator
  Deliver(kR1, v1::Message());  // empty
  ASSERT_EQ(transport_.Of(Body::kRefusal).size(), 8u);
  for (const v1::Message& message : transport_.Of(Body::kRefusal)) {
    EXPECT_EQ(message.refusal().reason(), v1::Refusal::BAD_MESSAGE);
  }
  EXPECT_THAT(transport_.Of(Body::kRefusal, kR1)[0].refusal().detail(),
              HasSubstr("Report: correct is 30 of 20"));
  EXPECT_EQ(transport_.Of(Body::kRefusal, kR1)[0].attempt(), Attempt());
  EXPECT_EQ(transport_.Of(Body::kRefusal, kR1)[1].attempt(), 0u);  // of no window
  ReportAll(0, 20);
  EXPECT_EQ(transport_.Of(Body::kCommit).size(), 4u);
  v1::Message late;
  *late.mutable_report() = TransmitterReport(0);
  late.set_attempt(Attempt() - 1);
  Deliver(kT1, late);
  EXPECT_EQ(transport_.Of(Body::kRefusal).size(), 8u);  // dropped, and its sender is not told
  EXPECT_EQ(Query("SELECT group_concat(reason || count, ' ') FROM refusal"),
            "duplicate_message1 malformed1 other_window1");
  RunWindow(1);
  EXPECT_EQ(transport_.Of(Body::kCommit).size(), 8u);
  EXPECT_EQ(Query("SELECT reason || count FROM refusal WHERE window = 1"), "stale1");
  EXPECT_FALSE(node_->done());
}

TEST_F(CoordinatorNodeTest, BadParametersAreRefusedAndAwaitedAgain) {
  Start();
  RunWindow(0);
  RunWindow(1);
  SendCheckpoints(2);
  v1::Message bad = ParametersOf(kT1, 2);
  bad.mutable_parameters()->mutable_tensor(0)->mutable_tensor()->set_data("abc");
  Deliver(kT1, bad);
  Deliver(kT2, ParametersOf(kT2, 1));  // of another window
  Deliver(kR1, ParametersOf(kR1, 2));
  Deliver(kR1, ParametersOf(kR1, 2));  // twice
  EXPECT_EQ(transport_.Of(Body::kRefusal).size(), 3u);
  Deliver(kR2, ParametersOf(kR2, 2));
  Deliver(kT2, ParametersOf(kT2, 2));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/parameters"));
  Deliver(kT1, ParametersOf(kT1, 2));
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/parameters"));
}

TEST_F(CoordinatorNodeTest, NodesMayLeaveAndComeBeforeTheStart) {
  Create(Options());
  Hello(kT1);
  ASSERT_TRUE(node_->PeerDown(kT1, absl::UnavailableError("killed")).ok());
  Hello(kT1);
  Hello(kT2);
  Hello(kR1);
  ASSERT_TRUE(node_->PeerDown(kR1, absl::UnavailableError("killed")).ok());
  EXPECT_FALSE(node_->done());
  Hello(kR1);
  Hello(kR2);
  for (const NodeId& node : AllNodes(scenario_)) Ready(node);
  PairsUp();
  EXPECT_EQ(transport_.Of(Body::kOpenWindow).size(), 4u);
}

TEST_F(CoordinatorNodeTest, ATransmitterThatComesBackElsewhereIsAnnounced) {
  Create(Options());
  for (const NodeId& node : AllNodes(scenario_)) Hello(node);
  ASSERT_TRUE(node_->PeerDown(kT1, absl::UnavailableError("killed")).ok());
  EXPECT_FALSE(node_->done());
  EXPECT_THAT(transport_.Of(Body::kAddresses), IsEmpty());
  v1::Message hello = HelloFrom(kT1);
  hello.mutable_hello()->set_data_address("elsewhere:2");
  Deliver(kT1, hello);
  ASSERT_EQ(transport_.Of(Body::kAddresses).size(), 2u);
  EXPECT_THAT(transport_.Of(Body::kAddresses, kR2).at(0).addresses().transmitter_address(),
              ElementsAre("elsewhere:2", "host1:1"));
}

TEST_F(CoordinatorNodeTest, AFailureBeforeTheFirstWindowEndsTheRun) {
  Create(Options());
  Hello(kT1);
  v1::Message failed;
  failed.mutable_refusal()->set_reason(v1::Refusal::FAILED);
  failed.mutable_refusal()->set_detail("no such folder: /data");
  Deliver(kT1, failed);
  EXPECT_TRUE(absl::IsUnavailable(node_->result()));
  EXPECT_EQ(node_->result().message(), "transmitter1 can't take part: no such folder: /data");
  EXPECT_EQ(transport_.Of(Body::kStop, kT1).size(), 1u);
}

TEST_F(CoordinatorNodeTest, SilenceIsALossOfTheNodeThatOwesAnAnswer) {
  Start();
  ClaimAll(0);
  Report(kT1, TransmitterReport(0));
  clock_.Advance(absl::Seconds(100));
  Report(kR1, ReceiverReport(0, 2, 20, 10, 1));
  Report(kT2, TransmitterReport(0));
  clock_.Advance(absl::Seconds(21));
  transport_.sent.clear();
  ASSERT_TRUE(node_->Tick().ok());  // receiver2 was asked 121 s ago
  EXPECT_FALSE(node_->done());
  EXPECT_THAT(LastEvent()["reason"].get<std::string>(), HasSubstr("no word from it for 2m"));
  EXPECT_EQ(transport_.Of(Body::kAbort).size(), 3u);
  const v1::OpenWindow open = transport_.Of(Body::kOpenWindow, kR1).at(0).open_window();
  EXPECT_EQ(open.window(), 0u);
  EXPECT_THAT(open.receiver_up(), ElementsAre(true, false));
  EXPECT_EQ(node_->status_board().Read().members[3].state, MemberState::kLost);
  // Its connection lives: it is welcomed again, and nothing that it said before counts.
  EXPECT_EQ(transport_.Of(Body::kWelcome, kR2).size(), 1u);
  transport_.sent.clear();
  v1::Message late;
  *late.mutable_report() = ReceiverReport(0, 2, 20, 10, 1);
  Deliver(kR2, late);
  EXPECT_THAT(transport_.sent, IsEmpty());
  Deliver(kR2, ReadyMessage());
  EXPECT_EQ(transport_.Of(Body::kRestore, kR2).size(), 1u);
  EXPECT_EQ(LastEvent()["event"], "node_joined");
  EXPECT_EQ(LastEvent()["node"], "receiver2");
}

TEST_F(CoordinatorNodeTest, AnOperatorStopsTheRun) {
  Start();
  node_->status_board().RequestStop("enough");
  node_->status_board().RequestStop("again");
  ASSERT_TRUE(node_->Tick().ok());
  EXPECT_TRUE(node_->done());
  EXPECT_TRUE(absl::IsCancelled(node_->result()));
  EXPECT_EQ(transport_.Of(Body::kStop).at(0).stop().reason(), "stopped: enough");
}

TEST_F(CoordinatorNodeTest, AWindowThatTheLedgerHasIsNotAbortedByWhatFailsAfterIt) {
  Start();
  ClaimAll(0);
  FillDiskFor("metrics.jsonl");  // is written after the ledger
  ReportAll(0, 20);
  ASSERT_TRUE(node_->done());
  EXPECT_FALSE(node_->result().ok());
  EXPECT_EQ(Query("SELECT count(*) FROM window"), "1");
  EXPECT_EQ(Query("SELECT count(*) FROM aborted"), "0");
  EXPECT_THAT(transport_.Of(Body::kAbort), IsEmpty());
  EXPECT_EQ(transport_.Of(Body::kStop).size(), 4u);
}

TEST_F(CoordinatorNodeTest, BroadcastRandomnessIsWhatTheNodesWouldDerive) {
  scenario_.common_randomness.source = CrSource::kBroadcast;
  Start();
  const v1::OpenWindow open = transport_.Of(Body::kOpenWindow, kR1).at(0).open_window();
  const std::vector<float> sent(open.common_randomness().begin(), open.common_randomness().end());
  EXPECT_EQ(sent.size(), 16u);
  EXPECT_EQ(sent, WindowRandomness(CrSource::kDerived, 7, open, 4));
}

TEST_F(CoordinatorNodeTest, ARunFolderIsNotUsedTwice) {
  Start();
  EXPECT_TRUE(
      absl::IsAlreadyExists(CoordinatorNode::Create(Options(), &transport_, &clock_).status()));
}

}  // namespace
}  // namespace semlink::coordinator
