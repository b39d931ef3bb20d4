#include "common/transport/grpc_transport.h"

#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace semlink {
namespace {

// Not part of a run's reproducibility: it must differ between processes.
uint64_t RandomIncarnation() {
  uint64_t incarnation = 0;
  while (incarnation == 0) {
    if (getrandom(&incarnation, sizeof incarnation, 0) == sizeof incarnation) continue;
    // No entropy yet, at boot: the process id and the time will do.
    incarnation = (static_cast<uint64_t>(getpid()) << 40) ^
                  static_cast<uint64_t>(absl::ToUnixNanos(RealClock().WallTime()));
  }
  return incarnation;
}

GrpcTransport::Options Completed(GrpcTransport::Options options) {
  if (options.incarnation == 0) options.incarnation = RandomIncarnation();
  return options;
}

}  // namespace

GrpcTransport::GrpcTransport(const Options& options, Mailbox* mailbox)
    : options_(Completed(options)),
      hub_(options.self, mailbox, options.max_message_bytes, &clock_, options.max_waiting_bytes),
      keeper_(options.keeper, &hub_) {}

absl::StatusOr<std::unique_ptr<GrpcTransport>> GrpcTransport::Create(const Options& options,
                                                                     Mailbox* mailbox) {
  std::unique_ptr<GrpcTransport> transport(new GrpcTransport(options, mailbox));
  transport->StartKernelFaults();
  if (options.self.role != Role::kReceiver) RETURN_IF_ERROR(transport->Listen());
  const int port = transport->server_ != nullptr ? transport->server_->address().port : 0;
  transport->links_ = std::make_unique<LinkBook>(options.self, port);
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

v1::Hello GrpcTransport::MakeHello(const NodeId& to) const {
  v1::Hello hello;
  *hello.mutable_node() = ToProto(options_.self);
  hello.set_protocol(kProtocolVersion);
  hello.set_software(kSoftware);
  hello.set_data_address(data_address_);
  hello.set_pid(static_cast<uint32_t>(getpid()));
  hello.set_incarnation(options_.incarnation);
  *hello.mutable_peer() = ToProto(to);
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
  const absl::Status secure = CheckMayDial(dialler.address, options_.security);
  if (absl::IsInvalidArgument(secure)) return secure;
  dialler.peer = to;
  dialler.hello = MakeHello(to);
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
    const absl::StatusOr<Address> parsed = ParseAddress(address);
    const bool same = parsed.ok() && parsed->ToString() == it->second->address().ToString();
    if (same && !it->second->gave_up()) return absl::OkStatus();
    Retire(std::move(it->second),
           absl::UnavailableError(absl::StrCat(to.ToString(), " is at ", address, " now")));
    diallers_.erase(it);
  }
  return Dial(to, address, absl::InfiniteDuration());
}

void GrpcTransport::Retire(std::unique_ptr<GrpcDialler> dialler, const absl::Status& why) {
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(),
                                [](const auto& each) { return each->finished(); }),
                 retired_.end());
  dialler->Abort(why);
  retired_.push_back(std::move(dialler));
}

void GrpcTransport::SetFaults(const std::vector<v1::Fault>& faults) {
  hub_.faults().Set(faults);
  kernel_faults_->Set(faults);
  hub_.ticker().WakeAt(clock_.Now());
}

void GrpcTransport::StartKernelFaults() {
  kernel_faults_ = std::make_unique<KernelFaults>(
      options_.self, options_.may_change_network ? std::make_unique<ProgramRunner>() : nullptr,
      [this] { return Links(); }, [this](const v1::FaultsSet& outcome) { TellOutcome(outcome); });
  hub_.SetKernelFaults(kernel_faults_.get());
  kernel_faults_->CleanUp();
}

std::map<NodeId, LinkEnds> GrpcTransport::Links() {
  return links_->Read(hub_.Connections(), LinkBook::ReadSockets());
}

void GrpcTransport::TellOutcome(const v1::FaultsSet& outcome) {
  v1::Message message;
  *message.mutable_faults_set() = outcome;
  if (options_.self.role == Role::kCoordinator) {
    hub_.PostToSelf(std::move(message));
    return;
  }
  const std::shared_ptr<PeerStream> stream = hub_.Find(NodeId::Coordinator());
  if (stream == nullptr) return;  // it asks again once it is back
  hub_.traffic().CountSent(NodeId::Coordinator(), message, message.ByteSizeLong());
  stream->Send(std::move(message));
}

absl::Status GrpcTransport::Send(const NodeId& to, v1::Message message) {
  RETURN_IF_ERROR(CheckMaySend(options_.self, to, message));
  const std::size_t bytes = message.ByteSizeLong();
  RETURN_IF_ERROR(CheckSize(to, message, bytes, options_.max_message_bytes));
  const std::shared_ptr<PeerStream> stream = hub_.SeenByNode(to);
  if (stream == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("no connection from ", options_.self.ToString(), " to ", to.ToString()));
  }
  hub_.traffic().CountSent(to, message, bytes);
  if (options_.on_send) options_.on_send(message);
  if (!stream->Send(std::move(message))) {
    return absl::UnavailableError(absl::StrCat("the connection to ", to.ToString(), " is closing"));
  }
  return absl::OkStatus();
}

std::vector<v1::Traffic> GrpcTransport::TrafficSnapshot() const {
  return hub_.traffic().Snapshot();
}

std::vector<v1::Wire> GrpcTransport::WireSnapshot() const { return hub_.WireTotals(); }

void GrpcTransport::Shutdown(absl::Duration grace) {
  if (shut_down_) return;
  shut_down_ = true;
  if (kernel_faults_ != nullptr) kernel_faults_->Stop();  // nothing shall hinder the farewells
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
  retired_.clear();
  keeper_.Stop();
}

}  // namespace semlink
