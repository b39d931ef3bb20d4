// A folder of certificates: ca.pem, ca.key, and NODE.pem, NODE.key for each node.
#ifndef SEMLINK_COMMON_SECURITY_CERTIFICATE_FOLDER_H_
#define SEMLINK_COMMON_SECURITY_CERTIFICATE_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/ids.h"

namespace semlink::security {

// coordinator, transmitter1.., receiver1.., operator.
std::vector<NodeId> NodesOf(int transmitters, int receivers);

struct CertificateFolderOptions {
  std::string dir;
  std::vector<NodeId> nodes;
  absl::Duration lifetime = absl::Hours(24 * 365);
  std::vector<std::string> hosts;  // further names and addresses of the machines
  bool force = false;              // replace certificates that are there
};

struct MadeCertificate {
  std::string name;   // "ca", "transmitter1"
  bool made = false;  // else it was there and is kept
  absl::Time not_after;
};

// Makes what is missing; uses the CA that is there. A kept certificate is checked: it is an error
// if it is not valid, not the CA's, or has another key. Keys have mode 0600. Each file appears
// whole or not at all; made again after an interruption, the folder gets what was missing.
// INVALID_ARGUMENT, FAILED_PRECONDITION name the file and what to do.
absl::StatusOr<std::vector<MadeCertificate>> MakeCertificates(
    const CertificateFolderOptions& options, absl::Time now);

// Copies to DIR/NODE/certs what that node's machine needs: ca.pem and its own pair; for the
// coordinator also the operator's. Replaces what is there. NOT_FOUND if a key of it was moved away.
absl::Status CopyBundle(const std::string& certificates, const NodeId& node,
                        const std::string& dir);

}  // namespace semlink::security

#endif  // SEMLINK_COMMON_SECURITY_CERTIFICATE_FOLDER_H_
