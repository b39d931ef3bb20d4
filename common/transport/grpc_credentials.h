// The one place that decides how connections are secured.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/security/identity.h"
#include "common/transport/address.h"
#include "common/transport/peer_check.h"

namespace semlink {

// The default: neither encrypted nor authenticated, and only on this machine's loopback interface.
struct SecurityOptions {
  std::shared_ptr<const security::Identity> identity;                // null: insecure
  std::shared_ptr<PeerCheck> check = std::make_shared<PeerCheck>();  // of who dials us

  // TLS with this identity. INVALID_ARGUMENT if its CA can't be used.
  static absl::StatusOr<SecurityOptions> Tls(security::Identity identity);
};

// INVALID_ARGUMENT if insecure connections would leave the loopback interface, or the identity has
// no certificate to show; UNAVAILABLE if the address's name doesn't resolve (yet).
//
// The server completes the TLS handshake with anybody and refuses afterwards: gRPC keeps failed
// handshakes to itself, and a refused node would have no word of the reason. Nothing is answered
// before `check` has seen a certificate of the run's CA.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const SecurityOptions& options);

// Whether MakeChannelCredentials would be OK.
absl::Status CheckMayDial(const Address& target, const SecurityOptions& options);

// `peer`: whom the dialled server has to be, at whatever address: sets in `arguments` the name that
// TLS looks for in its certificate.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const Address& target, const NodeId& peer, const SecurityOptions& options,
    grpc::ChannelArguments* arguments);

// What gRPC's error about a connection means if it is about certificates or TLS, in words for
// people: UNAUTHENTICATED. UNAVAILABLE if `peer` is a transmitter: it may have come back elsewhere,
// and another program may be at its old address. OK if the error is about something else.
absl::Status ExplainTlsError(const NodeId& peer, absl::string_view grpc_message);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_CREDENTIALS_H_
