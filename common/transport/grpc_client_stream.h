// One dialled stream.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_CLIENT_STREAM_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_CLIENT_STREAM_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/transport/peer_stream.h"
#include "common/transport/stream_hub.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A reactor: moves messages between the stream and the hub, and never computes. Opens (PeerUp) when
// the server's initial metadata arrives and says that our Hello was admitted. A Refusal instead of
// that is not shown to the node.
class GrpcClientStream final : public grpc::ClientBidiReactor<v1::Message, v1::Message>,
                               public PeerStream {
 public:
  // Starts the call to `peer` over `channel` and sends `hello`, a message with a Hello. The caller
  // must keep the stream until WaitUntilDone returns, so that the stream, and its channel with it,
  // is not destroyed on a thread of gRPC. With the last channel of a process goes gRPC 1.51's queue
  // of callbacks, and a thread that serves the queue would free it under its own feet.
  static std::shared_ptr<GrpcClientStream> Start(std::shared_ptr<grpc::Channel> channel,
                                                 const NodeId& peer, const v1::Message& hello,
                                                 StreamHub* hub);

  // Waits until the stream is open or has failed. OK if it was opened; DEADLINE_EXCEEDED if
  // neither happened in time.
  absl::Status WaitUntilOpen(absl::Duration timeout);
  // Whether it was opened, be it still open or not.
  bool was_opened() const;
  // Waits until the stream has ended and the hub knows. Returns why it ended; never OK.
  // PERMISSION_DENIED: the peer refused our Hello for good.
  absl::Status WaitUntilDone();

  void Cancel() override { context_.TryCancel(); }
  Endpoints endpoints() const override;

  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnDone(const grpc::Status& status) override;

 private:
  // kDialling -> kOpen -> kDone, or kDialling -> kDone.
  enum class State { kDialling, kOpen, kDone };

  GrpcClientStream(std::shared_ptr<grpc::Channel> channel, const NodeId& peer, StreamHub* hub)
      : PeerStream(hub), channel_(std::move(channel)), peer_(peer) {
    SetPeer(peer);
  }

  void WriteOut(const v1::Message* message) override { StartWrite(message); }
  void EndWrites() override {
    StartWritesDone();
    RemoveHold();
  }
  void RefuseMessage(const absl::Status& why) override;
  // A Refusal before any Welcome: what it means for the connection.
  void OnRefusal(const v1::Refusal& refusal);
  // Why the stream ended, given gRPC's status.
  absl::Status Cause(const grpc::Status& status) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const NodeId peer_;
  grpc::ClientContext context_;
  std::shared_ptr<GrpcClientStream> self_;  // until OnDone: gRPC refers to the stream
  v1::Message incoming_;                    // being read
  v1::Message hello_;                       // as sent, to be counted
  bool welcomed_ = false;                   // touched by OnReadDone only

  mutable absl::Mutex mutex_;
  absl::CondVar changed_;  // state_
  State state_ ABSL_GUARDED_BY(mutex_) = State::kDialling;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  Endpoints endpoints_ ABSL_GUARDED_BY(mutex_);
  absl::Status result_ ABSL_GUARDED_BY(mutex_);  // once kDone
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_CLIENT_STREAM_H_
