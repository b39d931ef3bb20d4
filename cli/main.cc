// `semlink`: the command line. Parses, then hands over to a subcommand.
#include <iostream>
#include <string>

#include "cli/commands.h"
#include "common/node/exit_code.h"

int main(int argc, char** argv) {
  using namespace semlink::cli;
  using semlink::kExitCodeHelp;
  using semlink::kExitSuccess;
  using semlink::kExitUsage;
  CLI::App app{"semlink: a testbed for task-aware semantic communication", "semlink"};
  app.set_version_flag("--version", "semlink " SEMLINK_VERSION);
  app.require_subcommand(0, 1);
  app.footer(std::string("Examples:\n"
                         "  semlink run configs/quickstart.yaml --out runs/first\n"
                         "  semlink evaluate runs/first --draws 64\n"
                         "  semlink infer runs/first\n"
                         "  semlink SUBCOMMAND --help\n\n") +
             kExitCodeHelp);
  Action action;
  AddRunCommand(&app, &action);
  AddEvaluateCommand(&app, &action);
  AddInferCommand(&app, &action);
  AddValidateCommand(&app, &action);
  AddStatusCommand(&app, &action);
  AddLinksCommand(&app, &action);
  AddLedgerCommand(&app, &action);
  AddReportCommand(&app, &action);
  AddSweepCommand(&app, &action);
  AddScoreCommand(&app, &action);
  AddFaultCommand(&app, &action);
  AddDataCommand(&app, &action);
  AddCertsCommand(&app, &action);
  AddExportCommand(&app, &action);
  AddComposeCommand(&app, &action);
  AddHealthCommand(&app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  if (!action) {
    std::cerr << app.help();
    return kExitUsage;
  }
  return action();
}
