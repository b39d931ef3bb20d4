#include "common/node/node_main.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/metrics/daemon_metrics.h"
#include "common/node/daemon.h"
#include "common/node/exit_code.h"
#include "common/node/logging.h"
#include "common/node/metrics_flag.h"
#include "common/node/security_flags.h"
#include "common/node/signal_watcher.h"
#include "common/transport/grpc_transport.h"
#include "common/transport/mailbox.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

constexpr int kMaxIndex = 65536;

struct Flags {
  std::string coordinator;
  int index = 0;
  std::string listen = "127.0.0.1:0";
  std::string advertise;
  std::string log_level = "info";
  double wait_seconds = 0;
  std::string state;
  std::string metrics;
  SecurityFlags security;
};

void AddFlags(CLI::App* app, Role role, Flags* flags) {
  const std::string program = app->get_name();
  app->add_option("--coordinator", flags->coordinator, "Address of the coordinator, HOST:PORT")
      ->required();
  app->add_option("--index", flags->index, "Number of this node in the scenario, from 1")
      ->required()
      ->check(CLI::Range(1, kMaxIndex));
  std::string example =
      absl::StrCat("  ", program, " --coordinator 127.0.0.1:7433 --index 1 --insecure\n");
  if (role == Role::kTransmitter) {
    app->add_option("--listen", flags->listen,
                    "Where to take receivers' connections, HOST:PORT; port 0: any that is free")
        ->capture_default_str();
    app->add_option("--advertise", flags->advertise,
                    "What receivers dial, HOST:PORT, if it is not the address listened on; port 0: "
                    "the port listened on");
    absl::StrAppend(&example, "  ", program,
                    " --coordinator coordinator:7433 --index 2 --listen 0.0.0.0:7001 \\\n"
                    "      --advertise transmitter2:7001 --tls certs\n");
  } else {
    absl::StrAppend(&example, "  ", program,
                    " --coordinator coordinator:7433 --index 2 --tls certs\n");
  }
  app->add_option("--state", flags->state,
                  "Folder for checkpoints, written to DIR/NODE; without it a node that is started "
                  "again begins with the initial parameters")
      ->type_name("DIR");
  app->add_option("--wait", flags->wait_seconds,
                  "Seconds to try to reach the coordinator; 0: for ever")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  AddMetricsFlag(app, &flags->metrics);
  AddSecurityFlags(app, &flags->security);
  const std::vector<std::string> levels(std::begin(kLogLevels), std::end(kLogLevels));
  app->add_option("--log-level", flags->log_level, "What to log on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember(levels));
  app->set_version_flag("--version", absl::StrCat(program, " of ", kSoftware, ", protocol version ",
                                                  kProtocolVersion));
  app->footer(absl::StrCat("Examples:\n", example, "\n", kExitCodeHelp));
}

GrpcTransport::Options TransportOptions(const NodeId& self, const Flags& flags,
                                        SecurityOptions security) {
  GrpcTransport::Options options;
  options.self = self;
  if (self.role == Role::kTransmitter) {
    options.listen = flags.listen;
    options.advertise = flags.advertise;
  }
  options.coordinator = flags.coordinator;
  if (flags.wait_seconds > 0) options.wait = absl::Seconds(flags.wait_seconds);
  options.security = std::move(security);
  options.may_change_network = true;
  return options;
}

int Fail(const absl::Status& status, int code) {
  spdlog::error("{}", std::string(status.message()));
  return code;
}

int Run(const NodeId& self, const Flags& flags, const NodeFactory& factory) {
  absl::StatusOr<SecurityOptions> security = MakeSecurity(flags.security, self);
  if (!security.ok()) return Fail(security.status(), kExitUsage);
  Mailbox mailbox;
  RealClock clock;
  // Before anybody hears of this node: from then on a signal must end it in good order.
  const auto signals = SignalWatcher::Create([&](int signal) { mailbox.PostInterrupt(signal); });
  if (!signals.ok()) return Fail(signals.status(), kExitFailed);
  GrpcTransport::Options options = TransportOptions(self, flags, *std::move(security));
  ReportMetrics report(self);
  if (!flags.metrics.empty()) {
    options.on_send = [&report](const v1::Message& message) { report.Sent(message); };
  }
  absl::StatusOr<std::unique_ptr<GrpcTransport>> transport =
      GrpcTransport::Create(options, &mailbox);
  if (!transport.ok()) {
    const bool port_in_use = absl::IsAlreadyExists(transport.status());
    return Fail(transport.status(), port_in_use ? kExitConnection : ExitCode(transport.status()));
  }
  if (self.role == Role::kTransmitter) {
    spdlog::info("listening on {}; receivers dial {}", (*transport)->listen_address(),
                 (*transport)->data_address());
  }
  const auto metrics = ServeMetrics(flags.metrics, self, **transport, &clock,
                                    [&report](auto* page) { report.AddTo(page); });
  if (!metrics.ok()) return Fail(metrics.status(), MetricsExitCode(metrics.status()));
  std::unique_ptr<Node> node;
  try {
    node = factory(self, transport->get(), flags.state);
  } catch (const std::exception& error) {
    return Fail(absl::InternalError(error.what()), kExitFailed);
  }
  return ExitCode(RunDaemon(node.get(), &mailbox, transport->get(), &clock));
}

}  // namespace

int NodeMain(int argc, char** argv, Role role, const NodeFactory& factory) {
  const bool transmitter = role == Role::kTransmitter;
  CLI::App app(transmitter ? "A transmitter of a semlink run: owns its data, encoders and selector."
                           : "A receiver of a semlink run: owns its task, decoders and selector.",
               transmitter ? "semlink-transmitter" : "semlink-receiver");
  Flags flags;
  AddFlags(&app, role, &flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitSuccess : kExitUsage;
  }
  const NodeId self = {role, flags.index - 1};
  const absl::Status logging = InitLogging(self.ToString(), flags.log_level);
  if (!logging.ok()) return Fail(logging, kExitUsage);
  return Run(self, flags, factory);
}

}  // namespace semlink
