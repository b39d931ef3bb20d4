#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "common/node/exit_code.h"

namespace semlink::cli {

void AddFormatOption(CLI::App* command, std::string* format) {
  command->add_option("--format", *format, "What to print on standard output: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void AddTransportOption(CLI::App* command, std::string* transport) {
  command
      ->add_option("--transport", *transport,
                   "grpc: one process per node. inproc: all nodes in one process, same results")
      ->check(CLI::IsMember({"grpc", "inproc"}))
      ->capture_default_str();
}

void AddLaunchTlsOption(CLI::App* command, std::string* tls) {
  command->add_flag(
      "--tls", *tls,
      "Encrypt and authenticate the connections between the nodes: --tls=DIR (with =) "
      "takes the certificates in DIR, --tls makes new ones in OUT/certs");
}

void AddSetOption(CLI::App* command, std::vector<std::string>* overrides) {
  command
      ->add_option("--set", *overrides,
                   "key.path=value: replaces a value of the scenario; may be repeated")
      ->allow_extra_args(false);
}

CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& description,
                     const std::string& examples) {
  CLI::App* command = app->add_subcommand(name, description);
  command->footer(absl::StrCat("Examples:\n", examples, "\n", kExitCodeHelp));
  return command;
}

}  // namespace semlink::cli
