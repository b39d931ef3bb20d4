// The one place that decides how connections are secured.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/transport/address.h"

namespace semlink {

struct SecurityOptions {
  // Allow connections that are neither encrypted nor authenticated beyond this machine's loopback
  // interface (--insecure-network).
  bool allow_insecure_network = false;
};

// INVALID_ARGUMENT if the address is not a loopback address and the options don't allow that;
// UNAVAILABLE if its name doesn't resolve (yet).
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const SecurityOptions& options);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const Address& target, const SecurityOptions& options);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_
