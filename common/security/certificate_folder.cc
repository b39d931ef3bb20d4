#include "common/security/certificate_folder.h"

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/security/certificate.h"
#include "common/security/certificate_authority.h"

namespace semlink::security {
namespace {

constexpr int kPublicMode = 0644;
constexpr int kSecretMode = 0600;

struct Paths {
  std::string certificate, key;
};

Paths PathsOf(const std::string& dir, const std::string& name) {
  return {absl::StrCat(dir, "/", name, ".pem"), absl::StrCat(dir, "/", name, ".key")};
}

absl::Status About(const std::string& path, const absl::Status& status, absl::string_view advice) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message(), "; ", advice));
}

// Without a key if it is not there.
absl::StatusOr<PemPair> ReadPair(const Paths& paths) {
  PemPair pem;
  ASSIGN_OR_RETURN(pem.certificate, ReadFile(paths.certificate));
  if (FileExists(paths.key)) {
    ASSIGN_OR_RETURN(pem.key, ReadFile(paths.key));
  }
  return pem;
}

// The certificate last: where there is one, its key is there.
absl::Status WritePair(const Paths& paths, const PemPair& pem) {
  RETURN_IF_ERROR(WriteFileAtomically(paths.key, pem.key, kSecretMode));
  return WriteFileAtomically(paths.certificate, pem.certificate, kPublicMode);
}

absl::StatusOr<absl::Time> NotAfter(const std::string& pem) {
  ASSIGN_OR_RETURN(const CertificateInfo info, ReadCertificate(pem));
  return info.not_after;
}

absl::StatusOr<CertificateAuthority> OpenAuthority(const std::string& dir, absl::Time now,
                                                   MadeCertificate* made) {
  const Paths paths = PathsOf(dir, "ca");
  made->name = "ca";
  if (!FileExists(paths.certificate)) {
    // A key alone is what an interrupted start leaves. Nobody has certificates of it.
    ASSIGN_OR_RETURN(CertificateAuthority ca, CertificateAuthority::Create(now));
    RETURN_IF_ERROR(WritePair(paths, ca.pem()));
    made->made = true;
    ASSIGN_OR_RETURN(made->not_after, NotAfter(ca.pem().certificate));
    return ca;
  }
  if (!FileExists(paths.key)) {
    return absl::FailedPreconditionError(
        absl::StrCat(paths.key, " is missing, and ", paths.certificate,
                     " alone can't make certificates: make them in the folder that has the key, or "
                     "choose a new folder"));
  }
  ASSIGN_OR_RETURN(const PemPair pem, ReadPair(paths));
  absl::StatusOr<CertificateAuthority> ca = CertificateAuthority::Load(pem, now);
  if (!ca.ok()) {
    return About(paths.certificate, ca.status(),
                 "make a new CA and all certificates in another folder");
  }
  ASSIGN_OR_RETURN(made->not_after, NotAfter(pem.certificate));
  return ca;
}

// Whether what is there can stay. A key that is missing may have been moved to its machine.
absl::Status CheckKept(const PemPair& pem, const NodeId& node, const Verifier& verifier,
                       absl::Time now) {
  if (!pem.key.empty()) {
    ASSIGN_OR_RETURN(const bool fits, KeyFits(pem.certificate, pem.key));
    if (!fits) return absl::FailedPreconditionError("its key does not belong to it");
  }
  const bool dialled = node.role == Role::kCoordinator || node.role == Role::kTransmitter;
  ASSIGN_OR_RETURN(
      const NodeId named,
      verifier.Verify(pem.certificate, dialled ? Purpose::kServer : Purpose::kClient, now));
  if (named == node) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("it is the certificate of ", named.ToString()));
}

absl::StatusOr<MadeCertificate> MakeOne(const CertificateFolderOptions& options, const NodeId& node,
                                        const CertificateAuthority& ca, const Verifier& verifier,
                                        absl::Time now) {
  MadeCertificate made;
  made.name = node.ToString();
  const Paths paths = PathsOf(options.dir, made.name);
  PemPair pem;
  if (options.force || !FileExists(paths.certificate)) {
    ASSIGN_OR_RETURN(pem, ca.Issue(node, options.lifetime, options.hosts, now));
    RETURN_IF_ERROR(WritePair(paths, pem));
    made.made = true;
  } else {
    ASSIGN_OR_RETURN(pem, ReadPair(paths));
    if (const absl::Status kept = CheckKept(pem, node, verifier, now); !kept.ok()) {
      return About(paths.certificate, absl::FailedPreconditionError(kept.message()),
                   "replace it with --force");
    }
  }
  ASSIGN_OR_RETURN(made.not_after, NotAfter(pem.certificate));
  return made;
}

}  // namespace

std::vector<NodeId> NodesOf(int transmitters, int receivers) {
  std::vector<NodeId> nodes = MembersOf(transmitters, receivers);
  nodes.insert(nodes.begin(), NodeId::Coordinator());
  nodes.push_back({Role::kOperator, 0});
  return nodes;
}

absl::StatusOr<std::vector<MadeCertificate>> MakeCertificates(
    const CertificateFolderOptions& options, absl::Time now) {
  for (const std::string& host : options.hosts) RETURN_IF_ERROR(CheckHost(host));
  RETURN_IF_ERROR(MakeDirs(options.dir));
  std::vector<MadeCertificate> result(1);
  ASSIGN_OR_RETURN(const CertificateAuthority ca, OpenAuthority(options.dir, now, &result[0]));
  ASSIGN_OR_RETURN(const Verifier verifier, Verifier::Create(ca.pem().certificate));
  for (const NodeId& node : options.nodes) {
    ASSIGN_OR_RETURN(MadeCertificate made, MakeOne(options, node, ca, verifier, now));
    result.push_back(std::move(made));
  }
  return result;
}

absl::Status CopyBundle(const std::string& certificates, const NodeId& node,
                        const std::string& dir) {
  const std::string to = absl::StrCat(dir, "/", node.ToString(), "/certs");
  RETURN_IF_ERROR(MakeDirs(to));
  ASSIGN_OR_RETURN(const std::string ca, ReadFile(certificates + "/ca.pem"));
  RETURN_IF_ERROR(WriteFileAtomically(to + "/ca.pem", ca, kPublicMode));
  std::vector<NodeId> names = {node};
  if (node.role == Role::kCoordinator) names.push_back({Role::kOperator, 0});
  for (const NodeId& name : names) {
    const Paths from = PathsOf(certificates, name.ToString());
    PemPair pem;
    ASSIGN_OR_RETURN(pem.certificate, ReadFile(from.certificate));
    ASSIGN_OR_RETURN(pem.key, ReadFile(from.key));
    RETURN_IF_ERROR(WritePair(PathsOf(to, name.ToString()), pem));
  }
  return absl::OkStatus();
}

}  // namespace semlink::security
