#include "cli/operator_channel.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "cli/port_file.h"
#include "common/base/status_macros.h"
#include "common/node/exit_code.h"
#include "common/transport/address.h"
#include "common/transport/grpc_credentials.h"

namespace semlink::cli {

void AddTargetOptions(CLI::App* command, CLI::Option* run, OperatorTarget* target) {
  command->add_option("--coordinator", target->coordinator, "Its address, HOST:PORT")
      ->excludes(run);
  AddSecurityFlags(command, &target->security);
}

std::string CertificateFolder(const std::string& run) { return run + "/certs"; }

bool UsesTls(const std::string& run) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(CertificateFolder(run), error));
}

absl::StatusOr<OperatorChannel> OpenOperatorChannel(const OperatorTarget& target) {
  std::string run = target.run;
  std::string address = target.coordinator;
  if (address.empty()) {
    if (run.empty()) {
      ASSIGN_OR_RETURN(run, FindNewestRun("runs"));
    }
    ASSIGN_OR_RETURN(address, ReadCoordinatorAddress(run));
  }
  SecurityFlags flags = target.security;
  if (!flags.given() && !run.empty()) {
    if (UsesTls(run)) {
      flags.dir = CertificateFolder(run);
    } else {
      flags.insecure = true;
    }
  }
  ASSIGN_OR_RETURN(const SecurityOptions security, MakeSecurity(flags, {Role::kOperator, 0}));
  ASSIGN_OR_RETURN(const Address parsed, ParseAddress(address));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // For those who ask again: a coordinator that is back should be found at once.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                   MakeChannelCredentials(parsed, NodeId::Coordinator(), security, &arguments));
  return OperatorChannel{address,
                         grpc::CreateCustomChannel(parsed.ToString(), credentials, arguments)};
}

int TargetExitCode(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitConnection;
}

absl::Status OperatorError(const std::string& address, const grpc::Status& status) {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  if (const absl::Status tls = ExplainTlsError(NodeId::Coordinator(), status.error_message());
      !tls.ok()) {
    return absl::UnauthenticatedError(absl::StrCat(address, ": ", tls.message()));
  }
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return absl::Status(
          code, absl::StrCat("no coordinator answers at ", address, ": ", status.error_message(),
                             "; give its address with --coordinator HOST:PORT, and --tls DIR if it "
                             "was started with TLS"));
    default:
      return absl::Status(
          code, absl::StrCat("the coordinator at ", address, " refuses: ", status.error_message()));
  }
}

}  // namespace semlink::cli
