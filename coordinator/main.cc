// semlink-coordinator: opens the windows of one run, keeps its limits and its record, and ends.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/data/layout.h"
#include "common/node/daemon.h"
#include "common/node/exit_code.h"
#include "common/node/logging.h"
#include "common/node/metrics_flag.h"
#include "common/node/security_flags.h"
#include "common/node/signal_watcher.h"
#include "common/scenario/reader.h"
#include "common/transport/grpc_transport.h"
#include "common/transport/mailbox.h"
#include "common/transport/protocol.h"
#include "coordinator/coordinator_node.h"
#include "coordinator/operator_service.h"
#include "coordinator/progress_log.h"
#include "coordinator/run_choice.h"
#include "coordinator/run_metrics.h"

namespace semlink::coordinator {
namespace {

constexpr char kProgram[] = "semlink-coordinator";

struct Flags {
  std::string scenario;
  std::vector<std::string> overrides;
  std::string out;
  std::string runs;
  bool once = false;
  std::string resume;
  std::string listen = "127.0.0.1:7433";
  std::string port_file;
  std::string job = "train";
  std::string parameters;
  int draws = 0;
  int64_t samples = 0;
  int batch = 1;
  int in_flight = 1;
  double node_timeout_seconds = 120;
  std::string metrics;
  std::string log_level = "info";
  SecurityFlags security;
};

void AddJobFlags(CLI::App* app, Flags* flags) {
  CLI::Option* scenario = app->add_option("--scenario", flags->scenario, "Scenario file (YAML)");
  CLI::Option* out = app->add_option("--out", flags->out, "Run folder; must not hold a run yet");
  CLI::Option* runs =
      app->add_option("--runs", flags->runs,
                      "Folder of runs: go on with the newest one if it is of this scenario and job and "
                      "not finished, else begin DIR/NAME-DATE-TIME. For a coordinator that is started "
                      "again by a supervisor with the same command")
          ->type_name("DIR")
          ->excludes(out);
  app->add_flag("--once", flags->once,
                "With --runs: if the newest run is of this scenario and job, and finished, do nothing "
                "until told to end. For supervisors that start it again whatever its exit code")
      ->needs(runs);
  CLI::Option* job = app->add_option("--job", flags->job, "What to do")
                         ->capture_default_str()
                         ->check(CLI::IsMember({"train", "evaluate", "infer"}));
  out->needs(scenario);
  runs->needs(scenario);
  app->add_option("--set", flags->overrides,
                  "key.path=value: replaces a value of the scenario; may be repeated")
      ->allow_extra_args(false)
      ->needs(scenario);
  app->add_option("--resume", flags->resume,
                  "Go on with the run in this folder, which has the scenario and the job")
      ->excludes(scenario)
      ->excludes(out)
      ->excludes(runs)
      ->excludes(job);
  app->add_option("--parameters", flags->parameters,
                  "Start from DIR/NODE.safetensors (needed by evaluate and infer)");
  app->add_option("--draws", flags->draws,
                  "Draws of common randomness in the evaluation; 0: evaluation.cr_draws")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app->add_option("--samples", flags->samples,
                  "Test samples per draw, or per receiver for infer; 0: evaluation.samples")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app->add_option("--batch", flags->batch, "infer: samples per request")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app->add_option("--in-flight", flags->in_flight, "infer: requests under way at once")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

void AddFlags(CLI::App* app, Flags* flags) {
  AddJobFlags(app, flags);
  app->add_option("--listen", flags->listen,
                  "Where to take the nodes' connections, HOST:PORT; port 0: any that is free")
      ->capture_default_str();
  app->add_option("--port-file", flags->port_file,
                  "Write the port here once nodes can connect, whole or not at all");
  app->add_option("--node-timeout", flags->node_timeout_seconds,
                  "Seconds without a word from a node until it is taken for lost")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  AddMetricsFlag(app, &flags->metrics);
  AddSecurityFlags(app, &flags->security);
  const std::vector<std::string> levels(std::begin(kLogLevels), std::end(kLogLevels));
  app->add_option("--log-level", flags->log_level, "What to log on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember(levels));
  app->set_version_flag("--version", absl::StrCat(kProgram, " of ", kSoftware,
                                                  ", protocol version ", kProtocolVersion));
  app->footer(
      absl::StrCat("Examples:\n"
                   "  semlink-coordinator --scenario configs/quickstart.yaml --out runs/first "
                   "--insecure\n"
                   "  semlink-coordinator --scenario s.yaml --out runs/b --listen 0.0.0.0:7433 "
                   "--tls certs\n"
                   "  semlink-coordinator --scenario runs/first/scenario.yaml --out runs/check "
                   "--job evaluate \\\n"
                   "      --parameters runs/first/parameters --draws 32 --insecure\n"
                   "  semlink-coordinator --scenario s.yaml --runs runs --listen 0.0.0.0:7433 "
                   "--tls certs\n"
                   "  semlink-coordinator --resume runs/first --insecure\n\n",
                   kExitCodeHelp));
}

// Then all nodes are processes of this machine.
bool ListensOnLoopback(const std::string& listen) {
  const absl::StatusOr<Address> address = ParseAddress(listen);
  return address.ok() && IsLoopback(address->host).value_or(false);
}

// CANCELLED once a signal has come.
absl::Status IdleUntilSignal(const std::string& run) {
  spdlog::info(
      "{} is finished: nothing to do but to wait for the end; change the scenario, or "
      "delete that folder, for another run",
      run);
  absl::Notification end;
  const auto signals = SignalWatcher::Create([&end](int) {
    if (!end.HasBeenNotified()) end.Notify();
  });
  RETURN_IF_ERROR(signals.status());
  end.WaitForNotification();
  return absl::CancelledError("ended, with nothing to do");
}

absl::Status DescribeNewRun(const Flags& flags, CoordinatorOptions* options) {
  ASSIGN_OR_RETURN(options->scenario, ReadScenarioFile(flags.scenario, flags.overrides));
  ASSIGN_OR_RETURN(options->job.kind, ParseJobKind(flags.job));
  ASSIGN_OR_RETURN(const data::SplitSizes sizes, data::ReadSplitSizes(options->scenario.data));
  options->job.test_size = sizes.test;
  options->job.draws = flags.draws;
  options->job.samples = flags.samples;
  options->job.batch = flags.batch;
  options->job.in_flight = flags.in_flight;
  options->out_dir = flags.out;
  if (flags.runs.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Job job, Job::Make(options->scenario, options->job));
  ASSIGN_OR_RETURN(const RunChoice choice, ChooseRun(flags.runs, options->scenario, job.options(),
                                                     RealClock().WallTime()));
  if (flags.once && !choice.finished.empty()) return IdleUntilSignal(choice.finished);
  (choice.resume ? options->resume_dir : options->out_dir) = choice.dir;
  spdlog::info("{} {}", choice.resume ? "going on with" : "beginning", choice.dir);
  return absl::OkStatus();
}

// The folder of the run.
std::string RunDir(const CoordinatorOptions& options) {
  return options.resume_dir.empty() ? options.out_dir : options.resume_dir;
}

absl::StatusOr<CoordinatorOptions> MakeOptions(const Flags& flags) {
  CoordinatorOptions options;
  options.resume_dir = flags.resume;
  if (flags.resume.empty()) RETURN_IF_ERROR(DescribeNewRun(flags, &options));
  options.parameters_dir = flags.parameters;
  options.node_timeout = absl::Seconds(flags.node_timeout_seconds);
  options.board = std::make_shared<StatusBoard>();
  options.faults.local_nodes = ListensOnLoopback(flags.listen);
  return options;
}

// What operator commands look for.
absl::Status Announce(const Flags& flags, const std::string& run, const std::string& address) {
  std::string path = flags.port_file;
  if (!flags.runs.empty()) {
    RETURN_IF_ERROR(LinkRun(run, flags.security.dir));
    if (path.empty()) path = run + "/coordinator.port";
  }
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Address bound, ParseAddress(address));
  return WriteFileAtomically(path, absl::StrCat(bound.port, "\n"));
}

int Fail(const absl::Status& status, int code) {
  spdlog::error("{}", std::string(status.message()));
  return code;
}

// Before the run: what the user named is missing, taken or wrong.
int SetupExitCode(const absl::Status& status) {
  if (absl::IsNotFound(status) || absl::IsAlreadyExists(status) ||
      absl::IsFailedPrecondition(status)) {
    return kExitUsage;
  }
  return ExitCode(status);
}

// After it: a node that was lost is a failed run; it says nothing about this process's connections.
int RunExitCode(const DaemonEnd& end, const absl::Status& result) {
  if (end.signal == SIGINT) return kExitInterrupted;
  if (!end.status.ok()) return ExitCode(end.status);
  return absl::IsUnavailable(result) ? kExitFailed : ExitCode(result);
}

void LogSummary(const Scenario& scenario, const std::string& run) {
  const absl::StatusOr<std::string> text = ReadFile(run + "/summary.json");
  const Json summary = text.ok() ? Json::parse(*text, nullptr, false) : Json();
  if (!summary.is_object()) return;
  for (const std::string& line : SummaryLines(scenario, summary)) spdlog::info("{}", line);
}

int Run(const Flags& flags) {
  const absl::StatusOr<SecurityOptions> security =
      MakeSecurity(flags.security, NodeId::Coordinator());
  if (!security.ok()) return Fail(security.status(), kExitUsage);
  absl::StatusOr<CoordinatorOptions> options = MakeOptions(flags);
  if (absl::IsCancelled(options.status())) return kExitSuccess;
  if (!options.ok()) return Fail(options.status(), SetupExitCode(options.status()));
  const std::shared_ptr<StatusBoard> board = options->board;
  OperatorService service(board, security->check);
  Mailbox mailbox;
  RealClock clock;
  // Before anybody hears of it: from then on a signal must end it in good order.
  const auto signals = SignalWatcher::Create([&](int signal) { mailbox.PostInterrupt(signal); });
  if (!signals.ok()) return Fail(signals.status(), kExitFailed);
  GrpcTransport::Options transport_options;
  transport_options.self = NodeId::Coordinator();
  transport_options.listen = flags.listen;
  transport_options.security = *security;
  transport_options.services = {&service};
  transport_options.may_change_network = true;
  auto transport = GrpcTransport::Create(transport_options, &mailbox);
  if (!transport.ok()) {
    const bool in_use = absl::IsAlreadyExists(transport.status());
    return Fail(transport.status(), in_use ? kExitConnection : ExitCode(transport.status()));
  }
  const std::string run = RunDir(*options);
  auto node = CoordinatorNode::Create(*std::move(options), transport->get(), &clock);
  if (!node.ok()) return Fail(node.status(), SetupExitCode(node.status()));
  const std::string address = (*transport)->listen_address();
  if (const absl::Status status = Announce(flags, run, address); !status.ok()) {
    return Fail(status, kExitFailed);
  }
  const auto metrics = ServeMetrics(flags.metrics, NodeId::Coordinator(), **transport, &clock,
                                    [board = board.get(), check = security->check](
                                        MetricsPage* page) { AddRunMetrics(board, *check, page); });
  if (!metrics.ok()) return Fail(metrics.status(), MetricsExitCode(metrics.status()));
  spdlog::info("listening on {}; {}", address, (*node)->Awaiting());
  // An operator's fault is to begin now, not at the next tick.
  board->faults().SetWake(
      [&mailbox, awake = node->get()] { mailbox.PostCall([awake] { return awake->Tick(); }); });
  DaemonOptions daemon;
  daemon.on_signal = [&board](int signal) {
    board->RequestStop(signal == SIGINT ? "interrupted" : "terminated");
    return true;
  };
  const Scenario& scenario = (*node)->scenario();
  LoggingNode logging(scenario, *board, &clock, node->get());
  const DaemonEnd end = RunDaemon(&logging, &mailbox, transport->get(), &clock, daemon);
  if (end.status.ok() && (*node)->result().ok()) LogSummary(scenario, run);
  return RunExitCode(end, (*node)->result());
}

int Main(int argc, char** argv) {
  CLI::App app("The coordinator of a semlink run: waits for its nodes, runs the job, ends.",
               kProgram);
  Flags flags;
  AddFlags(&app, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  if ((flags.scenario.empty() || (flags.out + flags.runs).empty()) && flags.resume.empty()) {
    return Fail(
        absl::InvalidArgumentError(
            "name a scenario and a run folder (--scenario with --out or --runs), or a run to "
            "go on with (--resume)"),
        kExitUsage);
  }
  const absl::Status logging = InitLogging("coordinator", flags.log_level);
  if (!logging.ok()) return Fail(logging, kExitUsage);
  try {
    return Run(flags);
  } catch (const std::exception& error) {
    return Fail(absl::InternalError(error.what()), kExitFailed);
  }
}

}  // namespace
}  // namespace semlink::coordinator

int main(int argc, char** argv) { return semlink::coordinator::Main(argc, argv); }
