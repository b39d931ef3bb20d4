// semlink-inproc: a whole run in one process, all nodes on one thread over the in-memory transport.
// Started by `semlink run --transport=inproc`.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/data/layout.h"
#include "common/nn/process_setup.h"
#include "common/scenario/reader.h"
#include "common/transport/inproc_network.h"
#include "coordinator/coordinator_node.h"
#include "receiver/receiver_node.h"
#include "transmitter/transmitter_node.h"

namespace semlink {
namespace {

// Set by the signal handler, which may touch nothing else.
std::atomic<bool> interrupted{false};

struct Flags {
  std::string scenario;
  std::string out;
  std::string job = "train";
  std::string parameters;
  int draws = 0;
  int64_t samples = 0;
  int batch = 1;
  int in_flight = 1;
};

void AddFlags(CLI::App* app, Flags* flags) {
  app->add_option("--scenario", flags->scenario, "scenario file")->required();
  app->add_option("--out", flags->out, "run folder to write")->required();
  app->add_option("--job", flags->job, "train, evaluate or infer")->capture_default_str();
  app->add_option("--parameters", flags->parameters, "folder of the parameters to start from");
  app->add_option("--draws", flags->draws,
                  "evaluate: draws of common randomness (0: the scenario's)");
  app->add_option("--samples", flags->samples, "test samples (0: the scenario's)");
  app->add_option("--batch", flags->batch, "infer: samples per request")->capture_default_str();
  app->add_option("--in-flight", flags->in_flight, "infer: requests under way at once")
      ->capture_default_str();
}

absl::Status RunAllNodes(const Flags& flags) {
  coordinator::CoordinatorOptions options;
  ASSIGN_OR_RETURN(options.scenario, ReadScenarioFile(flags.scenario));
  ASSIGN_OR_RETURN(options.job.kind, coordinator::ParseJobKind(flags.job));
  ASSIGN_OR_RETURN(const data::SplitSizes sizes, data::ReadSplitSizes(options.scenario.data));
  if (!options.scenario.faults.empty()) {
    return absl::InvalidArgumentError("faults can't be injected in one process");
  }
  options.out_dir = flags.out;
  options.parameters_dir = flags.parameters;
  options.job.test_size = sizes.test;
  options.job.draws = flags.draws;
  options.job.samples = flags.samples;
  options.job.batch = flags.batch;
  options.job.in_flight = flags.in_flight;

  InprocNetwork network;
  network.set_interrupt(&interrupted);
  RealClock clock;
  const Scenario scenario = options.scenario;
  ASSIGN_OR_RETURN(std::unique_ptr<coordinator::CoordinatorNode> coordinator,
                   coordinator::CoordinatorNode::Create(
                       std::move(options), network.TransportFor(NodeId::Coordinator()), &clock));
  RETURN_IF_ERROR(network.Add(NodeId::Coordinator(), coordinator.get()));
  std::vector<std::unique_ptr<Node>> nodes;
  for (int k = 0; k < scenario.K(); ++k) {
    const NodeId id = NodeId::Transmitter(k);
    nodes.push_back(std::make_unique<transmitter::TransmitterNode>(k, network.TransportFor(id)));
    RETURN_IF_ERROR(network.Add(id, nodes.back().get()));
  }
  for (int t = 0; t < scenario.T(); ++t) {
    const NodeId id = NodeId::Receiver(t);
    nodes.push_back(std::make_unique<receiver::ReceiverNode>(t, network.TransportFor(id), &clock));
    RETURN_IF_ERROR(network.Add(id, nodes.back().get()));
  }
  const absl::Status status = network.Run();
  return coordinator->result().ok() ? status : coordinator->result();
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  if (absl::IsCancelled(status)) return 130;
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app("Runs all nodes of a semlink scenario in one process, on one thread.",
               "semlink-inproc");
  Flags flags;
  AddFlags(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("semlink-inproc"));
  nn::TuneAllocator();
  nn::UseOneThread();
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
  absl::Status status;
  try {
    status = RunAllNodes(flags);
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  if (!status.ok()) spdlog::error("{}", std::string(status.message()));
  return ExitCode(status);
}

}  // namespace
}  // namespace semlink

int main(int argc, char** argv) { return semlink::Main(argc, argv); }
