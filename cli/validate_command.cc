// `semlink validate`: checks a scenario file and says everything that is wrong with it.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "common/base/json.h"
#include "common/node/exit_code.h"
#include "common/scenario/reader.h"

namespace semlink::cli {
namespace {

struct ValidateOptions {
  std::string file;
  std::string format = "text";
  std::vector<std::string> overrides;
  bool resolved = false;
};

// Bytes of the file that are no UTF-8 may be in a message.
std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

int PrintInvalid(const ValidateOptions& options, const std::string& message) {
  if (options.format == "json") {
    const std::vector<std::string> mistakes = absl::StrSplit(message, '\n');
    std::cout << Dump({{"valid", false}, {"file", options.file}, {"mistakes", mistakes}}) << "\n";
  } else {
    std::cerr << message << "\n";
  }
  return kExitUsage;
}

int Validate(const ValidateOptions& options) {
  const absl::StatusOr<Scenario> scenario = ReadScenarioFile(options.file, options.overrides);
  if (!scenario.ok()) return PrintInvalid(options, std::string(scenario.status().message()));
  if (options.format == "json") {
    std::cout << Dump({{"valid", true},
                       {"file", options.file},
                       {"name", scenario->name},
                       {"transmitters", scenario->K()},
                       {"receivers", scenario->T()},
                       {"links", scenario->J() * scenario->T()},
                       {"scenario_sha256", ScenarioHash(*scenario)},
                       {"resolved", EmitScenario(*scenario)}})
              << "\n";
  } else if (options.resolved) {
    std::cout << EmitScenario(*scenario);
  } else {
    std::cout << options.file << ": valid. " << scenario->K() << " transmitters with "
              << scenario->J() << " modalities, " << scenario->T() << " receivers, "
              << scenario->training.windows << " windows. SHA-256 " << ScenarioHash(*scenario)
              << "\n";
  }
  return kExitSuccess;
}

}  // namespace

void AddValidateCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App* command = AddCommand(
      app, "validate", "Check a scenario file; lists all mistakes at once",
      "  semlink validate configs/quickstart.yaml\n"
      "  semlink validate configs/quickstart.yaml --resolved   every key with its value\n"
      "  semlink validate configs/uneven.yaml --set limits.e_t=9 --format=json\n");
  command->add_option("file", options->file, "Scenario file")->required();
  AddSetOption(command, &options->overrides);
  AddFormatOption(command, &options->format);
  command->add_flag("--resolved", options->resolved,
                    "Print the scenario with every key, presets expanded");
  command->callback([options, chosen] { *chosen = [options] { return Validate(*options); }; });
}

}  // namespace semlink::cli
