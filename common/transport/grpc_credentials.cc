#include "common/transport/grpc_credentials.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace semlink {
namespace {

absl::Status CheckInsecureAllowed(const Address& address, const SecurityOptions& options,
                                  absl::string_view verb) {
  if (options.allow_insecure_network) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool loopback, IsLoopback(address.host));
  if (loopback) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("will not ", verb, " ", address.ToString(),
                   ": it is not a loopback address, and the connection would be neither encrypted "
                   "nor authenticated. On a network that you trust, say --insecure-network"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const SecurityOptions& options) {
  RETURN_IF_ERROR(CheckInsecureAllowed(listen, options, "listen on"));
  return grpc::InsecureServerCredentials();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const Address& target, const SecurityOptions& options) {
  RETURN_IF_ERROR(CheckInsecureAllowed(target, options, "connect to"));
  return grpc::InsecureChannelCredentials();
}

}  // namespace semlink
