// A client that sends what it is told to, over the plain synchronous stub.
#ifndef SEMLINK_TESTS_TRANSPORT_RAW_CLIENT_H_
#define SEMLINK_TESTS_TRANSPORT_RAW_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/transport/envelope.h"
#include "common/transport/protocol.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink {

inline v1::Message Hello(const NodeId& id, uint64_t incarnation = 0) {
  v1::Message message;
  *message.mutable_hello()->mutable_node() = ToProto(id);
  message.mutable_hello()->set_protocol(kProtocolVersion);
  message.mutable_hello()->set_software("a test");
  message.mutable_hello()->set_data_address("127.0.0.1:1");
  message.mutable_hello()->set_incarnation(incarnation);
  return message;
}

class RawClient {
 public:
  explicit RawClient(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
        coordinator_(v1::Coordinator::NewStub(channel_)),
        transmitter_(v1::Transmitter::NewStub(channel_)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  }
  ~RawClient() { context_.TryCancel(); }

  RawClient& Control() {
    stream_ = coordinator_->Control(&context_);
    return *this;
  }
  RawClient& Exchange() {
    stream_ = transmitter_->Exchange(&context_);
    return *this;
  }
  // Numbered and sealed, as a transport does it.
  bool Send(v1::Message message) {
    message.set_sequence(++sequence_);
    SealMessage(&message);
    return SendAsIs(message);
  }
  bool SendAsIs(const v1::Message& message) { return stream_->Write(message); }
  // The next message that is not a heartbeat; without a body if the stream has ended.
  v1::Message Read() {
    v1::Message message;
    while (stream_->Read(&message)) {
      if (!message.has_heartbeat()) return message;
    }
    return v1::Message();
  }
  grpc::Status Finish() { return stream_->Finish(); }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Coordinator::Stub> coordinator_;
  std::unique_ptr<v1::Transmitter::Stub> transmitter_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::Message, v1::Message>> stream_;
  uint64_t sequence_ = 0;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_RAW_CLIENT_H_
