#include "common/transport/grpc_credentials.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/security/certificate.h"

namespace semlink {
namespace {

absl::Status CheckInsecureAllowed(const Address& address, absl::string_view verb) {
  ASSIGN_OR_RETURN(const bool loopback, IsLoopback(address.host));
  if (loopback) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("will not ", verb, " ", address.ToString(),
                   ": it is not a loopback address, and the connection would be neither encrypted "
                   "nor authenticated; use --tls DIR with certificates of `semlink certs`"));
}

}  // namespace

absl::StatusOr<SecurityOptions> SecurityOptions::Tls(security::Identity identity) {
  ASSIGN_OR_RETURN(security::Verifier verifier, security::Verifier::Create(identity.ca_pem));
  SecurityOptions options;
  options.check = std::make_shared<PeerCheck>(std::move(verifier));
  options.identity = std::make_shared<const security::Identity>(std::move(identity));
  return options;
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const Address& listen, const SecurityOptions& options) {
  if (options.identity == nullptr) {
    RETURN_IF_ERROR(CheckInsecureAllowed(listen, "listen on"));
    return grpc::InsecureServerCredentials();
  }
  const security::Identity& identity = *options.identity;
  if (identity.certificate_pem.empty()) {
    return absl::InvalidArgumentError(
        "who listens needs a certificate: use --tls DIR, or --tls-cert and --tls-key");
  }
  grpc::SslServerCredentialsOptions ssl(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  ssl.pem_root_certs = identity.ca_pem;
  ssl.pem_key_cert_pairs.push_back({identity.key_pem, identity.certificate_pem});
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::SslServerCredentials(ssl);
  credentials->SetAuthMetadataProcessor(options.check->MakeProcessor());
  return credentials;
}

absl::Status CheckMayDial(const Address& target, const SecurityOptions& options) {
  if (options.identity != nullptr) return absl::OkStatus();
  return CheckInsecureAllowed(target, "connect to");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const Address& target, const NodeId& peer, const SecurityOptions& options,
    grpc::ChannelArguments* arguments) {
  RETURN_IF_ERROR(CheckMayDial(target, options));
  if (options.identity == nullptr) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.identity->ca_pem;
  ssl.pem_private_key = options.identity->key_pem;
  ssl.pem_cert_chain = options.identity->certificate_pem;
  arguments->SetSslTargetNameOverride(security::TlsName(peer));
  return grpc::SslCredentials(ssl);
}

absl::Status ExplainTlsError(const NodeId& peer, absl::string_view grpc_message) {
  const auto explained = [&peer](absl::string_view why) {
    return absl::Status(
        peer.role == Role::kTransmitter ? absl::StatusCode::kUnavailable
                                        : absl::StatusCode::kUnauthenticated,
        absl::StrCat("what answers there does not prove to be ", peer.ToString(), ": ", why));
  };
  // OpenSSL writes some of it in capitals.
  const std::string text = absl::AsciiStrToLower(grpc_message);
  const auto contains = [&text](absl::string_view part) { return absl::StrContains(text, part); };
  if (contains("certificate verify failed") || contains("certificate_verify_failed")) {
    return explained("its certificate has expired, or was not issued by our CA (ca.pem)");
  }
  if (contains("not in peer certificate")) {
    return explained("its certificate names another node");
  }
  if (contains("wrong version number") || contains("wrong_version_number")) {
    return explained("it does not speak TLS; was it started with --insecure?");
  }
  return absl::OkStatus();
}

}  // namespace semlink
