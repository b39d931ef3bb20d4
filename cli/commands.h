// The subcommands of `semlink`. Each Add function declares one on the parser; parsing it stores
// what to do in `*chosen`.
#ifndef SEMLINK_CLI_COMMANDS_H_
#define SEMLINK_CLI_COMMANDS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace semlink::cli {

// Does the work of a subcommand and returns the exit code.
using Action = std::function<int()>;

void AddRunCommand(CLI::App* app, Action* chosen);
void AddEvaluateCommand(CLI::App* app, Action* chosen);
void AddInferCommand(CLI::App* app, Action* chosen);
void AddValidateCommand(CLI::App* app, Action* chosen);
void AddStatusCommand(CLI::App* app, Action* chosen);
void AddLinksCommand(CLI::App* app, Action* chosen);
void AddLedgerCommand(CLI::App* app, Action* chosen);
void AddReportCommand(CLI::App* app, Action* chosen);
void AddSweepCommand(CLI::App* app, Action* chosen);
void AddScoreCommand(CLI::App* app, Action* chosen);
void AddFaultCommand(CLI::App* app, Action* chosen);
void AddDataCommand(CLI::App* app, Action* chosen);
void AddCertsCommand(CLI::App* app, Action* chosen);
void AddExportCommand(CLI::App* app, Action* chosen);
void AddComposeCommand(CLI::App* app, Action* chosen);
void AddHealthCommand(CLI::App* app, Action* chosen);

// Options that several subcommands share.
void AddFormatOption(CLI::App* command, std::string* format);        // --format text|json
void AddTransportOption(CLI::App* command, std::string* transport);  // --transport inproc|grpc
void AddSetOption(CLI::App* command, std::vector<std::string>* overrides);  // --set key.path=value
// --tls[=DIR] of commands that start nodes; `*tls` is what LaunchOptions::tls takes.
void AddLaunchTlsOption(CLI::App* command, std::string* tls);

// A subcommand with its examples (one per line) at the end of its help.
CLI::App* AddCommand(CLI::App* app, const std::string& name, const std::string& description,
                     const std::string& examples);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_COMMANDS_H_
