// `semlink certs`: makes the certificates of a run.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/node/exit_code.h"
#include "common/scenario/reader.h"
#include "common/security/certificate_folder.h"

namespace semlink::cli {
namespace {

using security::MadeCertificate;
constexpr int kMaxDays = 3650;

struct CertsOptions {
  std::string dir;
  std::string scenario;
  std::string bundles;
  std::string format = "text";
  std::vector<std::string> hosts;
  int days = 365;
  bool force = false;
};

std::string Until(const MadeCertificate& certificate) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", certificate.not_after, absl::UTCTimeZone());
}

void PrintText(const CertsOptions& options, const std::vector<MadeCertificate>& certificates) {
  Table table({{"certificate"}, {"state"}, {"valid until"}});
  for (const MadeCertificate& certificate : certificates) {
    table.AddRow({certificate.name, certificate.made ? "new" : "kept", Until(certificate)});
  }
  std::cout << table.ToString() << "\nGive each machine " << options.dir
            << "/ca.pem and the .pem and .key of its own nodes; " << options.dir
            << "/ca.key stays here.\n";
}

void PrintJson(const CertsOptions& options, const std::vector<MadeCertificate>& certificates) {
  Json list = Json::array();
  for (const MadeCertificate& certificate : certificates) {
    list.push_back({{"name", certificate.name},
                    {"new", certificate.made},
                    {"valid_until", absl::FormatTime(absl::RFC3339_sec, certificate.not_after,
                                                     absl::UTCTimeZone())}});
  }
  std::cout << Json({{"folder", options.dir}, {"certificates", list}}).dump(2) << "\n";
}

int Certs(const CertsOptions& options) {
  const absl::StatusOr<Scenario> scenario = ReadScenarioFile(options.scenario, {});
  if (!scenario.ok()) return Complain(scenario.status(), kExitUsage);
  security::CertificateFolderOptions folder;
  folder.dir = options.dir;
  folder.nodes = security::NodesOf(scenario->K(), scenario->T());
  folder.lifetime = absl::Hours(24 * options.days);
  folder.hosts = options.hosts;
  folder.force = options.force;
  const auto certificates = security::MakeCertificates(folder, RealClock().WallTime());
  if (!certificates.ok()) {
    const bool internal = absl::IsInternal(certificates.status());
    return Complain(certificates.status(), internal ? kExitFailed : kExitUsage);
  }
  if (!options.bundles.empty()) {
    for (const NodeId& node : folder.nodes) {
      if (node.role == Role::kOperator) continue;
      const absl::Status copied = security::CopyBundle(options.dir, node, options.bundles);
      if (!copied.ok()) return Complain(copied, kExitUsage);
    }
  }
  if (options.format == "json") {
    PrintJson(options, *certificates);
  } else {
    PrintText(options, *certificates);
  }
  return kExitSuccess;
}

}  // namespace

void AddCertsCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<CertsOptions>();
  CLI::App* command =
      AddCommand(app, "certs", "Make the certificates with which nodes prove who they are",
                 "  semlink certs certs --scenario configs/quickstart.yaml\n"
                 "  semlink certs certs --scenario s.yaml --host node1.lab --host 10.0.0.5\n"
                 "  semlink certs ca --scenario s.yaml --bundles machines      and a folder for "
                 "each machine\n"
                 "  semlink certs certs --scenario s.yaml --days 30 --force     renew all, with "
                 "the same CA\n");
  command->add_option("dir", options->dir, "Folder of the certificates; made if it is missing")
      ->required();
  command
      ->add_option("--scenario", options->scenario,
                   "Scenario file: one certificate per node of it, and one for operators")
      ->required();
  command->add_option("--days", options->days, "How long they are valid; never longer than the CA")
      ->check(CLI::Range(1, kMaxDays))
      ->capture_default_str();
  command
      ->add_option("--host", options->hosts,
                   "A further name or address of the machines, for tools that check them; may be "
                   "repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--bundles", options->bundles,
                   "Also copy what each node's machine needs to DIR/NODE/certs; the coordinator's "
                   "has the operator's too")
      ->type_name("DIR");
  command->add_flag("--force", options->force,
                    "Replace the certificates that are there. The CA is always kept");
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Certs(*options); }; });
}

}  // namespace semlink::cli
