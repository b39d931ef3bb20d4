#include "common/transport/grpc_client_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/transport/grpc_credentials.h"
#include "common/transport/grpc_server.h"
#include "common/transport/protocol.h"
#include "common/transport/tcp_info.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink {

std::shared_ptr<GrpcClientStream> GrpcClientStream::Start(std::shared_ptr<grpc::Channel> channel,
                                                          const NodeId& peer,
                                                          const v1::Message& hello,
                                                          StreamHub* hub) {
  std::shared_ptr<GrpcClientStream> stream(new GrpcClientStream(std::move(channel), peer, hub));
  stream->self_ = stream;
  stream->hello_ = hello;
  if (peer.role == Role::kCoordinator) {
    v1::Coordinator::NewStub(stream->channel_)->async()->Control(&stream->context_, stream.get());
  } else {
    v1::Transmitter::NewStub(stream->channel_)->async()->Exchange(&stream->context_, stream.get());
  }
  // Until EndWrites: the node's thread writes from outside the reactions.
  stream->AddHold();
  hub->Begin(stream);
  stream->Send(hello);
  stream->StartCall();
  return stream;
}

void GrpcClientStream::OnReadInitialMetadataDone(bool ok) {
  if (!ok) {
    Abandon();
    return;
  }
  const auto& metadata = context_.GetServerInitialMetadata();
  const auto seen_as = metadata.find(kClientAddressKey);
  if (seen_as != metadata.end()) {
    {
      absl::MutexLock lock(&mutex_);
      state_ = State::kOpen;
      changed_.SignalAll();
      opened_ = true;
      endpoints_.peer = FromGrpcPeer(context_.peer());
      endpoints_.local.assign(seen_as->second.data(), seen_as->second.size());
    }
    hub()->traffic().CountSent(peer_, hello_, hello_.ByteSizeLong());
    MarkOpen();
    if (!hub()->Open(shared_from_this(), nullptr).ok()) {
      // Too much of the last connection still waits for the node: the dialler comes again. (Two
      // diallers for one peer GrpcTransport doesn't let happen.)
      Cancel();
    }
  }
  // Not earlier: reactions may run at the same time, and no message may overtake PeerUp.
  StartRead(&incoming_);
}

void GrpcClientStream::OnRefusal(const v1::Refusal& refusal) {
  const std::string why = absl::StrCat(peer_.ToString(), " refused: ", refusal.detail());
  switch (refusal.reason()) {
    case v1::Refusal::PROTOCOL_VERSION:
    case v1::Refusal::UNKNOWN_NODE:
    case v1::Refusal::WRONG_ROLE:
    case v1::Refusal::IDENTITY:
      SetBrokenBy(absl::PermissionDeniedError(why));
      return;
    default:
      SetBrokenBy(absl::UnavailableError(why));
  }
}

void GrpcClientStream::OnReadDone(bool ok) {
  if (!ok) {
    Abandon();
    return;
  }
  if (incoming_.has_welcome()) welcomed_ = true;
  if (incoming_.has_refusal() && !welcomed_) OnRefusal(incoming_.refusal());
  if (is_open()) Arrived(std::move(incoming_));
  // Whatever came: the server's end of the stream is seen by reading.
  incoming_.Clear();
  StartRead(&incoming_);
}

void GrpcClientStream::RefuseMessage(const absl::Status& why) {
  Send(MakeRefusal(v1::Refusal::BAD_MESSAGE, std::string(why.message())));
  Close();
}

absl::Status GrpcClientStream::Cause(const grpc::Status& status) const {
  if (const absl::Status known = broken_by(); !known.ok()) return known;
  if (status.ok()) return ClosedByPeer();
  const absl::Status tls = ExplainTlsError(peer_, status.error_message());
  if (!tls.ok()) return tls;
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::FailedPreconditionError(
          "the program there is not a semlink " +
          std::string(peer_.role == Role::kCoordinator ? "coordinator" : "transmitter"));
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
    default:
      return absl::UnavailableError(status.error_message());
  }
}

void GrpcClientStream::OnDone(const grpc::Status& status) {
  const absl::Status why = Cause(status);
  Ended(why);
  hub()->End(this);
  // From here on only who waits in WaitUntilDone keeps the stream: see Start.
  self_.reset();
  absl::MutexLock lock(&mutex_);
  state_ = State::kDone;
  result_ = why;
  changed_.SignalAll();
}

absl::Status GrpcClientStream::WaitUntilOpen(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  const absl::Time deadline = absl::Now() + timeout;
  while (state_ == State::kDialling) {
    if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  if (state_ == State::kDialling) {
    return absl::DeadlineExceededError(
        absl::StrCat("no answer within ", absl::FormatDuration(timeout)));
  }
  if (opened_) return absl::OkStatus();
  return result_;
}

bool GrpcClientStream::was_opened() const {
  absl::MutexLock lock(&mutex_);
  return opened_;
}

absl::Status GrpcClientStream::WaitUntilDone() {
  absl::MutexLock lock(&mutex_);
  while (state_ != State::kDone) changed_.Wait(&mutex_);
  return result_;
}

OutStream::Endpoints GrpcClientStream::endpoints() const {
  absl::MutexLock lock(&mutex_);
  return endpoints_;
}

}  // namespace semlink
