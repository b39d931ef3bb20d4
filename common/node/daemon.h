// The loop of a daemon: one thread on which its node runs.
#ifndef SEMLINK_COMMON_NODE_DAEMON_H_
#define SEMLINK_COMMON_NODE_DAEMON_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/transport/grpc_transport.h"
#include "common/transport/mailbox.h"
#include "common/transport/transport.h"

namespace semlink {

struct DaemonOptions {
  // Between two Tick()s, also while messages come.
  absl::Duration tick = absl::Seconds(1);
  // For the streams and the server to end in good order.
  absl::Duration grace = absl::Seconds(5);
  // What to do about SIGINT and SIGTERM, on the node's thread. True: go on, the node will end by
  // itself (its Tick is called next). By default the loop ends.
  std::function<bool(int signal)> on_signal;
};

// How a daemon ended.
struct DaemonEnd {
  absl::Status status;  // OK if the node was done or a signal came
  int signal = 0;       // the last signal that came
};

// 0 after SIGTERM, 130 after SIGINT, else ExitCode(status).
int ExitCode(const DaemonEnd& end);

// Gives the node what comes into the mailbox until it is done, one of its calls fails, or a signal
// comes; then shuts the transport down. A node that ends with an error tells the coordinator why
// (Refusal, FAILED) before that. Watches SIGINT and SIGTERM, unless the caller has a
// SignalWatcher already, which must post to the mailbox then. Exceptions thrown by the node become
// INTERNAL. The node's status after PeerDown takes the code of the
// reason if that says more than UNAVAILABLE (DEADLINE_EXCEEDED, PERMISSION_DENIED, ...).
DaemonEnd RunDaemon(Node* node, Mailbox* mailbox, GrpcTransport* transport, Clock* clock,
                    const DaemonOptions& options = {});

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_DAEMON_H_
