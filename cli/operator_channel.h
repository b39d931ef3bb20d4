// How operator commands (`semlink status`, `semlink fault`, ...) reach a coordinator.
#ifndef SEMLINK_CLI_OPERATOR_CHANNEL_H_
#define SEMLINK_CLI_OPERATOR_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/node/security_flags.h"

namespace semlink::cli {

struct OperatorTarget {
  std::string run;          // run folder; with neither: the newest in runs/
  std::string coordinator;  // "HOST:PORT"
  SecurityFlags security;
};

// --coordinator (which excludes `run`, the option of the run folder) and the flags of TLS.
void AddTargetOptions(CLI::App* command, CLI::Option* run, OperatorTarget* target);

// Where `semlink run --tls` leaves the certificates of a run: a folder or a link to one.
std::string CertificateFolder(const std::string& run);
// Whether the run was started with TLS. Also if that folder was a link whose end has gone: then the
// certificates are missing, which is no reason to do without.
bool UsesTls(const std::string& run);

struct OperatorChannel {
  std::string address;  // for messages
  std::shared_ptr<grpc::Channel> channel;
};

// Does not connect yet. Without flags, a run folder says whether it is a run with TLS (it has
// CertificateFolder) or one on this machine without. INVALID_ARGUMENT if an address is given
// without flags; NOT_FOUND if there is no such run.
absl::StatusOr<OperatorChannel> OpenOperatorChannel(const OperatorTarget& target);

// The exit code for an error of OpenOperatorChannel(): wrong usage, or no coordinator to connect
// to.
int TargetExitCode(const absl::Status& status);

// What a failed call to the Operator service means, in words for people. Keeps the code, except
// that a coordinator that does not prove to be one is UNAUTHENTICATED.
absl::Status OperatorError(const std::string& address, const grpc::Status& status);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_OPERATOR_CHANNEL_H_
