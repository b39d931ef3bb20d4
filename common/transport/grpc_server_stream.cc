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
                                           absl::Duration hello_deadline) {
  std::shared_ptr<GrpcServerStream> stream(new GrpcServerStream(context, hub));
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

GrpcServerStream::GrpcServerStream(grpc::CallbackServerContext* context, StreamHub* hub)
    : context_(context), hub_(hub), peer_address_(FromGrpcPeer(context->peer())) {}

void GrpcServerStream::OnReadDone(bool ok) {
  if (!ok) {  // the client is done, or gone; what is queued is written if it can be
    Close();
    return;
  }
  bool read_on = false;
  {
    absl::MutexLock lock(&mutex_);
    if (state_ == State::kNew) {
      read_on = OnHello();
    } else if (state_ == State::kOpen) {
      read_on = OnMessage();
    }
  }
  if (!read_on) return;
  incoming_.Clear();
  StartRead(&incoming_);
}

bool GrpcServerStream::OnHello() {
  hello_alarm_.Cancel();
  const Role role = hub_->self().role;
  if (!incoming_.has_hello()) {
    return Refuse(v1::Refusal::BAD_MESSAGE,
                  absl::StrCat("the first message must be Hello, not ", MessageName(incoming_)));
  }
  const v1::Hello& hello = incoming_.hello();
  const NodeId peer = FromProto(hello.node());
  if (hello.protocol() != kProtocolVersion) {
    return Refuse(v1::Refusal::PROTOCOL_VERSION,
                  absl::StrCat(peer.ToString(), " (", hello.software().substr(0, 64),
                               ") speaks protocol version ", hello.protocol(), ", ",
                               hub_->self().ToString(), " (", kSoftware, ") version ",
                               kProtocolVersion, ": install the same semlink on both"));
  }
  if (!MaySend(peer.role, role, incoming_)) {
    return Refuse(v1::Refusal::WRONG_ROLE,
                  role == Role::kCoordinator ? "only transmitters and receivers join a coordinator"
                                             : "only receivers connect to a transmitter");
  }
  // Before Open: afterwards the node's thread may write at any time.
  context_->AddInitialMetadata(kClientAddressKey, peer_address_);
  StartSendInitialMetadata();
  peer_ = peer;
  state_ = State::kOpen;
  if (hub_->Open(peer, shared_from_this(), &incoming_)) return true;
  return Refuse(v1::Refusal::DUPLICATE_NODE,
                absl::StrCat("a live ", peer.ToString(), " is connected to ",
                             hub_->self().ToString(), " already"));
}

bool GrpcServerStream::OnMessage() {
  const absl::Status status = hub_->Receive(peer_, std::move(incoming_));
  if (status.ok()) return true;
  broken_by_ = status;
  return Refuse(v1::Refusal::BAD_MESSAGE, std::string(status.message()));
}

bool GrpcServerStream::Refuse(v1::Refusal::Reason reason, const std::string& detail) {
  state_ = State::kEnding;
  hub_->CountRefusal();
  spdlog::warn("refused {}: {}", peer_address_, detail);
  Send(MakeRefusal(reason, detail));
  Close();
  return false;
}

bool GrpcServerStream::IsLast(const v1::Message& message) {
  welcomed_ = welcomed_ || message.has_welcome();
  return message.has_refusal() && !welcomed_;
}

void GrpcServerStream::HelloTimedOut(absl::Duration deadline) {
  absl::MutexLock lock(&mutex_);
  if (state_ != State::kNew) return;
  Refuse(v1::Refusal::BAD_MESSAGE,
         absl::StrCat("no Hello within ", absl::FormatDuration(deadline)));
}

void GrpcServerStream::OnDone() {
  const std::shared_ptr<GrpcServerStream> self = std::move(self_);
  NodeId peer;
  absl::Status why;
  {
    absl::MutexLock lock(&mutex_);
    state_ = State::kDone;
    peer = peer_;
    why = broken_by_;
  }
  if (why.ok()) {
    why =
        context_->IsCancelled()
            ? absl::UnavailableError(absl::StrCat("the connection from ", peer_address_, " broke"))
            : ClosedByPeer();
  }
  hub_->Lost(peer, this, why);
  hub_->End(this);
}

}  // namespace semlink
