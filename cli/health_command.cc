// `semlink health`: whether a daemon answers, for container engines and their health checks.
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "common/base/status_macros.h"
#include "common/node/exit_code.h"
#include "common/node/security_flags.h"
#include "common/security/certificate.h"
#include "common/transport/address.h"
#include "common/transport/grpc_credentials.h"
#include "common/transport/raw_call.h"

namespace semlink::cli {
namespace {

struct HealthOptions {
  std::string node;
  std::string address;
  std::string as;  // empty: as `node`
  double timeout_seconds = 3;
  SecurityFlags security;
};

// "transmitter1", "coordinator": certificates name them "semlink:transmitter/1".
absl::StatusOr<NodeId> ParseNode(const std::string& name) {
  const size_t number = name.find_first_of("0123456789");
  const std::string index = number == std::string::npos ? "" : "/" + name.substr(number);
  const absl::StatusOr<NodeId> node =
      security::ParseNodeUri(absl::StrCat("semlink:", name.substr(0, number), index));
  if (node.ok()) return node;
  return absl::InvalidArgumentError(absl::StrCat(
      "found node '", name, "'; expected coordinator, transmitterN, receiverN or operator"));
}

// grpc.health.v1.Health/Check of the whole server. The packages have no stub for it: the wire form
// then. An empty request; the answer is HealthCheckResponse, whose field 1 is 1 for SERVING.
absl::Status AskHealth(const std::shared_ptr<grpc::Channel>& channel, const NodeId& peer,
                       const std::string& address, absl::Duration timeout) {
  constexpr char kServing[] = "\x08\x01";
  std::string answer;
  const grpc::Status status = CallWithEmptyRequest(channel, kHealthCheck, timeout, &answer);
  if (!status.ok()) {
    if (const absl::Status tls = ExplainTlsError(peer, status.error_message()); !tls.ok()) {
      return absl::UnauthenticatedError(absl::StrCat(address, ": ", tls.message()));
    }
    return absl::UnavailableError(absl::StrCat("no ", peer.ToString(), " answers at ", address,
                                               ": ", status.error_message()));
  }
  if (answer == kServing) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(peer.ToString(), " at ", address, " answers that it does not serve"));
}

absl::Status Probe(const HealthOptions& options) {
  ASSIGN_OR_RETURN(const NodeId peer, ParseNode(options.node));
  ASSIGN_OR_RETURN(const NodeId self, ParseNode(options.as.empty() ? options.node : options.as));
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.address));
  ASSIGN_OR_RETURN(const SecurityOptions security, MakeSecurity(options.security, self));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                   MakeChannelCredentials(address, peer, security, &arguments));
  return AskHealth(grpc::CreateCustomChannel(address.ToString(), credentials, arguments), peer,
                   options.address, absl::Seconds(options.timeout_seconds));
}

int Health(const HealthOptions& options) {
  const absl::Status status = Probe(options);
  if (status.ok()) {
    std::cout << options.node << " serves\n";
    return kExitSuccess;
  }
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) {
    return Complain(status, kExitUsage);
  }
  return Complain(status, absl::IsFailedPrecondition(status) ? kExitFailed : kExitConnection);
}

}  // namespace

void AddHealthCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<HealthOptions>();
  CLI::App* command = AddCommand(
      app, "health", "Ask a coordinator or a transmitter whether it serves",
      "  semlink health transmitter1 127.0.0.1:7001 --tls certs\n"
      "  semlink health coordinator coordinator:7433 --as receiver2 --tls certs    and whether it "
      "takes that certificate\n"
      "  semlink health coordinator 127.0.0.1:7433 --insecure\n");
  command->add_option("node", options->node, "Which node must answer: coordinator, transmitterN")
      ->required();
  command->add_option("address", options->address, "Its address, HOST:PORT")->required();
  command->add_option("--as", options->as, "Whose certificate to show [NODE's own]");
  command->add_option("--timeout", options->timeout_seconds, "Seconds to wait for the answer")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  AddSecurityFlags(command, &options->security);
  command->callback([options, chosen] { *chosen = [options] { return Health(*options); }; });
}

}  // namespace semlink::cli
