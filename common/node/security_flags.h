// --tls, --tls-ca, --tls-cert, --tls-key, --insecure: the same for every program.
#ifndef SEMLINK_COMMON_NODE_SECURITY_FLAGS_H_
#define SEMLINK_COMMON_NODE_SECURITY_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/transport/grpc_credentials.h"

namespace semlink {

struct SecurityFlags {
  std::string dir;                   // --tls
  std::string ca, certificate, key;  // --tls-ca, --tls-cert, --tls-key: instead of the folder's
  bool insecure = false;

  bool given() const { return insecure || tls(); }
  bool tls() const { return !dir.empty() || !ca.empty() || !certificate.empty() || !key.empty(); }
};

void AddSecurityFlags(CLI::App* app, SecurityFlags* flags);

// INVALID_ARGUMENT, NOT_FOUND if neither TLS nor --insecure was asked for, files are missing, or
// they don't fit together. A CA alone is enough to dial: no certificate is shown then.
//
// If others will probably refuse the certificate (expired, of another node), it is logged only:
// their verdict counts. But the coordinator, to whom nobody could connect, fails.
absl::StatusOr<SecurityOptions> MakeSecurity(const SecurityFlags& flags, const NodeId& self);

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_SECURITY_FLAGS_H_
