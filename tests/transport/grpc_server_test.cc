// What a server does with clients that do not keep to the protocol, and what it serves besides.
#include "common/transport/grpc_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "common/transport/protocol.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "semlink/v1/services.grpc.pb.h"
#include "tests/transport/peer.h"
#include "tests/transport/raw_client.h"

namespace semlink {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = Mailbox::Event::Kind;

v1::Message Report() {
  v1::Message message;
  message.mutable_report();
  return message;
}

class GrpcServerTest : public testing::Test {
 protected:
  // Sends `first` on a new control stream and expects a Refusal, the end of the stream, and that
  // the node heard nothing of it.
  void ExpectRefused(const v1::Message& first, v1::Refusal::Reason reason,
                     const testing::Matcher<std::string>& detail) {
    const uint64_t before = coordinator_.transport->refusals();
    RawClient client(address());
    client.Control().Send(first);
    const v1::Message answer = client.Read();
    ASSERT_TRUE(answer.has_refusal());
    EXPECT_EQ(answer.refusal().reason(), reason);
    EXPECT_THAT(answer.refusal().detail(), detail);
    EXPECT_EQ(client.Read().body_case(), v1::Message::BODY_NOT_SET);
    EXPECT_TRUE(client.Finish().ok());
    EXPECT_EQ(coordinator_.transport->refusals(), before + 1);
    EXPECT_EQ(coordinator_.Next(absl::Milliseconds(20)).kind, Kind::kTick);
  }

  std::string address() const { return coordinator_.transport->listen_address(); }

  Peer coordinator_{TestOptions(NodeId::Coordinator())};
};

TEST_F(GrpcServerTest, AnotherProtocolVersionIsRefusedNamingBoth) {
  v1::Message hello = Hello(NodeId::Transmitter(0));
  hello.mutable_hello()->set_protocol(kProtocolVersion + 6);
  ExpectRefused(
      hello, v1::Refusal::PROTOCOL_VERSION,
      AllOf(HasSubstr("transmitter1"), HasSubstr("version " + std::to_string(kProtocolVersion + 6)),
            HasSubstr("version " + std::to_string(kProtocolVersion))));
}

TEST_F(GrpcServerTest, AWrongRoleIsRefused) {
  ExpectRefused(Hello(NodeId::Coordinator()), v1::Refusal::WRONG_ROLE, HasSubstr("transmitters"));
  ExpectRefused(Hello({Role::kOperator, 0}), v1::Refusal::WRONG_ROLE, HasSubstr("transmitters"));
  v1::Message nobody = Hello(NodeId::Receiver(0));
  nobody.mutable_hello()->clear_node();
  ExpectRefused(nobody, v1::Refusal::WRONG_ROLE, HasSubstr("transmitters"));
}

TEST_F(GrpcServerTest, ATransmitterTakesReceiversOnly) {
  Peer transmitter(TestOptions(NodeId::Transmitter(0), address()));
  RawClient client(transmitter.transport->data_address());
  client.Exchange().Send(Hello(NodeId::Transmitter(1)));
  const v1::Message answer = client.Read();
  EXPECT_EQ(answer.refusal().reason(), v1::Refusal::WRONG_ROLE);
  EXPECT_THAT(answer.refusal().detail(), HasSubstr("only receivers"));
}

TEST_F(GrpcServerTest, TheFirstMessageMustBeHello) {
  ExpectRefused(Report(), v1::Refusal::BAD_MESSAGE, HasSubstr("must be Hello, not Report"));
  ExpectRefused(v1::Message(), v1::Refusal::BAD_MESSAGE, HasSubstr("without a body"));
}

TEST_F(GrpcServerTest, ASecondLiveNodeOfTheSameNameIsRefusedAndTheFirstStays) {
  RawClient first(address());
  first.Control().Send(Hello(NodeId::Receiver(0)));
  ASSERT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
  ASSERT_TRUE(coordinator_.Next().message.has_hello());
  ExpectRefused(Hello(NodeId::Receiver(0)), v1::Refusal::DUPLICATE_NODE,
                HasSubstr("a live receiver1"));
  first.Send(Report());
  EXPECT_TRUE(coordinator_.Next().message.has_report());
}

TEST_F(GrpcServerTest, TheSameIncarnationReplacesItsOldConnection) {
  RawClient first(address());
  first.Control().Send(Hello(NodeId::Receiver(0), 5));
  ASSERT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
  ASSERT_TRUE(coordinator_.Next().message.has_hello());
  RawClient second(address());
  second.Control().Send(Hello(NodeId::Receiver(0), 5));
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_THAT(std::string(down.status.message()), HasSubstr("opened a new connection"));
  // The node has not been told of the new one: what it sends can't be meant for it.
  EXPECT_EQ(coordinator_.transport->Send(NodeId::Receiver(0), MakeRefusal(v1::Refusal::FAILED, ""))
                .code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
  EXPECT_EQ(coordinator_.Next().message.hello().incarnation(), 5u);
  first.Send(Report());  // too late
  second.Send(Report());
  EXPECT_TRUE(coordinator_.Next().message.has_report());
  EXPECT_EQ(coordinator_.Next(absl::Milliseconds(50)).kind, Kind::kTick);
  EXPECT_EQ(first.Read().body_case(), v1::Message::BODY_NOT_SET);  // ended
}

TEST_F(GrpcServerTest, ASilentConnectionGivesWay) {
  RawClient first(address());
  first.Control().Send(Hello(NodeId::Receiver(0), 5));
  ASSERT_TRUE(coordinator_.Next(Kind::kMessage).message.has_hello());
  ExpectRefused(Hello(NodeId::Receiver(0), 6), v1::Refusal::DUPLICATE_NODE,
                HasSubstr("a live receiver1"));
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(StreamHub::kReplaceAfter * 1.1));
  RawClient second(address());
  second.Control().Send(Hello(NodeId::Receiver(0), 6));
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerDown);
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
  EXPECT_EQ(coordinator_.Next().message.hello().incarnation(), 6u);
}

TEST_F(GrpcServerTest, WhoLooksForSomebodyElseIsTurnedAway) {
  v1::Message hello = Hello(NodeId::Receiver(0));
  *hello.mutable_hello()->mutable_peer() = ToProto(NodeId::Transmitter(1));
  RawClient client(address());
  client.Control().Send(hello);
  EXPECT_EQ(client.Read().body_case(), v1::Message::BODY_NOT_SET);
  const grpc::Status status = client.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "this is coordinator");
  EXPECT_EQ(coordinator_.Next(absl::Milliseconds(20)).kind, Kind::kTick);
}

TEST_F(GrpcServerTest, AHelloMustBeWhole) {
  v1::Message hello = Hello(NodeId::Receiver(0));
  hello.set_sequence(1);
  hello.set_checksum(1);
  RawClient client(address());
  client.Control().SendAsIs(hello);
  EXPECT_THAT(client.Read().refusal().detail(), HasSubstr("message 1 came damaged"));
}

TEST_F(GrpcServerTest, ANameIsFreeAgainOnceItsNodeIsGone) {
  {
    RawClient first(address());
    first.Control().Send(Hello(NodeId::Receiver(0)));
    ASSERT_EQ(coordinator_.Next(Kind::kMessage).kind, Kind::kMessage);
  }
  const Mailbox::Event down = coordinator_.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  RawClient second(address());
  second.Control().Send(Hello(NodeId::Receiver(0)));
  EXPECT_EQ(coordinator_.Next().kind, Kind::kPeerUp);
}

TEST_F(GrpcServerTest, AKindThatTheRoleMayNotSendEndsTheStream) {
  for (const bool second_hello : {false, true}) {
    const uint64_t before = coordinator_.transport->refusals();
    RawClient client(address());
    client.Control().Send(Hello(NodeId::Receiver(0)));
    ASSERT_TRUE(coordinator_.Next(Kind::kMessage).message.has_hello());
    v1::Message bad = Hello(NodeId::Receiver(0));
    if (!second_hello) bad.mutable_claim();  // transmitters only
    client.Send(bad);
    const v1::Message answer = client.Read();
    EXPECT_EQ(answer.refusal().reason(), v1::Refusal::BAD_MESSAGE);
    EXPECT_THAT(answer.refusal().detail(),
                HasSubstr(second_hello ? "may not send Hello" : "may not send Claim"));
    EXPECT_TRUE(client.Finish().ok());
    const Mailbox::Event down = coordinator_.Next();
    EXPECT_EQ(down.kind, Kind::kPeerDown);
    EXPECT_EQ(down.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(coordinator_.transport->refusals(), before + 1);
  }
}

TEST_F(GrpcServerTest, AFloodEndsTheStreamAndWhatCameBeforeStands) {
  auto options = TestOptions(NodeId::Coordinator());
  options.max_waiting_bytes = 100'000;
  Peer coordinator(options);
  v1::Message parameters;
  parameters.mutable_parameters()->add_tensor()->set_name(std::string(40'000, 'n'));
  {
    RawClient client(coordinator.transport->listen_address());
    client.Control().Send(Hello(NodeId::Receiver(0)));
    for (int i = 0; i < 3; ++i) client.Send(parameters);  // and the node takes none
    EXPECT_THAT(client.Read().refusal().detail(),
                AllOf(HasSubstr("has not yet taken"), HasSubstr("at most 100000 may wait")));
  }
  EXPECT_EQ(coordinator.transport->overflows(), 1u);
  EXPECT_EQ(coordinator.transport->refusals(), 1u);
  EXPECT_EQ(coordinator.Next().kind, Kind::kPeerUp);
  EXPECT_TRUE(coordinator.Next().message.has_hello());
  EXPECT_TRUE(coordinator.Next().message.has_parameters());
  EXPECT_TRUE(coordinator.Next().message.has_parameters());
  const Mailbox::Event down = coordinator.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kResourceExhausted);
  // Another connection is as good as the first, as long as what it sends is taken.
  RawClient again(coordinator.transport->listen_address());
  again.Control().Send(Hello(NodeId::Receiver(0)));
  EXPECT_TRUE(coordinator.Next(Kind::kMessage).message.has_hello());
  for (int i = 0; i < 5; ++i) {
    again.Send(parameters);
    EXPECT_TRUE(coordinator.Next().message.has_parameters());
  }
  EXPECT_EQ(coordinator.transport->overflows(), 1u);
}

TEST_F(GrpcServerTest, AMessageThatIsTooLargeEndsTheStream) {
  auto options = TestOptions(NodeId::Coordinator());
  options.max_message_bytes = 100'000;
  Peer coordinator(options);
  for (const std::size_t bytes : {100'001u, 1'000'000u}) {  // above our limit; above gRPC's, too
    RawClient client(coordinator.transport->listen_address());
    client.Control().Send(Hello(NodeId::Receiver(0)));
    ASSERT_TRUE(coordinator.Next(Kind::kMessage).message.has_hello());
    v1::Message parameters;
    parameters.mutable_parameters()->add_tensor()->set_name(std::string(bytes, 'n'));
    client.Send(parameters);
    if (bytes < 110'000) {
      EXPECT_THAT(client.Read().refusal().detail(), HasSubstr("at most 100000"));
      EXPECT_EQ(coordinator.transport->refusals(), 1u);
    } else {
      EXPECT_EQ(client.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    }
    EXPECT_EQ(coordinator.Next().kind, Kind::kPeerDown);
  }
}

TEST_F(GrpcServerTest, WhoSaysNothingIsSentAway) {
  auto options = TestOptions(NodeId::Coordinator());
  options.hello_deadline = absl::Milliseconds(100);
  Peer coordinator(options);
  RawClient client(coordinator.transport->listen_address());
  client.Control();
  const v1::Message answer = client.Read();
  EXPECT_EQ(answer.refusal().reason(), v1::Refusal::BAD_MESSAGE);
  EXPECT_THAT(answer.refusal().detail(), HasSubstr("no Hello within 100ms"));
  EXPECT_TRUE(client.Finish().ok());
}

TEST_F(GrpcServerTest, ARefusalFromTheNodeEndsTheStreamOfWhoIsNotWelcome) {
  Peer node(TestOptions(NodeId::Receiver(7), address()));
  ASSERT_TRUE(coordinator_.Next(Kind::kMessage).message.has_hello());
  ASSERT_TRUE(
      coordinator_.transport
          ->Send(NodeId::Receiver(7), MakeRefusal(v1::Refusal::UNKNOWN_NODE, "not in the scenario"))
          .ok());
  EXPECT_EQ(node.Next().kind, Kind::kPeerUp);
  EXPECT_EQ(node.Next().message.refusal().detail(), "not in the scenario");
  const Mailbox::Event down = node.Next();
  EXPECT_EQ(down.kind, Kind::kPeerDown);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(down.status.message(), HasSubstr("not in the scenario"));
  EXPECT_EQ(node.Next(absl::Milliseconds(200)).kind, Kind::kTick);  // and does not try again
}

TEST_F(GrpcServerTest, ARefusalInTheRunLeavesTheStreamOpen) {
  Peer node(TestOptions(NodeId::Receiver(0), address()));
  ASSERT_TRUE(coordinator_.Next(Kind::kMessage).message.has_hello());
  v1::Message welcome;
  welcome.mutable_welcome();
  Transport* transport = coordinator_.transport.get();
  ASSERT_TRUE(transport->Send(NodeId::Receiver(0), welcome).ok());
  ASSERT_TRUE(
      transport->Send(NodeId::Receiver(0), MakeRefusal(v1::Refusal::BAD_MESSAGE, "again")).ok());
  ASSERT_TRUE(transport->Send(NodeId::Receiver(0), welcome).ok());
  EXPECT_EQ(node.Next().kind, Kind::kPeerUp);
  EXPECT_TRUE(node.Next().message.has_welcome());
  EXPECT_TRUE(node.Next().message.has_refusal());
  EXPECT_TRUE(node.Next().message.has_welcome());
}

TEST_F(GrpcServerTest, APortInUseIsExplained) {
  auto options = TestOptions(NodeId::Coordinator());
  options.listen = address();
  Peer second(options);
  EXPECT_EQ(second.status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(second.status.message()),
              AllOf(HasSubstr("cannot listen on " + address()),
                    HasSubstr("address already in use; choose another with --listen")));
}

TEST_F(GrpcServerTest, AddressesThatMakeNoSenseAreUsageErrors) {
  auto options = TestOptions(NodeId::Transmitter(0), address());
  options.listen = "0.0.0.0:0";
  EXPECT_EQ(Peer(options).status.code(), absl::StatusCode::kInvalidArgument);
  options.listen = "127.0.0.1:0";
  options.advertise = "localhost:0";
  EXPECT_TRUE(Peer(options).status.ok());
  EXPECT_EQ(Peer(TestOptions(NodeId::Receiver(0), "localhost")).status.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Peer(TestOptions(NodeId::Receiver(0), "192.0.2.1:7000")).status.code(),
            absl::StatusCode::kInvalidArgument);
}

// The packages have no stubs for health checking and reflection: the wire form then. Makes one call
// with one message each way; returns what came back, or the error.
std::string CallRaw(const std::string& address, const std::string& method,
                    const std::string& request) {
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  wait();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  wait();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  const bool answered = wait();
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  if (!answered) return "error: " + status.error_message();
  grpc::Slice whole;
  EXPECT_TRUE(answer.DumpToSingleSlice(&whole).ok());
  return std::string(reinterpret_cast<const char*>(whole.begin()), whole.size());
}

TEST_F(GrpcServerTest, HealthCheckAnswersServing) {
  const std::string serving = "\x08\x01";  // HealthCheckResponse{status: SERVING}
  const std::string method = "/grpc.health.v1.Health/Check";
  EXPECT_EQ(CallRaw(address(), method, ""), serving);
  const std::string name = "semlink.v1.Coordinator";
  const std::string request = std::string("\x0A") + static_cast<char>(name.size()) + name;
  EXPECT_EQ(CallRaw(address(), method, request), serving);
}

TEST_F(GrpcServerTest, ReflectionListsTheServices) {
  const std::string list_services("\x3A\x00", 2);  // ServerReflectionRequest{list_services: ""}
  const std::string method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_THAT(CallRaw(address(), method, list_services),
              AllOf(HasSubstr("semlink.v1.Coordinator"), HasSubstr("grpc.health.v1.Health")));
  Peer transmitter(TestOptions(NodeId::Transmitter(0), address()));
  EXPECT_THAT(CallRaw(transmitter.transport->data_address(), method, list_services),
              HasSubstr("semlink.v1.Transmitter"));
}

}  // namespace
}  // namespace semlink
