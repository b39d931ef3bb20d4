// `semlink fault`: breaks a running run on purpose, and mends it.
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/fault_dry_run.h"
#include "cli/fault_history.h"
#include "cli/jobs.h"
#include "cli/operator_client.h"
#include "cli/port_file.h"
#include "cli/status_report.h"
#include "common/faults/fault_spec.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

struct FaultOptions {
  OperatorTarget target;
  std::string format = "text";
  FaultWords words;
  std::vector<std::pair<std::string, std::string>> values;  // of the options of `add`
  std::vector<uint64_t> ids;
  bool as_scenario = false;
  bool dry_run = false;
};

// For a fault of the kernel's level the coordinator waits for all nodes that carry it out.
constexpr absl::Duration kKernelPatience = absl::Seconds(20);

void Print(const Json& json) { std::cout << json.dump(2) << "\n"; }

int CantFind(const absl::Status& status) { return Complain(status, TargetExitCode(status)); }

void AddTarget(CLI::App* command, FaultOptions* options) {
  CLI::Option* run =
      command->add_option("--run", options->target.run, "Run folder [the newest in runs/]");
  AddTargetOptions(command, run, &options->target);
  AddFormatOption(command, &options->format);
}

int ShowCommands(const FaultOptions& options, const v1::Fault& fault) {
  if (!IsKernelFault(fault)) {
    std::cerr
        << "semlink: --dry-run shows what nodes tell their kernels: it needs --level kernel\n";
    return kExitUsage;
  }
  // Without a run the commands have placeholders; but one that was named has to be there.
  const bool named = !options.target.run.empty() || !options.target.coordinator.empty();
  std::optional<v1::StatusReply> status;
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (coordinator.ok()) {
    absl::StatusOr<v1::StatusReply> reply = OperatorClient(*coordinator).GetStatus();
    if (!reply.ok() && named) return Complain(reply.status(), OperatorExitCode(reply.status()));
    if (reply.ok()) status = *std::move(reply);
  } else if (named) {
    return CantFind(coordinator.status());
  }
  const absl::StatusOr<std::vector<NodeCommands>> nodes = DryRun(fault, status);
  if (!nodes.ok()) return Complain(nodes.status(), kExitUsage);
  if (options.format != "json") {
    std::cout << DryRunText(*nodes);
    return kExitSuccess;
  }
  Json all = Json::array();
  const auto texts = [](const std::vector<Command>& commands) {
    Json list = Json::array();
    for (const Command& command : commands) list.push_back(CommandText(command));
    return list;
  };
  for (const NodeCommands& node : *nodes) {
    all.push_back(
        {{"node", node.node.ToString()}, {"begin", texts(node.begin)}, {"end", texts(node.end)}});
  }
  Print({{"fault", FaultText(fault)}, {"nodes", all}});
  return kExitSuccess;
}

int Add(const FaultOptions& options) {
  FaultWords words = options.words;
  for (const auto& [name, value] : options.values) {
    if (!value.empty()) words.options.emplace_back(name, value);
  }
  std::vector<FaultMistake> mistakes;
  const v1::Fault fault = ReadFaultWords(words, &mistakes);
  for (const FaultMistake& mistake : mistakes) {
    const bool word = mistake.key == "kind" || mistake.key == "target";
    std::cerr << "semlink: " << (word ? "" : "--") << mistake.key << ": found " << mistake.found
              << "; expected " << mistake.expected << "\n";
  }
  if (!mistakes.empty()) return kExitUsage;
  if (options.dry_run) return ShowCommands(options, fault);
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (!coordinator.ok()) return CantFind(coordinator.status());
  const absl::StatusOr<uint64_t> id =
      (IsKernelFault(fault) ? OperatorClient(*coordinator, kKernelPatience)
                            : OperatorClient(*coordinator))
          .AddFault(fault);
  if (!id.ok()) return Complain(id.status(), OperatorExitCode(id.status()));
  if (options.format == "json") {
    Print({{"id", *id}, {"fault", FaultText(fault)}});
  } else {
    std::cout << "fault " << *id << ": " << FaultText(fault) << "\n";
  }
  return kExitSuccess;
}

int ListAsScenario(const FaultOptions& options) {
  if (!options.target.coordinator.empty()) {
    std::cerr << "semlink: --as-scenario reads a run folder: name it with --run DIR\n";
    return kExitUsage;
  }
  absl::StatusOr<std::string> run = options.target.run;
  if (run->empty()) run = FindNewestRun("runs");
  if (!run.ok()) return Complain(run.status(), kExitUsage);
  const absl::StatusOr<std::string> yaml = FaultsAsScenario(*run);
  if (!yaml.ok()) return Complain(yaml.status(), kExitUsage);
  std::cout << yaml->substr(yaml->find("faults:"));
  return kExitSuccess;
}

int List(const FaultOptions& options) {
  if (options.as_scenario) return ListAsScenario(options);
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (!coordinator.ok()) return CantFind(coordinator.status());
  const absl::StatusOr<v1::ListFaultsReply> reply = OperatorClient(*coordinator).ListFaults();
  if (!reply.ok()) return Complain(reply.status(), OperatorExitCode(reply.status()));
  if (options.format == "json") {
    Print({{"faults", FaultsJson(reply->fault())}});
  } else {
    std::cout << (reply->fault().empty() ? "no fault is active\n" : FaultsText(reply->fault()));
  }
  return kExitSuccess;
}

int Clear(const FaultOptions& options) {
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (!coordinator.ok()) return CantFind(coordinator.status());
  const auto cleared = OperatorClient(*coordinator).ClearFaults(options.ids);
  if (!cleared.ok()) return Complain(cleared.status(), OperatorExitCode(cleared.status()));
  if (options.format == "json") {
    Print({{"cleared", *cleared}});
  } else if (cleared->empty()) {
    std::cout << "no fault was active\n";
  } else {
    std::cout << "cleared: " << absl::StrJoin(*cleared, ", ") << "\n";
  }
  return kExitSuccess;
}

void AddAdd(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<FaultOptions>();
  CLI::App* command = AddCommand(
      app, "add", "Inject a fault now",
      "  semlink fault add kill transmitter2                     until it is cleared\n"
      "  semlink fault add kill coordinator --for 5s\n"
      "  semlink fault add pause receiver1 --for 10s\n"
      "  semlink fault add restart transmitter3\n"
      "  semlink fault add cut transmitter3:receiver2            both directions\n"
      "  semlink fault add cut \"transmitter3>receiver2\"          one direction\n"
      "  semlink fault add cut transmitter3                      from all the rest\n"
      "  semlink fault add cut transmitter1,transmitter2         both from all the rest\n"
      "  semlink fault add drop transmitter1:receiver2 --probability 0.1 --for 1min\n"
      "  semlink fault add delay transmitter1 --delay 50ms --jitter 20ms\n"
      "  semlink fault add throttle all --rate 20kB/s\n"
      "  semlink fault add corrupt transmitter1:receiver2 --probability 0.01 --seed 7\n"
      "  semlink fault add throttle \"transmitter1>receiver2\" --rate 50kB/s --level kernel\n"
      "  semlink fault add drop transmitter1:receiver2 --probability 0.05 --level kernel "
      "--dry-run\n");
  command->add_option("kind", options->words.kind, absl::StrJoin(FaultKindNames(), ", "))
      ->required();
  command
      ->add_option("target", options->words.target,
                   "Nodes (transmitter1,receiver2,coordinator), a link A:B or A>B, or all")
      ->required();
  const std::vector<std::pair<std::string, std::string>> help = {
      {"probability", "drop, duplicate, reorder, corrupt: of each message; above 0, up to 1"},
      {"delay", "delay: of every message; 50ms, 2s"},
      {"jitter", "delay: up to so much more, uniformly"},
      {"rate", "throttle: 20kB/s, 1Mbit/s"},
      {"for", "How long: 500ms, 10s, 2min [until it is cleared; pause: 10s]"},
      {"seed", "Of the random decisions [from the run's seed]"},
      {"level",
       "message: between gRPC and the node; kernel: packets, by the nodes' kernels [message]"}};
  options->values.reserve(help.size());
  for (const auto& [name, text] : help) {
    options->values.emplace_back(name, "");
    command->add_option("--" + name, options->values.back().second, text);
  }
  command->add_flag("--dry-run", options->dry_run,
                    "Only show what the nodes would tell their kernels (--level kernel)");
  AddTarget(command, options.get());
  command->callback([options, chosen] { *chosen = [options] { return Add(*options); }; });
}

void AddList(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<FaultOptions>();
  CLI::App* command =
      AddCommand(app, "list", "Show the active faults, or all of a run so far",
                 "  semlink fault list\n"
                 "  semlink fault list --coordinator 10.0.0.5:7433 --tls certs --format=json\n"
                 "  semlink fault list --run runs/first --as-scenario > faults.yaml\n");
  command->add_flag("--as-scenario", options->as_scenario,
                    "Everything injected so far as a `faults:` list for a scenario");
  AddTarget(command, options.get());
  command->callback([options, chosen] { *chosen = [options] { return List(*options); }; });
}

void AddClear(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<FaultOptions>();
  CLI::App* command = AddCommand(app, "clear", "End faults",
                                 "  semlink fault clear        all\n"
                                 "  semlink fault clear 3 5\n");
  command->add_option("id", options->ids, "Numbers of the faults [all]");
  AddTarget(command, options.get());
  command->callback([options, chosen] { *chosen = [options] { return Clear(*options); }; });
}

}  // namespace

void AddFaultCommand(CLI::App* app, Action* chosen) {
  CLI::App* command = AddCommand(app, "fault", "Inject faults into a running run, and end them",
                                 "  semlink fault add cut transmitter1:receiver2 --for 10s\n"
                                 "  semlink fault list\n"
                                 "  semlink fault clear\n"
                                 "  semlink fault add --help\n");
  command->require_subcommand(1);
  AddAdd(command, chosen);
  AddList(command, chosen);
  AddClear(command, chosen);
}

}  // namespace semlink::cli
