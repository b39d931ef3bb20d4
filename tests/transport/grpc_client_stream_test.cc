#include "common/transport/grpc_client_stream.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <thread>

#include "common/transport/protocol.h"
#include "gtest/gtest.h"
#include "tests/transport/peer.h"

namespace semlink {
namespace {

v1::Message HelloOfReceiver() {
  v1::Message message;
  *message.mutable_hello()->mutable_node() = ToProto(NodeId::Receiver(0));
  message.mutable_hello()->set_protocol(kProtocolVersion);
  return message;
}

// The last channel of a process takes gRPC's queue of callbacks with it, and must not go on a
// thread that serves the queue.
TEST(GrpcClientStreamTest, BelongsToWhoWaitedForItsEnd) {
  Mailbox mailbox;
  RealClock clock;
  StreamHub hub(NodeId::Receiver(0), &mailbox, 1 << 20, &clock);
  // Keeps the hub's lock busy, so that a stream that still had to tell it something would be late.
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) hub.CountRefusal();
  });
  for (int i = 0; i < 200; ++i) {
    // Nobody listens there. No other channel is open, so each end of a stream ends the queue.
    const std::shared_ptr<GrpcClientStream> stream = GrpcClientStream::Start(
        grpc::CreateChannel("127.0.0.1:1", grpc::InsecureChannelCredentials()),
        NodeId::Coordinator(), HelloOfReceiver(), &hub);
    EXPECT_FALSE(stream->WaitUntilDone().ok());
    EXPECT_EQ(stream.use_count(), 1);
    EXPECT_FALSE(stream->was_opened());
    EXPECT_TRUE(hub.WaitUntilIdle(absl::ZeroDuration()));
    if (HasFailure()) break;
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace semlink
