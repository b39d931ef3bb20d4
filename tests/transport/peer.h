// One end of a connection for tests: the test takes the events from its mailbox and sends through
// its transport.
#ifndef SEMLINK_TESTS_TRANSPORT_PEER_H_
#define SEMLINK_TESTS_TRANSPORT_PEER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/transport/grpc_transport.h"
#include "common/transport/mailbox.h"

namespace semlink {

inline GrpcTransport::Options TestOptions(const NodeId& self, const std::string& coordinator = "") {
  GrpcTransport::Options options;
  options.self = self;
  if (self.role != Role::kReceiver) options.listen = "127.0.0.1:0";
  options.coordinator = coordinator;
  options.backoff.first = absl::Milliseconds(20);
  options.backoff.longest = absl::Milliseconds(100);
  return options;
}

// Mailbox and transport of one node; the test's own thread is the node's thread.
class Peer {
 public:
  explicit Peer(const GrpcTransport::Options& options) {
    auto created = GrpcTransport::Create(options, &mailbox);
    if (created.ok()) {
      transport = *std::move(created);
    } else {
      status = created.status();
    }
  }

  // The next event; kTick if none comes within `timeout`.
  Mailbox::Event Next(absl::Duration timeout = absl::Seconds(10)) { return mailbox.Take(timeout); }

  // Takes events until one of `kind`; the events before it are lost.
  Mailbox::Event Next(Mailbox::Event::Kind kind, absl::Duration timeout = absl::Seconds(10)) {
    while (true) {
      Mailbox::Event event = mailbox.Take(timeout);
      if (event.kind == kind || event.kind == Mailbox::Event::Kind::kTick) return event;
    }
  }

  Mailbox mailbox;
  absl::Status status;
  std::unique_ptr<GrpcTransport> transport;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_PEER_H_
