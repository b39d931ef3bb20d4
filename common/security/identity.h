// What a process needs to prove who it is and to check who the others are.
#ifndef SEMLINK_COMMON_SECURITY_IDENTITY_H_
#define SEMLINK_COMMON_SECURITY_IDENTITY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/ids.h"

namespace semlink::security {

struct IdentityFiles {
  std::string ca;
  std::string certificate;  // empty, with the key: none
  std::string key;
};

// DIR/ca.pem, DIR/transmitter1.pem, DIR/transmitter1.key.
IdentityFiles FilesOf(const std::string& dir, const NodeId& node);

struct Identity {
  std::string ca_pem;
  std::string certificate_pem;  // empty: shows none
  std::string key_pem;
};

// Reads the files. NOT_FOUND, INVALID_ARGUMENT with the file and the reason: missing, not PEM, not
// a CA, a key of another certificate. Says nothing about who is named and until when:
// CheckIdentity.
absl::StatusOr<Identity> LoadIdentity(const IdentityFiles& files);

// Whether others will take the identity for `self`: UNAUTHENTICATED if it has expired, is of
// another CA, or names another node. Only their own verdict counts: their clocks may differ.
absl::Status CheckIdentity(const Identity& identity, const NodeId& self, absl::Time now);

}  // namespace semlink::security

#endif  // SEMLINK_COMMON_SECURITY_IDENTITY_H_
