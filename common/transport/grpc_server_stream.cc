#include "common/transport/grpc_server_stream.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/transport/grpc_server.h"
#include "common/transport/protocol.h"
#include "common/transport/tcp_info.h"

namespace semlink {

GrpcServerStream* GrpcServerStream::Accept(grpc::CallbackServerContext* context, StreamHub* hub,
                                           PeerCheck* check, absl::Duration hello_deadline) {
  std::shared_ptr<GrpcServerStream> stream(new GrpcServerStream(context, hub, check));
  stream->self_ = stream;
  hub->Begin(stream);
  std::weak_ptr<GrpcServerStream> weak = stream;
  const auto deadline =
      std::chrono::system_clock::now() + absl::ToChronoMilliseconds(hello_deadline);
  stream->hello_alarm_.Set(deadline, [weak, hello_deadline](bool expired) {
    if (!expired) return;
    if (auto late = weak.lock()) late->HelloTimedOut(hello_deadline);
  });
  stream->StartRead(&stream->incoming_);
  return stream.get();
}

GrpcServerStream::GrpcServerStream(grpc::CallbackServerContext* context, StreamHub* hub,
                                   PeerCheck* check)
    : PeerStream(hub),
      context_(context),
      check_(check),
      peer_address_(FromGrpcPeer(context->peer())) {}

void GrpcServerStream::Cancel() {
  absl::MutexLock lock(&mutex_);
  if (state_ != State::kDone) context_->TryCancel();  // afterwards the context is gone
}

void GrpcServerStream::EndWrites() {
  grpc::Status status;
  {
    absl::MutexLock lock(&mutex_);
    status = finish_;
  }
  Finish(status);
}

bool GrpcServerStream::Leave(State next) {
  absl::MutexLock lock(&mutex_);
  if (state_ != State::kNew) return false;
  state_ = next;
  return true;
}

void GrpcServerStream::OnReadDone(bool ok) {
  if (!ok) {  // the client is done, or gone; what is queued is written if it can be
    Close();
    return;
  }
  if (is_open() ? !Arrived(std::move(incoming_)) : !OnHello()) return;
  incoming_.Clear();
  StartRead(&incoming_);
}

bool GrpcServerStream::OnHello() {
  hello_alarm_.Cancel();
  const Refused refused = CheckHello();
  if (!refused.ok()) {
    if (Leave(State::kEnding)) Refuse(refused);
    return false;
  }
  const v1::Hello& hello = incoming_.hello();
  const NodeId peer = FromProto(hello.node());
  const NodeId& self = hub()->self();
  if (hub()->faults().IsCut(peer, self) || hub()->faults().IsCut(self, peer)) {
    if (Leave(State::kEnding)) TurnAway("the link is cut by a fault");
    return false;
  }
  if (hello.has_peer() && FromProto(hello.peer()) != self) {
    // A stale address: somebody else listens here now.
    if (Leave(State::kEnding)) TurnAway(absl::StrCat("this is ", self.ToString()));
    return false;
  }
  if (!Leave(State::kOpen)) return false;
  SetPeer(peer);
  const Refused duplicate = Admit();
  if (duplicate.ok()) return true;
  Refuse(duplicate);
  return false;
}

GrpcServerStream::Refused GrpcServerStream::CheckHello() {
  const Role role = hub()->self().role;
  if (!incoming_.has_hello()) {
    return {v1::Refusal::BAD_MESSAGE,
            absl::StrCat("the first message must be Hello, not ", MessageName(incoming_))};
  }
  const v1::Hello& hello = incoming_.hello();
  const NodeId peer = FromProto(hello.node());
  // First: who is not of this run learns nothing else.
  const absl::Status allowed = check_->AllowNode(*context_->auth_context(), peer);
  if (!allowed.ok()) return {v1::Refusal::IDENTITY, std::string(allowed.message())};
  if (hello.protocol() != kProtocolVersion) {
    return {v1::Refusal::PROTOCOL_VERSION,
            absl::StrCat(peer.ToString(), " (", hello.software().substr(0, 64),
                         ") speaks protocol version ", hello.protocol(), ", ",
                         hub()->self().ToString(), " (", kSoftware, ") version ", kProtocolVersion,
                         ": install the same semlink on both")};
  }
  if (!MaySend(peer.role, role, incoming_)) {
    return {v1::Refusal::WRONG_ROLE, role == Role::kCoordinator
                                         ? "only transmitters and receivers join a coordinator"
                                         : "only receivers connect to a transmitter"};
  }
  const absl::Status whole = CheckFirst(&incoming_);
  if (!whole.ok()) return {v1::Refusal::BAD_MESSAGE, std::string(whole.message())};
  return {};
}

GrpcServerStream::Refused GrpcServerStream::Admit() {
  // Once it is open, the node's thread may write at any time: not before the metadata is out.
  if (!Cork()) return {};  // it has ended: OnDone comes
  const absl::Status open = hub()->Open(shared_from_this(), &incoming_);
  if (open.ok()) {
    context_->AddInitialMetadata(kClientAddressKey, peer_address_);
    StartSendInitialMetadata();
    MarkOpen();
  }
  Uncork();
  if (open.ok()) return {};
  if (absl::IsResourceExhausted(open)) {
    return {v1::Refusal::BAD_MESSAGE, std::string(open.message())};
  }
  return {v1::Refusal::DUPLICATE_NODE, std::string(open.message())};
}

void GrpcServerStream::Refuse(const Refused& refused) {
  hub()->CountRefusal();
  spdlog::warn("refused {}: {}", peer_address_, refused.detail);
  Send(MakeRefusal(refused.reason, refused.detail));
  Close();
}

void GrpcServerStream::RefuseMessage(const absl::Status& why) {
  Send(MakeRefusal(v1::Refusal::BAD_MESSAGE, std::string(why.message())));
  Close();
}

void GrpcServerStream::TurnAway(const std::string& why) {
  {
    absl::MutexLock lock(&mutex_);
    finish_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, why);
  }
  Close();
}

bool GrpcServerStream::IsLast(const v1::Message& message) {
  welcomed_ = welcomed_ || message.has_welcome();
  return message.has_refusal() && !welcomed_;
}

void GrpcServerStream::HelloTimedOut(absl::Duration deadline) {
  if (!Leave(State::kEnding)) return;
  Refuse(
      {v1::Refusal::BAD_MESSAGE, absl::StrCat("no Hello within ", absl::FormatDuration(deadline))});
}

void GrpcServerStream::OnDone() {
  const std::shared_ptr<GrpcServerStream> self = std::move(self_);
  {
    absl::MutexLock lock(&mutex_);
    state_ = State::kDone;
  }
  absl::Status why = broken_by();
  if (why.ok()) {
    why =
        context_->IsCancelled()
            ? absl::UnavailableError(absl::StrCat("the connection from ", peer_address_, " broke"))
            : ClosedByPeer();
  }
  Ended(why);
  hub()->End(this);
}

}  // namespace semlink
