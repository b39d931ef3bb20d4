// "host:port" addresses and what they resolve to.
#ifndef SEMLINK_COMMON_TRANSPORT_ADDRESS_H_
#define SEMLINK_COMMON_TRANSPORT_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semlink {

struct Address {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without brackets
  int port = 0;      // 0..65535

  // "host:port", "[host]:port" for IPv6.
  std::string ToString() const;
};

// "HOST:PORT" or "[IPV6]:PORT". INVALID_ARGUMENT with the reason otherwise.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

// Whether every address that `host` resolves to is of this machine's loopback interface. Asks the
// resolver (blocks) unless it is a literal; UNAVAILABLE if it doesn't resolve.
absl::StatusOr<bool> IsLoopback(const std::string& host);

// Whether `host` stands for all interfaces: 0.0.0.0 or ::.
bool IsWildcard(const std::string& host);

// Binds and releases the address, for an error that names the cause: ALREADY_EXISTS (in use),
// INVALID_ARGUMENT (not an address of this machine), PERMISSION_DENIED, UNAVAILABLE (no such name).
absl::Status CheckCanListen(const Address& address);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_ADDRESS_H_
