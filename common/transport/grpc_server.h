// The accepting side: the coordinator's Control service or a transmitter's Exchange service.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transport/address.h"
#include "common/transport/grpc_credentials.h"
#include "common/transport/stream_hub.h"

namespace semlink {

// Metadata with which the server tells a client the address that it sees the client at.
inline constexpr char kClientAddressKey[] = "semlink-client-address";

// Accepts one stream per node. The first message must be a Hello of this protocol version and of a
// role that may join here, within `hello_deadline`, and the node must not be connected already;
// else a Refusal is sent and the stream closed. Initial metadata goes out when the Hello is
// admitted. A message that the peer may not send, or that is too large, is refused and ends the
// stream.
//
// Also serves gRPC health checking and reflection.
class GrpcServer {
 public:
  struct Options {
    Address listen;  // port 0: any free port
    SecurityOptions security;
    absl::Duration hello_deadline = absl::Seconds(10);
    std::vector<grpc::Service*> services;  // served too; must outlive the server
  };

  // Serves Control if `hub`'s node is the coordinator, Exchange if it is a transmitter; `hub` must
  // outlive the server. Errors name the address: ALREADY_EXISTS (in use), INVALID_ARGUMENT.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const Options& options, StreamHub* hub);
  ~GrpcServer();

  // The address that it listens on, with the port that was bound.
  const Address& address() const { return address_; }

  // Takes no new calls, ends what is left at the deadline at the latest. Close the hub's streams
  // first.
  void Shutdown(absl::Duration grace);

 private:
  GrpcServer() = default;

  Address address_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_SERVER_H_
