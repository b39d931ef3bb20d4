// One accepted stream.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_STREAM_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/transport/out_stream.h"
#include "common/transport/stream_hub.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A reactor: moves messages between the stream and the hub, and never computes. It keeps itself
// alive until OnDone.
class GrpcServerStream final : public grpc::ServerBidiReactor<v1::Message, v1::Message>,
                               public OutStream,
                               public std::enable_shared_from_this<GrpcServerStream> {
 public:
  // Starts reading. The reactor belongs to gRPC until its OnDone.
  static GrpcServerStream* Accept(grpc::CallbackServerContext* context, StreamHub* hub,
                                  absl::Duration hello_deadline);

  void Cancel() override { context_->TryCancel(); }
  Endpoints endpoints() const override { return {"", peer_address_}; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnDone() override;

 private:
  // kNew -> kOpen on an admitted Hello; -> kEnding when refused; -> kDone.
  enum class State { kNew, kOpen, kEnding, kDone };

  GrpcServerStream(grpc::CallbackServerContext* context, StreamHub* hub);

  void WriteOut(const v1::Message* message) override { StartWrite(message); }
  void EndWrites() override { Finish(grpc::Status::OK); }
  // A Refusal that answers the Hello.
  bool IsLast(const v1::Message& message) override;

  // Whether to read on.
  bool OnHello() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool OnMessage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Refuse(v1::Refusal::Reason reason, const std::string& detail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HelloTimedOut(absl::Duration deadline);

  grpc::CallbackServerContext* const context_;
  StreamHub* const hub_;
  const std::string peer_address_;
  std::shared_ptr<GrpcServerStream> self_;  // until OnDone
  grpc::Alarm hello_alarm_;
  v1::Message incoming_;   // being read
  bool welcomed_ = false;  // touched by IsLast only

  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kNew;
  NodeId peer_ ABSL_GUARDED_BY(mutex_);             // once kOpen
  absl::Status broken_by_ ABSL_GUARDED_BY(mutex_);  // a refused message
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_STREAM_H_
