// Operator calls over TLS: for operators only, whichever method.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/transport/raw_call.h"
#include "coordinator/operator_service.h"
#include "semlink/v1/services.grpc.pb.h"
#include "tests/transport/tls_peers.h"

namespace semlink::coordinator {
namespace {

using testing::HasSubstr;

class OperatorIdentityTest : public testing::Test {
 protected:
  OperatorIdentityTest() : service_(std::make_shared<StatusBoard>(), security_.check) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", *MakeServerCredentials({"127.0.0.1", 0}, security_),
                             &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = {"127.0.0.1", port};
  }
  ~OperatorIdentityTest() override { server_->Shutdown(); }

  std::shared_ptr<grpc::Channel> Channel(const security::Identity& identity) {
    grpc::ChannelArguments arguments;
    const auto credentials =
        *MakeChannelCredentials(address_, NodeId::Coordinator(), Tls(identity), &arguments);
    return grpc::CreateCustomChannel(address_.ToString(), credentials, arguments);
  }

  // Status of a call with an empty request.
  static grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel,
                           const std::string& method) {
    return CallWithEmptyRequest(channel, method, absl::Seconds(20));
  }

  static std::vector<std::string> Methods() {
    const auto* service = v1::StatusRequest::descriptor()->file()->FindServiceByName("Operator");
    std::vector<std::string> methods;
    for (int i = 0; i < service->method_count(); ++i) {
      methods.push_back(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
    }
    return methods;
  }

  TestAuthority ca_;
  TestAuthority other_ca_;
  SecurityOptions security_ = Tls(ca_.Identity(NodeId::Coordinator()));
  OperatorService service_;
  std::unique_ptr<grpc::Server> server_;
  Address address_;
};

TEST_F(OperatorIdentityTest, AnOperatorIsServed) {
  const auto channel = Channel(ca_.Identity({Role::kOperator, 0}));
  for (const std::string& method : Methods()) {
    const grpc::Status status = Call(channel, method);
    EXPECT_NE(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  }
}

TEST_F(OperatorIdentityTest, ANodeIsRefusedByEveryMethod) {
  const auto channel = Channel(ca_.Identity(NodeId::Transmitter(0)));
  for (const std::string& method : Methods()) {
    const grpc::Status status = Call(channel, method);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method;
    EXPECT_THAT(status.error_message(), HasSubstr("that of transmitter1"));
  }
  EXPECT_EQ(security_.check->refusals()[static_cast<int>(IdentityRefusal::kNotOperator)],
            Methods().size());
}

TEST_F(OperatorIdentityTest, WithoutAValidCertificateEveryMethodRefuses) {
  security::Identity foreign = other_ca_.Identity({Role::kOperator, 0});
  foreign.ca_pem = ca_.Anonymous().ca_pem;
  for (const security::Identity& identity :
       {ca_.Anonymous(), foreign, ca_.Identity({Role::kOperator, 0}, absl::Hours(48))}) {
    const auto channel = Channel(identity);
    for (const std::string& method : Methods()) {
      EXPECT_EQ(Call(channel, method).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    }
  }
}

TEST_F(OperatorIdentityTest, TheStatusCountsTheRefused) {
  const auto transmitter = Channel(ca_.Identity(NodeId::Transmitter(0)));
  Call(transmitter, Methods()[0]);
  Call(Channel(ca_.Anonymous()), Methods()[0]);
  const auto stub = v1::Operator::NewStub(Channel(ca_.Identity({Role::kOperator, 0})));
  grpc::ClientContext context;
  v1::StatusReply reply;
  ASSERT_TRUE(stub->GetStatus(&context, v1::StatusRequest(), &reply).ok());
  EXPECT_EQ(reply.refusals(), 2u);
  ASSERT_EQ(reply.identity_refusal_size(), 2);
  EXPECT_EQ(reply.identity_refusal(0).reason(), "no certificate");
  EXPECT_EQ(reply.identity_refusal(0).count(), 1u);
  EXPECT_EQ(reply.identity_refusal(1).reason(), "not an operator");
}

}  // namespace
}  // namespace semlink::coordinator
