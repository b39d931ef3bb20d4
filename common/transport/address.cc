#include "common/transport/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace semlink {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> Resolve(const std::string& host, int port, bool passive) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot resolve ", host, ": ", gai_strerror(error)));
  }
  return AddressList(found, &freeaddrinfo);
}

bool IsLoopbackAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

absl::Status BindError(const Address& address, int error) {
  const std::string where = absl::StrCat("cannot listen on ", address.ToString(), ": ");
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(
          absl::StrCat(where, "address already in use; choose another with --listen"));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(
          absl::StrCat(where, "not an address of this machine; choose another with --listen"));
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat(where, "permission denied; choose a port above 1023 with --listen"));
    default:
      return absl::UnavailableError(absl::StrCat(where, std::strerror(error)));
  }
}

}  // namespace

std::string Address::ToString() const {
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port)
                                             : absl::StrCat("[", host, "]:", port);
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not an address: ", why,
                                                   "; expected HOST:PORT, such as 127.0.0.1:7433"));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return bad("there is no port");
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port_text = text.substr(colon + 1);
  if (!host.empty() && host.front() == '[') {
    if (host.back() != ']') return bad("the bracket is not closed");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != absl::string_view::npos) {
    return bad("an IPv6 address must stand in brackets");
  }
  if (host.empty()) return bad("there is no host");
  if (host.find_first_of(" \t/[]") != absl::string_view::npos) return bad("the host is malformed");
  int port = 0;
  if (!absl::SimpleAtoi(port_text, &port) || port < 0 || port > 65535) {
    return bad("the port is not a number from 0 to 65535");
  }
  return Address{std::string(host), port};
}

absl::StatusOr<bool> IsLoopback(const std::string& host) {
  ASSIGN_OR_RETURN(const AddressList list, Resolve(host, 0, /*passive=*/false));
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (!IsLoopbackAddress(*a->ai_addr)) return false;
  }
  return true;
}

bool IsWildcard(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

absl::Status CheckCanListen(const Address& address) {
  ASSIGN_OR_RETURN(const AddressList list, Resolve(address.host, address.port, /*passive=*/true));
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    const int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;  // no IPv6 here: gRPC skips it likewise
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    // A bind alone succeeds while another socket merely has the port; listening does not.
    const bool ok = bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0;
    const int error = errno;
    close(fd);
    if (!ok) return BindError(address, error);
  }
  return absl::OkStatus();
}

}  // namespace semlink
