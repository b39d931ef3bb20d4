#include "common/transport/grpc_client_stream.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
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
  {
    absl::MutexLock lock(&mutex_);
    state_ = State::kOpen;
    changed_.SignalAll();
    opened_ = true;
    endpoints_.peer = FromGrpcPeer(context_.peer());
    const auto& metadata = context_.GetServerInitialMetadata();
    const auto seen_as = metadata.find(kClientAddressKey);
    if (seen_as != metadata.end()) {
      endpoints_.local.assign(seen_as->second.data(), seen_as->second.size());
    }
  }
  hub_->traffic().CountSent(peer_, hello_, hello_.ByteSizeLong());
  if (!hub_->Open(peer_, shared_from_this(), nullptr)) {
    Cancel();  // two diallers for one peer: GrpcTransport doesn't let it happen
  }
  // Not earlier: reactions may run at the same time, and no message may overtake PeerUp.
  StartRead(&incoming_);
}

void GrpcClientStream::OnReadDone(bool ok) {
  if (!ok) {
    Abandon();
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    if (incoming_.has_welcome()) welcomed_ = true;
    if (incoming_.has_refusal() && !welcomed_) {
      broken_by_ = absl::PermissionDeniedError(
          absl::StrCat(peer_.ToString(), " refused: ", incoming_.refusal().detail()));
    }
  }
  const absl::Status status = hub_->Receive(peer_, std::move(incoming_));
  if (!status.ok()) {
    hub_->CountRefusal();
    spdlog::warn("refused {}: {}", peer_.ToString(), std::string(status.message()));
    {
      absl::MutexLock lock(&mutex_);
      broken_by_ = status;
    }
    Send(MakeRefusal(v1::Refusal::BAD_MESSAGE, std::string(status.message())));
    Close();
  }
  // Also after a refusal: the server's end of the stream is seen by reading.
  incoming_.Clear();
  StartRead(&incoming_);
}

absl::Status GrpcClientStream::Cause(const grpc::Status& status) {
  if (!broken_by_.ok()) return broken_by_;
  if (status.ok()) return ClosedByPeer();
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
  absl::Status why;
  {
    absl::MutexLock lock(&mutex_);
    why = Cause(status);
  }
  hub_->Lost(peer_, this, why);
  hub_->End(this);
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

void GrpcClientStream::WaitUntilDone() {
  absl::MutexLock lock(&mutex_);
  while (state_ != State::kDone) changed_.Wait(&mutex_);
}

OutStream::Endpoints GrpcClientStream::endpoints() const {
  absl::MutexLock lock(&mutex_);
  return endpoints_;
}

}  // namespace semlink
