#include "coordinator/operator_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>

#include "common/faults/fault_spec.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

class OperatorServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = v1::Operator::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                      grpc::InsecureChannelCredentials()));
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  }

  std::shared_ptr<StatusBoard> board_ = std::make_shared<StatusBoard>();
  OperatorService service_{board_, std::make_shared<PeerCheck>()};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Operator::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(OperatorServiceTest, StatusIsWhatWasPublished) {
  Membership membership(SmallScenario());
  membership.Join(NodeId::Transmitter(1), HelloFrom(NodeId::Transmitter(1)).hello(),
                  absl::ZeroDuration());
  RunStatus status;
  status.run_id = "run-1";
  status.phase = "training";
  status.window = 3;
  status.windows = 9;
  status.accuracy = {0.5, 0.75};
  status.members = membership.members();
  board_->Publish(status);
  v1::StatusReply reply;
  const grpc::Status rpc = stub_->GetStatus(&context_, v1::StatusRequest(), &reply);
  ASSERT_TRUE(rpc.ok()) << rpc.error_message();
  EXPECT_EQ(reply.run_id(), "run-1");
  EXPECT_EQ(reply.phase(), "training");
  EXPECT_EQ(reply.window(), 3u);
  EXPECT_EQ(reply.accuracy(1), 0.75);
  ASSERT_EQ(reply.node_size(), 4);
  EXPECT_FALSE(reply.node(0).up());
  EXPECT_TRUE(reply.node(1).up());
  EXPECT_EQ(reply.node(1).address(), "host1:1");
  EXPECT_EQ(reply.node(1).pid(), 101u);
  EXPECT_EQ(reply.node(3).node().role(), v1::RECEIVER);
}

TEST_F(OperatorServiceTest, StopIsNotedForTheNode) {
  EXPECT_FALSE(board_->stop_requested().has_value());
  v1::StopRequest request;
  request.set_reason("power saving");
  v1::StopReply reply;
  ASSERT_TRUE(stub_->StopRun(&context_, request, &reply).ok());
  EXPECT_EQ(board_->stop_requested(), "by an operator: power saving");
}

TEST_F(OperatorServiceTest, StatusSaysSinceWhenAndWhatIsBroken) {
  Membership membership(SmallScenario());
  membership.Join(NodeId::Transmitter(1), HelloFrom(NodeId::Transmitter(1)).hello(),
                  absl::ZeroDuration());
  RunStatus status;
  status.members = membership.members();
  status.published_at = absl::FromUnixSeconds(100);
  board_->Publish(status);
  membership.MarkGone(NodeId::Transmitter(1));
  status.members = membership.members();
  status.published_at = absl::FromUnixSeconds(130);
  v1::Pair pair;
  pair.set_receiver(1);
  status.cut = {pair};
  status.checkpoint = 50;
  board_->Publish(status);
  FaultView view;
  view.fault = *ParseFaultText("cut all --for 10s");
  view.left = absl::Seconds(4);
  const v1::StatusReply reply = ToReply(board_->Read(), {view}, absl::FromUnixSeconds(140));
  EXPECT_EQ(reply.node(0).state(), "awaited");
  EXPECT_EQ(reply.node(0).state_seconds(), 40);
  EXPECT_EQ(reply.node(1).state_seconds(), 10);
  EXPECT_EQ(reply.cut(0).receiver(), 1u);
  EXPECT_EQ(reply.checkpoint(), 50u);
  EXPECT_EQ(reply.fault(0).seconds_left(), 4);
}

TEST_F(OperatorServiceTest, LinksHaveFiguresStatesAndFaults) {
  Membership membership(SmallScenario());
  for (const NodeId& id : {NodeId::Transmitter(0), NodeId::Receiver(1)}) {
    membership.Join(id, HelloFrom(id).hello(), absl::ZeroDuration());
  }
  RunStatus status;
  status.members = membership.members();
  status.published_at = absl::FromUnixSeconds(100);
  board_->Publish(status);
  WindowRecord record;
  record.open.set_rounds(4);
  PairCosts costs;
  costs[{NodeId::Transmitter(0), NodeId::Receiver(1)}].messages_to_b = 640;
  board_->links().Add(record, costs);
  v1::LinksReply reply;
  ASSERT_TRUE(stub_->GetLinks(&context_, v1::LinksRequest(), &reply).ok());
  ASSERT_EQ(reply.pair_size(), 8);  // 2 x 2, and four with the coordinator
  EXPECT_EQ(reply.pair(0).state(), "down: receiver1 is awaited");
  EXPECT_EQ(reply.pair(1).state(), "up");
  EXPECT_EQ(reply.pair(1).message_bytes_to_b(), 640u);

  FaultView drop, kill;
  drop.fault = *ParseFaultText("drop receiver2>transmitter1 --probability 0.5");
  drop.fault.set_id(3);
  kill.fault = *ParseFaultText("kill transmitter1");
  reply = board_->links().Read(1);
  FillPairs(board_->Read(), {drop, kill}, absl::FromUnixSeconds(105), &reply);
  EXPECT_EQ(reply.pair(1).state(), "up, fault 3 (drop)");
  EXPECT_EQ(reply.pair(1).state_seconds(), 5);
  EXPECT_EQ(reply.pair(4).state(), "up");
}

class OperatorFaultsTest : public OperatorServiceTest {
 protected:
  OperatorFaultsTest() { board_->faults().Open(FaultSchedule(SmallScenario()), &clock_); }

  grpc::Status Add(const std::string& text, v1::AddFaultReply* reply) {
    v1::AddFaultRequest request;
    *request.mutable_fault() = *ParseFaultText(text);
    grpc::ClientContext context;
    return stub_->AddFault(&context, request, reply);
  }
  grpc::Status Clear(const std::vector<uint64_t>& ids, v1::ClearFaultsReply* reply) {
    v1::ClearFaultsRequest request;
    request.mutable_id()->Add(ids.begin(), ids.end());
    grpc::ClientContext context;
    return stub_->ClearFaults(&context, request, reply);
  }
  v1::ListFaultsReply List() {
    v1::ListFaultsReply reply;
    grpc::ClientContext context;
    EXPECT_TRUE(stub_->ListFaults(&context, v1::ListFaultsRequest(), &reply).ok());
    return reply;
  }

  FakeClock clock_;
};

TEST_F(OperatorFaultsTest, AddListClear) {
  v1::AddFaultReply added;
  ASSERT_TRUE(Add("cut transmitter1:receiver2 --for 10s", &added).ok());
  EXPECT_EQ(added.id(), 1u);
  ASSERT_TRUE(Add("kill transmitter2", &added).ok());
  EXPECT_EQ(added.id(), 2u);
  const v1::ListFaultsReply list = List();
  ASSERT_EQ(list.fault_size(), 2);
  EXPECT_EQ(FaultText(list.fault(0).fault()), "cut transmitter1:receiver2 --for 10s");
  EXPECT_EQ(list.fault(0).seconds_left(), 10);
  EXPECT_EQ(list.fault(1).seconds_left(), 0);
  v1::ClearFaultsReply cleared;
  ASSERT_TRUE(Clear({2}, &cleared).ok());
  ASSERT_EQ(cleared.cleared_size(), 1);
  EXPECT_EQ(List().fault_size(), 1);
  ASSERT_TRUE(Clear({}, &cleared).ok());
  EXPECT_EQ(List().fault_size(), 0);
}

TEST_F(OperatorFaultsTest, MistakesComeBack) {
  v1::AddFaultReply added;
  const grpc::Status unknown = Add("kill transmitter9", &added);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(unknown.error_message().find("transmitter9"), std::string::npos);
  v1::ClearFaultsReply cleared;
  EXPECT_EQ(Clear({4}, &cleared).error_code(), grpc::StatusCode::NOT_FOUND);
  board_->faults().Close();
  EXPECT_EQ(Add("kill transmitter1", &added).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace semlink::coordinator
