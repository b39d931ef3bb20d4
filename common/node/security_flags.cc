#include "common/node/security_flags.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/security/identity.h"

namespace semlink {
namespace {

security::IdentityFiles FilesOf(const SecurityFlags& flags, const NodeId& self) {
  security::IdentityFiles files;
  if (!flags.dir.empty()) files = security::FilesOf(flags.dir, self);
  if (!flags.ca.empty()) files.ca = flags.ca;
  if (!flags.certificate.empty()) files.certificate = flags.certificate;
  if (!flags.key.empty()) files.key = flags.key;
  return files;
}

}  // namespace

void AddSecurityFlags(CLI::App* app, SecurityFlags* flags) {
  app->add_option("--tls", flags->dir,
                  "Encrypt and authenticate with DIR/ca.pem, DIR/NODE.pem and DIR/NODE.key, as "
                  "`semlink certs DIR` makes them")
      ->type_name("DIR");
  app->add_option("--tls-ca", flags->ca, "The CA's certificate, instead of DIR/ca.pem")
      ->type_name("FILE");
  app->add_option("--tls-cert", flags->certificate, "The own certificate")->type_name("FILE");
  app->add_option("--tls-key", flags->key, "Its private key")->type_name("FILE");
  app->add_flag("--insecure", flags->insecure,
                "Neither encrypt nor authenticate; on this machine's loopback interface only");
}

absl::StatusOr<SecurityOptions> MakeSecurity(const SecurityFlags& flags, const NodeId& self) {
  if (!flags.given()) {
    return absl::InvalidArgumentError(
        "say how connections are secured: --tls DIR with the certificates of `semlink certs DIR "
        "--scenario FILE`, or --insecure for this machine's loopback interface only");
  }
  if (!flags.tls()) return SecurityOptions();
  if (flags.insecure) {
    return absl::InvalidArgumentError("--insecure and --tls exclude each other: say one of them");
  }
  const security::IdentityFiles files = FilesOf(flags, self);
  if (files.ca.empty()) {
    return absl::InvalidArgumentError("say with --tls-ca whose certificates to believe");
  }
  if (files.certificate.empty() != files.key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together");
  }
  ASSIGN_OR_RETURN(security::Identity identity, security::LoadIdentity(files));
  if (!identity.certificate_pem.empty()) {
    const absl::Status usable = security::CheckIdentity(identity, self, RealClock().WallTime());
    if (!usable.ok()) {
      const std::string what = absl::StrCat(files.certificate, ": ", usable.message());
      if (self.role == Role::kCoordinator) return absl::InvalidArgumentError(what);
      spdlog::warn("{}; the others will probably refuse it", what);
    }
  }
  return SecurityOptions::Tls(std::move(identity));
}

}  // namespace semlink
