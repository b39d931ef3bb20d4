#include "coordinator/operator_service.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>

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
  OperatorService service_{board_};
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

}  // namespace
}  // namespace semlink::coordinator
