#include "common/node/daemon.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/node/exit_code.h"
#include "common/node/signal_watcher.h"

namespace semlink {
namespace {

using Event = Mailbox::Event;

absl::Status AfterPeerDown(const absl::Status& node, const absl::Status& why) {
  if (!absl::IsUnavailable(node)) return node;
  return absl::Status(why.code(), node.message());
}

absl::Status Dispatch(Node* node, Event* event) {
  switch (event->kind) {
    case Event::Kind::kPeerUp:
      return node->PeerUp(event->peer);
    case Event::Kind::kPeerDown:
      return AfterPeerDown(node->PeerDown(event->peer, event->status), event->status);
    case Event::Kind::kMessage:
      return node->Handle(event->peer, event->message);
    case Event::Kind::kCall:
      return event->call();
    case Event::Kind::kTick:
      return node->Tick();
    case Event::Kind::kInterrupt:
      break;
  }
  return absl::OkStatus();
}

// The edge of the node: nothing is thrown beyond it.
absl::Status Guarded(Node* node, Event* event) {
  try {
    return Dispatch(node, event);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("unexpected error: ", error.what()));
  }
}

// So that the coordinator can say more than that the node has gone. A node that has lost the
// coordinator can't, and the coordinator itself has nobody to tell.
void SayWhy(const absl::Status& status, GrpcTransport* transport) {
  v1::Message message;
  message.mutable_refusal()->set_reason(v1::Refusal::FAILED);
  message.mutable_refusal()->set_detail(std::string(status.message()));
  transport->Send(NodeId::Coordinator(), std::move(message)).IgnoreError();
}

DaemonEnd Loop(Node* node, Mailbox* mailbox, Clock* clock, const DaemonOptions& options) {
  DaemonEnd end;
  absl::Duration next_tick = clock->Now() + options.tick;
  while (!node->done()) {
    Event event;
    const absl::Duration left = next_tick - clock->Now();
    if (left > absl::ZeroDuration()) event = mailbox->Take(left);
    if (event.kind == Event::Kind::kInterrupt) {
      end.signal = event.signal;
      spdlog::info("ending on {}", event.signal == SIGINT ? "SIGINT" : "SIGTERM");
      if (!options.on_signal || !options.on_signal(event.signal)) break;
      event.kind = Event::Kind::kTick;
    }
    if (event.kind == Event::Kind::kTick) next_tick = clock->Now() + options.tick;
    end.status = Guarded(node, &event);
    if (!end.status.ok()) break;
  }
  return end;
}

}  // namespace

int ExitCode(const DaemonEnd& end) {
  if (end.signal == SIGINT) return kExitInterrupted;
  if (end.signal == SIGTERM) return kExitSuccess;
  return ExitCode(end.status);
}

DaemonEnd RunDaemon(Node* node, Mailbox* mailbox, GrpcTransport* transport, Clock* clock,
                    const DaemonOptions& options) {
  absl::StatusOr<std::unique_ptr<SignalWatcher>> signals =
      SignalWatcher::Create([mailbox](int signal) { mailbox->PostInterrupt(signal); });
  DaemonEnd end;
  if (signals.ok() || absl::IsFailedPrecondition(signals.status())) {
    end = Loop(node, mailbox, clock, options);
  } else {
    end.status = signals.status();
  }
  if (!end.status.ok()) {
    spdlog::error("{}", std::string(end.status.message()));
    SayWhy(end.status, transport);
  }
  transport->Shutdown(options.grace);
  return end;
}

}  // namespace semlink
