#include "common/transport/protocol.h"

#include <climits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/transport/traffic_counter.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

constexpr Role kRoles[] = {Role::kCoordinator, Role::kTransmitter, Role::kReceiver,
                           Role::kOperator};

// One message of each kind, made through reflection so that a new kind cannot be forgotten.
v1::Message MessageOfField(int number) {
  v1::Message message;
  const auto* field = v1::Message::descriptor()->FindFieldByNumber(number);
  message.GetReflection()->MutableMessage(&message, field);
  return message;
}

std::vector<const google::protobuf::FieldDescriptor*> Bodies() {
  const auto* oneof = v1::Message::descriptor()->FindOneofByName("body");
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  for (int i = 0; i < oneof->field_count(); ++i) fields.push_back(oneof->field(i));
  return fields;
}

std::string Letter(Role role) { return std::string(1, "CTRO"[static_cast<int>(role)]); }

// "CT" = coordinator to transmitter, and so on.
std::set<std::string> Allowed(int number) {
  std::set<std::string> pairs;
  for (Role from : kRoles) {
    for (Role to : kRoles) {
      if (MaySend(from, to, MessageOfField(number))) pairs.insert(Letter(from) + Letter(to));
    }
  }
  return pairs;
}

TEST(ProtocolTest, EachKindTravelsOnlyWhereTheProtocolSays) {
  using Set = std::set<std::string>;
  const Set connected = {"CT", "CR", "TC", "RC", "TR", "RT"};
  const std::pair<int, Set> table[] = {
      {v1::Message::kHello, {"TC", "RC", "RT"}},
      {v1::Message::kWelcome, {"CT", "CR", "TR"}},
      {v1::Message::kRefusal, connected},
      {v1::Message::kOpenWindow, {"CT", "CR"}},
      {v1::Message::kRequest, {"RT"}},
      {v1::Message::kClaim, {"TC"}},
      {v1::Message::kGrant, {"CT", "CR"}},
      {v1::Message::kFeatures, {"TR"}},
      {v1::Message::kGradients, {"RT"}},
      {v1::Message::kReport, {"TC", "RC"}},
      {v1::Message::kFaultsSet, {"TC", "RC"}},
      {v1::Message::kCommit, {"CT", "CR"}},
      {v1::Message::kAbort, {"CT", "CR"}},
      {v1::Message::kParametersRequest, {"CT", "CR"}},
      {v1::Message::kParameters, {"TC", "RC"}},
      {v1::Message::kSampleRequest, {"RT"}},
      {v1::Message::kInferStart, {"CR"}},
      {v1::Message::kInferReport, {"RC"}},
      {v1::Message::kHeartbeat, connected},
      {v1::Message::kStop, {"CT", "CR"}},
      {v1::Message::kReady, {"TC", "RC"}},
      {v1::Message::kAddresses, {"CR"}},
      {v1::Message::kRestore, {"CT", "CR"}},
      {v1::Message::kRestored, {"TC", "RC"}},
      {v1::Message::kCheckpoint, {"CT", "CR"}},
      {v1::Message::kCheckpointed, {"TC", "RC"}},
      {v1::Message::kPairStatus, {"TC", "RC", "CT", "CR"}},
      {v1::Message::kSetFaults, {"CT", "CR"}},
      {v1::Message::kSuffer, {"CT", "CR"}},
  };
  EXPECT_EQ(std::size(table), Bodies().size());
  for (const auto& [number, expected] : table) {
    EXPECT_EQ(Allowed(number), expected) << MessageName(MessageOfField(number));
  }
}

TEST(ProtocolTest, AMessageWithoutABodyTravelsNowhere) {
  for (Role from : kRoles) {
    for (Role to : kRoles) EXPECT_FALSE(MaySend(from, to, v1::Message()));
  }
}

TEST(ProtocolTest, NamesAreThoseOfTheProtoTypes) {
  for (const auto* field : Bodies()) {
    EXPECT_EQ(MessageName(MessageOfField(field->number())), field->message_type()->name());
  }
}

TEST(ProtocolTest, TrafficKinds) {
  EXPECT_STREQ(TrafficKind(MessageOfField(v1::Message::kRequest)), "request");
  EXPECT_STREQ(TrafficKind(MessageOfField(v1::Message::kSampleRequest)), "request");
  EXPECT_STREQ(TrafficKind(MessageOfField(v1::Message::kFeatures)), "feature");
  EXPECT_STREQ(TrafficKind(MessageOfField(v1::Message::kGradients)), "gradient");
  EXPECT_STREQ(TrafficKind(MessageOfField(v1::Message::kParameters)), "control");
}

TEST(ProtocolTest, NodeNamesSurviveTheRoundTrip) {
  for (Role role : kRoles) EXPECT_EQ(FromProto(ToProto({role, 3})), (NodeId{role, 3}));
}

TEST(ProtocolTest, HostileNodeNamesBecomeHarmless) {
  v1::NodeName name;
  EXPECT_EQ(FromProto(name).role, Role::kOperator);
  name.set_role(static_cast<v1::Role>(77));
  name.set_index(UINT32_MAX);
  EXPECT_EQ(FromProto(name), (NodeId{Role::kOperator, INT_MAX}));
}

TEST(ProtocolTest, SendChecksNameWhatIsWrong) {
  const absl::Status hello = CheckMaySend(NodeId::Receiver(0), NodeId::Transmitter(0),
                                          MessageOfField(v1::Message::kHello));
  EXPECT_EQ(hello.code(), absl::StatusCode::kInvalidArgument);
  const absl::Status wrong = CheckMaySend(NodeId::Receiver(1), NodeId::Transmitter(0),
                                          MessageOfField(v1::Message::kFeatures));
  EXPECT_EQ(wrong.message(), "receiver2 may not send Features to transmitter1");
  const v1::Message message = MessageOfField(v1::Message::kParameters);
  EXPECT_TRUE(CheckSize(NodeId::Coordinator(), message, kMaxMessageBytes).ok());
  EXPECT_EQ(CheckSize(NodeId::Coordinator(), message, kMaxMessageBytes + 1ul).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(TrafficCounterTest, CountsByPeerKindAndDirection) {
  TrafficCounter counter;
  const v1::Message request = MessageOfField(v1::Message::kRequest);
  const v1::Message features = MessageOfField(v1::Message::kFeatures);
  counter.CountSent(NodeId::Transmitter(1), request, 10);
  counter.CountSent(NodeId::Transmitter(0), request, 20);
  counter.CountSent(NodeId::Transmitter(0), request, 30);
  counter.CountReceived(NodeId::Transmitter(0), features, 100);
  const auto snapshot = counter.Snapshot();
  ASSERT_EQ(snapshot.size(), 3u);
  EXPECT_EQ(snapshot[0].kind(), "feature");
  EXPECT_EQ(snapshot[0].bytes_received(), 100u);
  EXPECT_EQ(snapshot[0].messages_sent(), 0u);
  EXPECT_EQ(snapshot[1].kind(), "request");
  EXPECT_EQ(snapshot[1].messages_sent(), 2u);
  EXPECT_EQ(snapshot[1].bytes_sent(), 50u);
  EXPECT_EQ(FromProto(snapshot[2].peer()), NodeId::Transmitter(1));
}

}  // namespace
}  // namespace semlink
