#include "common/security/identity.h"

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/security/certificate.h"

namespace semlink::security {
namespace {

absl::Status About(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat(text.status().message(),
                                   "; make certificates with `semlink certs DIR --scenario FILE`"));
}

}  // namespace

IdentityFiles FilesOf(const std::string& dir, const NodeId& node) {
  const std::string name = absl::StrCat(dir, "/", node.ToString());
  return {absl::StrCat(dir, "/ca.pem"), absl::StrCat(name, ".pem"), absl::StrCat(name, ".key")};
}

absl::StatusOr<Identity> LoadIdentity(const IdentityFiles& files) {
  Identity identity;
  ASSIGN_OR_RETURN(identity.ca_pem, ReadPem(files.ca));
  if (const auto ca = Verifier::Create(identity.ca_pem); !ca.ok()) {
    return About(files.ca, ca.status());
  }
  if (files.certificate.empty() && files.key.empty()) return identity;
  ASSIGN_OR_RETURN(identity.certificate_pem, ReadPem(files.certificate));
  ASSIGN_OR_RETURN(identity.key_pem, ReadPem(files.key));
  if (const auto certificate = ReadCertificate(identity.certificate_pem); !certificate.ok()) {
    return About(files.certificate, certificate.status());
  }
  const absl::StatusOr<bool> fits = KeyFits(identity.certificate_pem, identity.key_pem);
  if (!fits.ok()) return About(files.key, fits.status());
  if (!*fits) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.key, " is not the key of ", files.certificate));
  }
  return identity;
}

absl::Status CheckIdentity(const Identity& identity, const NodeId& self, absl::Time now) {
  ASSIGN_OR_RETURN(const Verifier verifier, Verifier::Create(identity.ca_pem));
  const bool dialled = self.role == Role::kCoordinator || self.role == Role::kTransmitter;
  ASSIGN_OR_RETURN(const NodeId named,
                   verifier.Verify(identity.certificate_pem,
                                   dialled ? Purpose::kServer : Purpose::kClient, now));
  if (named == self) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("the certificate names ", named.ToString(), ", not ", self.ToString()));
}

}  // namespace semlink::security
