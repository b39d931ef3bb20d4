#include "common/transport/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/transport/grpc_channel_arguments.h"
#include "common/transport/grpc_server_stream.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::Message, v1::Message>;

class ControlService final : public v1::Coordinator::CallbackService {
 public:
  ControlService(StreamHub* hub, const GrpcServer::Options& options)
      : hub_(hub), check_(options.security.check), hello_deadline_(options.hello_deadline) {}
  Reactor* Control(grpc::CallbackServerContext* context) override {
    return GrpcServerStream::Accept(context, hub_, check_.get(), hello_deadline_);
  }

 private:
  StreamHub* const hub_;
  const std::shared_ptr<PeerCheck> check_;
  const absl::Duration hello_deadline_;
};

class ExchangeService final : public v1::Transmitter::CallbackService {
 public:
  ExchangeService(StreamHub* hub, const GrpcServer::Options& options)
      : hub_(hub), check_(options.security.check), hello_deadline_(options.hello_deadline) {}
  Reactor* Exchange(grpc::CallbackServerContext* context) override {
    return GrpcServerStream::Accept(context, hub_, check_.get(), hello_deadline_);
  }

 private:
  StreamHub* const hub_;
  const std::shared_ptr<PeerCheck> check_;
  const absl::Duration hello_deadline_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              StreamHub* hub) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                   MakeServerCredentials(options.listen, options.security));
  RETURN_IF_ERROR(CheckCanListen(options.listen));  // gRPC itself doesn't say why it can't
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  std::unique_ptr<GrpcServer> server(new GrpcServer);
  if (hub->self().role == Role::kCoordinator) {
    server->service_ = std::make_unique<ControlService>(hub, options);
  } else {
    server->service_ = std::make_unique<ExchangeService>(hub, options);
  }
  grpc::ServerBuilder builder;
  SetServerArguments(hub->max_message_bytes(), &builder);
  builder.RegisterService(server->service_.get());
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  int port = 0;
  builder.AddListeningPort(options.listen.ToString(), credentials, &port);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen.ToString(),
                                               ": another program may have taken the port just "
                                               "now; choose another with --listen"));
  }
  server->address_ = {options.listen.host, port};
  if (auto* health = server->server_->GetHealthCheckService()) {
    health->SetServingStatus(hub->self().role == Role::kCoordinator
                                 ? v1::Coordinator::service_full_name()
                                 : v1::Transmitter::service_full_name(),
                             true);
  }
  return server;
}

GrpcServer::~GrpcServer() { Shutdown(absl::ZeroDuration()); }

void GrpcServer::Shutdown(absl::Duration grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
  server_->Wait();
  server_ = nullptr;
}

}  // namespace semlink
