// Makes certificates.
#ifndef SEMLINK_COMMON_SECURITY_CERTIFICATE_AUTHORITY_H_
#define SEMLINK_COMMON_SECURITY_CERTIFICATE_AUTHORITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/ids.h"

namespace semlink::security {

struct PemPair {
  std::string certificate;
  std::string key;  // PKCS #8, not encrypted
};

// INVALID_ARGUMENT unless `host` is an IP address or a DNS name that a node may be reached at.
// Names that end in ".semlink" stand for nodes (TlsName) and are not for hosts.
absl::Status CheckHost(absl::string_view host);

// One CA: EC P-256, SHA-256, valid for ten years; its certificates can't sign others.
class CertificateAuthority {
 public:
  // A new one, with a name of its own.
  static absl::StatusOr<CertificateAuthority> Create(absl::Time now);
  // An existing one. INVALID_ARGUMENT if it is not an EC P-256 CA certificate with its key;
  // FAILED_PRECONDITION if it has expired.
  static absl::StatusOr<CertificateAuthority> Load(const PemPair& pem, absl::Time now);
  CertificateAuthority(CertificateAuthority&&);
  CertificateAuthority& operator=(CertificateAuthority&&);
  ~CertificateAuthority();

  const PemPair& pem() const { return pem_; }

  // A new key and a certificate for `node`, valid from an hour before `now` (clocks differ) until
  // `lifetime` after it, but not longer than the CA. It names the node (NodeUri, TlsName, common
  // name "transmitter1"). Coordinator and transmitters, who are dialled, also get the DNS name
  // "transmitter1", this machine's own names (localhost, 127.0.0.1, ::1) and `hosts`.
  absl::StatusOr<PemPair> Issue(const NodeId& node, absl::Duration lifetime,
                                const std::vector<std::string>& hosts, absl::Time now) const;

 private:
  struct State;
  CertificateAuthority(std::unique_ptr<State> state, PemPair pem);

  std::unique_ptr<State> state_;
  PemPair pem_;
};

}  // namespace semlink::security

#endif  // SEMLINK_COMMON_SECURITY_CERTIFICATE_AUTHORITY_H_
