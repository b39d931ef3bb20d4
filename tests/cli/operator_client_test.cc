#include "cli/operator_client.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

class FakeOperator : public v1::Operator::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::StatusRequest*,
                         v1::StatusReply* reply) override {
    std::this_thread::sleep_for(delay);
    reply->set_run_id("r1");
    return status;
  }

  std::chrono::milliseconds delay{0};
  grpc::Status status;
};

class OperatorClientTest : public testing::Test {
 protected:
  OperatorClientTest() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    coordinator_.address = absl::StrCat("127.0.0.1:", port);
    coordinator_.channel =
        grpc::CreateChannel(coordinator_.address, grpc::InsecureChannelCredentials());
  }

  FakeOperator service_;
  std::unique_ptr<grpc::Server> server_;
  OperatorChannel coordinator_;
};

TEST_F(OperatorClientTest, BringsTheReply) {
  const auto reply = OperatorClient(coordinator_, absl::Seconds(20)).GetStatus();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->run_id(), "r1");
}

TEST_F(OperatorClientTest, GivesUpAfterTheDeadline) {
  service_.delay = std::chrono::milliseconds(1500);
  EXPECT_EQ(OperatorClient(coordinator_, absl::Milliseconds(200)).GetStatus().status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(OperatorClientTest, KeepsTheReasonOfARefusal) {
  service_.status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no certificate");
  const auto reply = OperatorClient(coordinator_, absl::Seconds(20)).GetStatus();
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("no certificate"));
}

TEST_F(OperatorClientTest, SaysThatNobodyAnswers) {
  server_->Shutdown();
  const auto reply = OperatorClient(coordinator_, absl::Seconds(20)).GetStatus();
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr(coordinator_.address));
}

}  // namespace
}  // namespace semlink::cli
