#include "common/transport/mailbox.h"

#include <utility>

namespace semlink {
namespace {

bool OfPeer(const Mailbox::Event& event) {
  using Kind = Mailbox::Event::Kind;
  return event.kind == Kind::kPeerUp || event.kind == Kind::kPeerDown ||
         event.kind == Kind::kMessage;
}

}  // namespace

void Mailbox::Post(Event event) {
  absl::MutexLock lock(&mutex_);
  if (OfPeer(event)) {
    event.weight += kEventBytes;
    waiting_[event.peer] += event.weight;
  }
  if (event.kind == Event::Kind::kInterrupt) {
    events_.push_front(std::move(event));
  } else {
    events_.push_back(std::move(event));
  }
  posted_.Signal();
}

void Mailbox::PostPeerUp(const NodeId& peer, uint64_t connection) {
  Event event;
  event.kind = Event::Kind::kPeerUp;
  event.connection = connection;
  event.peer = peer;
  Post(std::move(event));
}

void Mailbox::PostPeerDown(const NodeId& peer, absl::Status why) {
  Event event;
  event.kind = Event::Kind::kPeerDown;
  event.peer = peer;
  event.status = std::move(why);
  Post(std::move(event));
}

void Mailbox::PostMessage(const NodeId& from, v1::Message message, std::size_t bytes) {
  Event event;
  event.weight = bytes;
  event.kind = Event::Kind::kMessage;
  event.peer = from;
  event.message = std::move(message);
  Post(std::move(event));
}

void Mailbox::PostCall(std::function<absl::Status()> call) {
  Event event;
  event.kind = Event::Kind::kCall;
  event.call = std::move(call);
  Post(std::move(event));
}

void Mailbox::PostInterrupt(int signal) {
  Event event;
  event.kind = Event::Kind::kInterrupt;
  event.signal = signal;
  Post(std::move(event));
}

Mailbox::Event Mailbox::Take(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  // An absolute deadline, so that a wake-up without an event doesn't start the wait anew.
  const absl::Time deadline = absl::Now() + timeout;
  while (events_.empty()) {
    if (posted_.WaitWithDeadline(&mutex_, deadline) && events_.empty()) return Event();
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  if (OfPeer(event)) {
    const auto waiting = waiting_.find(event.peer);
    waiting->second -= event.weight;
    if (waiting->second == 0) waiting_.erase(waiting);
  }
  if (event.kind == Event::Kind::kPeerUp) connections_[event.peer] = event.connection;
  if (event.kind == Event::Kind::kPeerDown) connections_.erase(event.peer);
  return event;
}

uint64_t Mailbox::Connection(const NodeId& peer) const {
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  return it == connections_.end() ? 0 : it->second;
}

std::size_t Mailbox::Waiting(const NodeId& peer) const {
  absl::MutexLock lock(&mutex_);
  const auto it = waiting_.find(peer);
  return it == waiting_.end() ? 0 : it->second;
}

}  // namespace semlink
