// What a certificate says, and whether to believe it.
#ifndef SEMLINK_COMMON_SECURITY_CERTIFICATE_H_
#define SEMLINK_COMMON_SECURITY_CERTIFICATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/ids.h"

namespace semlink::security {

// The node's name in its certificate, a URI among the subject's alternative names:
// "semlink:coordinator", "semlink:transmitter/1" (from 1), "semlink:receiver/2",
// "semlink:operator".
std::string NodeUri(const NodeId& node);
absl::StatusOr<NodeId> ParseNodeUri(absl::string_view uri);

// The DNS name by which TLS checks that a server is the node that was dialled, at whatever address:
// "transmitter1.semlink". Never looked up.
std::string TlsName(const NodeId& node);

struct CertificateInfo {
  std::string common_name;
  std::string issuer;            // common name of its CA
  std::vector<std::string> uri;  // alternative names
  std::vector<std::string> dns;
  std::vector<std::string> ip;
  absl::Time not_before;
  absl::Time not_after;
  bool is_ca = false;
};

// The first certificate of a PEM text. INVALID_ARGUMENT if there is none that can be read.
absl::StatusOr<CertificateInfo> ReadCertificate(absl::string_view pem);

// The node that a certificate names. INVALID_ARGUMENT if none or several.
absl::StatusOr<NodeId> NodeOf(const CertificateInfo& info);

// Whether the key belongs to the certificate. INVALID_ARGUMENT if either can't be read.
absl::StatusOr<bool> KeyFits(absl::string_view certificate_pem, absl::string_view key_pem);

enum class Purpose { kServer, kClient };

// Believes the certificates of one CA. Thread-safe. No revocation lists.
class Verifier {
 public:
  // INVALID_ARGUMENT if the text is not one CA certificate.
  static absl::StatusOr<Verifier> Create(absl::string_view ca_pem);
  Verifier(Verifier&&);
  Verifier& operator=(Verifier&&);
  ~Verifier();

  // The node that the certificate names, if at the time `now` it is valid, was issued by the CA,
  // and may be used so. UNAUTHENTICATED with the reason otherwise, in words for people; it names
  // the certificate, but as what its holder wrote into it.
  absl::StatusOr<NodeId> Verify(absl::string_view pem, Purpose purpose, absl::Time now) const;

 private:
  struct State;
  explicit Verifier(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace semlink::security

#endif  // SEMLINK_COMMON_SECURITY_CERTIFICATE_H_
