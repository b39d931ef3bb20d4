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
#include "common/transport/peer_check.h"
#include "common/transport/peer_stream.h"
#include "common/transport/stream_hub.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A reactor: moves messages between the stream and the hub, and never computes. It keeps itself
// alive until OnDone.
class GrpcServerStream final : public grpc::ServerBidiReactor<v1::Message, v1::Message>,
                               public PeerStream {
 public:
  // Starts reading. The reactor belongs to gRPC until its OnDone.
  static GrpcServerStream* Accept(grpc::CallbackServerContext* context, StreamHub* hub,
                                  PeerCheck* check, absl::Duration hello_deadline);

  void Cancel() override;
  Endpoints endpoints() const override { return {"", peer_address_}; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnDone() override;

 private:
  // kNew -> kOpen on a Hello that is admitted; kNew -> kEnding on one that isn't; -> kDone.
  enum class State { kNew, kOpen, kEnding, kDone };

  GrpcServerStream(grpc::CallbackServerContext* context, StreamHub* hub, PeerCheck* check);

  void WriteOut(const v1::Message* message) override { StartWrite(message); }
  void EndWrites() override;
  void RefuseMessage(const absl::Status& why) override;
  // A Refusal that answers the Hello.
  bool IsLast(const v1::Message& message) override;

  // OK to read on, or why the Hello is refused.
  struct Refused {
    v1::Refusal::Reason reason = v1::Refusal::REASON_UNSPECIFIED;
    std::string detail;
    bool ok() const { return reason == v1::Refusal::REASON_UNSPECIFIED; }
  };
  // Whether to read on.
  bool OnHello();
  Refused CheckHello();
  // Makes this the connection to its peer, and only then tells the client.
  Refused Admit();
  // kNew -> `next`; false if it isn't kNew any more.
  bool Leave(State next);
  void Refuse(const Refused& refused);
  // Ends the call as if nobody were here; the client tries again.
  void TurnAway(const std::string& why);
  void HelloTimedOut(absl::Duration deadline);

  grpc::CallbackServerContext* const context_;
  PeerCheck* const check_;
  const std::string peer_address_;
  std::shared_ptr<GrpcServerStream> self_;  // until OnDone
  grpc::Alarm hello_alarm_;
  v1::Message incoming_;   // being read
  bool welcomed_ = false;  // touched by IsLast only

  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kNew;
  grpc::Status finish_ ABSL_GUARDED_BY(mutex_);  // what the client gets in the end
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_STREAM_H_
