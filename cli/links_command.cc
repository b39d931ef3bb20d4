// `semlink links`: what the links carry, once or as a live table.
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#include "cli/call_patience.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/links_report.h"
#include "cli/live_text.h"
#include "cli/operator_client.h"
#include "cli/port_file.h"
#include "cli/signal_waiter.h"
#include "common/base/clock.h"
#include "common/base/file_system.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

struct LinksOptions {
  OperatorTarget target;
  std::string format = "text";
  uint32_t windows = 10;
  bool watch = false;
};

// Whether the run in this folder ("": not known) has come to its end.
bool HasResult(const std::string& run) {
  return !run.empty() && (FileExists(run + "/summary.json") || FileExists(run + "/infer.json"));
}

void Print(const v1::LinksReply& reply, const LinksOptions& options, LiveText* live) {
  if (options.format == "text") {
    live->Show(LinksText(reply));
  } else {
    std::cout << LinksJson(reply).dump(options.watch ? -1 : 2) << std::endl;
  }
}

// Until a signal comes or the coordinator has gone for good.
int Watch(const LinksOptions& options, OperatorClient* client, SignalWaiter* signals) {
  LiveText live = LiveText::OnStandardOutput();
  RealClock clock;
  CallPatience patience(&clock);
  for (bool silent = false;;) {
    const absl::StatusOr<v1::LinksReply> reply = client->GetLinks(options.windows);
    if (CallPatience::MayPass(reply.status()) && HasResult(options.target.run)) {
      std::cerr << "semlink: the run has ended\n";
      return kExitSuccess;
    }
    if (!patience.GoesOn(reply.status())) {
      return Complain(reply.status(), OperatorExitCode(reply.status()));
    }
    if (reply.ok()) {
      Print(*reply, options, &live);
    } else if (!silent) {
      std::cerr << "semlink: the coordinator does not answer; asking again\n";
    }
    silent = !reply.ok();
    const int signal = signals->Wait(kInterval);
    if (SignalWaiter::IsRequestToEnd(signal)) {
      return signal == SIGINT ? kExitInterrupted : kExitSuccess;
    }
  }
}

int Links(LinksOptions options) {
  // Before gRPC starts threads: they must not take the signals.
  std::unique_ptr<SignalWaiter> signals;
  if (options.watch) {
    absl::StatusOr<std::unique_ptr<SignalWaiter>> made = SignalWaiter::Create();
    if (!made.ok()) return Complain(made.status(), kExitFailed);
    signals = *std::move(made);
  }
  if (options.target.run.empty() && options.target.coordinator.empty()) {
    options.target.run = FindNewestRun("runs").value_or("");  // Watch asks whether it has ended
  }
  const absl::StatusOr<OperatorChannel> coordinator = OpenOperatorChannel(options.target);
  if (!coordinator.ok()) {
    return Complain(coordinator.status(), TargetExitCode(coordinator.status()));
  }
  OperatorClient client(*coordinator, absl::Seconds(2));
  if (options.watch) return Watch(options, &client, signals.get());
  const absl::StatusOr<v1::LinksReply> reply = client.GetLinks(options.windows);
  if (!reply.ok()) return Complain(reply.status(), OperatorExitCode(reply.status()));
  LiveText once(std::cout, LiveText::Terminal{});
  Print(*reply, options, &once);
  return kExitSuccess;
}

}  // namespace

void AddLinksCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<LinksOptions>();
  CLI::App* command = AddCommand(
      app, "links", "Show what the links of a run carry: nats, bits, bytes, round trips",
      "  semlink links                         of the newest run in runs/, over its last 10 "
      "windows\n"
      "  semlink links runs/first --watch      each second anew, until Ctrl-C or the run's end\n"
      "  semlink links --windows 1 --format=json\n"
      "  semlink links --coordinator 10.0.0.5:7433 --tls certs --watch\n");
  CLI::Option* run =
      command->add_option("run", options->target.run, "Run folder [the newest in runs/]");
  AddTargetOptions(command, run, &options->target);
  command->add_flag("--watch", options->watch,
                    "Once a second; on a terminal in place, in JSON one object per line");
  command
      ->add_option("--windows", options->windows,
                   "Figures over the last so many windows; a coordinator keeps 256")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  AddFormatOption(command, &options->format);
  command->callback([options, chosen] { *chosen = [options] { return Links(*options); }; });
}

}  // namespace semlink::cli
