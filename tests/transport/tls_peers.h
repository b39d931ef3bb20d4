// Identities of one CA for tests of TLS.
#ifndef SEMLINK_TESTS_TRANSPORT_TLS_PEERS_H_
#define SEMLINK_TESTS_TRANSPORT_TLS_PEERS_H_

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/security/certificate_authority.h"
#include "common/security/identity.h"
#include "common/transport/grpc_credentials.h"

namespace semlink {

class TestAuthority {
 public:
  // An identity that names `node`, issued `ago` before now for a day.
  security::Identity Identity(const NodeId& node, absl::Duration ago = absl::ZeroDuration()) const {
    const absl::Time then = absl::Now() - ago;
    const security::PemPair pem = *ca_.Issue(node, absl::Hours(24), {}, then);
    return {ca_.pem().certificate, pem.certificate, pem.key};
  }
  // Believes this CA, shows no certificate.
  security::Identity Anonymous() const { return {ca_.pem().certificate, "", ""}; }

 private:
  security::CertificateAuthority ca_ = *security::CertificateAuthority::Create(absl::Now());
};

inline SecurityOptions Tls(security::Identity identity) {
  return *SecurityOptions::Tls(std::move(identity));
}

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_TLS_PEERS_H_
