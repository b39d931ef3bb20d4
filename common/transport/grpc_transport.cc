#include "common/transport/grpc_transport.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/transport/tcp_info.h"

namespace semlink {

GrpcTransport::GrpcTransport(const Options& options, Mailbox* mailbox)
    : options_(options), hub_(options.self, mailbox, options.max_message_bytes) {}

absl::StatusOr<std::unique_ptr<GrpcTransport>> GrpcTransport::Create(const Options& options,
                                                                     Mailbox* mailbox) {
  std::unique_ptr<GrpcTransport> transport(new GrpcTransport(options, mailbox));
  if (options.self.role != Role::kReceiver) RETURN_IF_ERROR(transport->Listen());
  if (options.self.role != Role::kCoordinator) {
    RETURN_IF_ERROR(transport->Dial(NodeId::Coordinator(), options.coordinator, options.wait));
  }
  return transport;
}

GrpcTransport::~GrpcTransport() { Shutdown(absl::Seconds(1)); }

absl::Status GrpcTransport::Listen() {
  GrpcServer::Options server;
  ASSIGN_OR_RETURN(server.listen, ParseAddress(options_.listen));
  server.security = options_.security;
  server.hello_deadline = options_.hello_deadline;
  server.services = options_.services;
  ASSIGN_OR_RETURN(server_, GrpcServer::Start(server, &hub_));
  listen_address_ = server_->address().ToString();
  if (options_.self.role == Role::kTransmitter) {
    RETURN_IF_ERROR(ChooseDataAddress(server_->address()));
  }
  return absl::OkStatus();
}

absl::Status GrpcTransport::ChooseDataAddress(const Address& bound) {
  if (options_.advertise.empty()) {
    if (IsWildcard(bound.host)) {
      return absl::InvalidArgumentError(
          absl::StrCat("listening on all addresses (", bound.ToString(),
                       "): say with --advertise HOST:PORT where receivers can dial"));
    }
    data_address_ = bound.ToString();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Address address, ParseAddress(options_.advertise));
  if (address.port == 0) address.port = bound.port;
  data_address_ = address.ToString();
  return absl::OkStatus();
}

v1::Hello GrpcTransport::MakeHello() const {
  v1::Hello hello;
  *hello.mutable_node() = ToProto(options_.self);
  hello.set_protocol(kProtocolVersion);
  hello.set_software(kSoftware);
  hello.set_data_address(data_address_);
  hello.set_pid(static_cast<uint32_t>(getpid()));
  return hello;
}

absl::Status GrpcTransport::Dial(const NodeId& to, const std::string& address,
                                 absl::Duration wait) {
  GrpcDialler::Options dialler;
  ASSIGN_OR_RETURN(dialler.address, ParseAddress(address));
  if (dialler.address.port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot dial ", to.ToString(), " at ", address, ": port 0"));
  }
  // Now rather than by PeerDown, so that a wrong flag is a usage error. A name that doesn't
  // resolve yet is left to the dialler.
  const absl::Status secure = MakeChannelCredentials(dialler.address, options_.security).status();
  if (absl::IsInvalidArgument(secure)) return secure;
  dialler.peer = to;
  dialler.hello = MakeHello();
  dialler.security = options_.security;
  dialler.backoff = options_.backoff;
  dialler.wait = wait;
  diallers_[to] = std::make_unique<GrpcDialler>(dialler, &hub_, &clock_);
  return absl::OkStatus();
}

absl::Status GrpcTransport::Connect(const NodeId& to, const std::string& address) {
  if (options_.self.role != Role::kReceiver || to.role != Role::kTransmitter) {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.self.ToString(), " does not dial ", to.ToString()));
  }
  const auto it = diallers_.find(to);
  if (it != diallers_.end()) {
    if (it->second->trying() || hub_.Find(to) != nullptr) {
      return absl::AlreadyExistsError(absl::StrCat(
          options_.self.ToString(), " is connected or connecting to ", to.ToString(), " already"));
    }
    diallers_.erase(it);  // its stream has ended, its thread is about to
  }
  return Dial(to, address, absl::InfiniteDuration());
}

absl::Status GrpcTransport::Send(const NodeId& to, v1::Message message) {
  RETURN_IF_ERROR(CheckMaySend(options_.self, to, message));
  const std::size_t bytes = message.ByteSizeLong();
  RETURN_IF_ERROR(CheckSize(to, message, bytes, options_.max_message_bytes));
  const std::shared_ptr<OutStream> stream = hub_.Find(to);
  if (stream == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("no connection from ", options_.self.ToString(), " to ", to.ToString()));
  }
  hub_.traffic().CountSent(to, message, bytes);
  if (!stream->Send(std::move(message))) {
    return absl::UnavailableError(absl::StrCat("the connection to ", to.ToString(), " is closing"));
  }
  return absl::OkStatus();
}

std::vector<v1::Traffic> GrpcTransport::TrafficSnapshot() const {
  return hub_.traffic().Snapshot();
}

std::vector<v1::Wire> GrpcTransport::WireSnapshot() const {
  std::vector<v1::Wire> wires;
  const std::vector<TcpConnection> connections = ListTcpConnections();
  for (const auto& [peer, stream] : hub_.Connections()) {
    const TcpConnection* connection =
        FindConnection(connections, stream->endpoints().local, stream->endpoints().peer);
    if (connection == nullptr) continue;
    v1::Wire wire;
    *wire.mutable_peer() = ToProto(peer);
    wire.set_bytes_sent(connection->wire_sent);
    wire.set_bytes_received(connection->wire_received);
    wire.set_retransmitted(connection->retransmitted);
    wire.set_round_trip_us(connection->round_trip_us);
    wires.push_back(std::move(wire));
  }
  return wires;
}

void GrpcTransport::Shutdown(absl::Duration grace) {
  if (shut_down_) return;
  shut_down_ = true;
  for (auto& [peer, dialler] : diallers_) dialler->Stop();
  hub_.CloseAll();
  if (!hub_.WaitUntilIdle(grace)) {
    hub_.CancelAll();
    if (!hub_.WaitUntilIdle(grace + absl::Seconds(5))) {
      spdlog::warn("some connections did not end");
    }
  }
  if (server_ != nullptr) server_->Shutdown(absl::Milliseconds(200));
  diallers_.clear();
}

}  // namespace semlink
