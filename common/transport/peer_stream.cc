#include "common/transport/peer_stream.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/transport/stream_hub.h"

namespace semlink {

PeerStream::PeerStream(StreamHub* hub)
    : OutStream(hub->clock(), &hub->faults()),
      hub_(hub),
      liveness_(hub->clock()->Now()),
      in_line_(&hub->faults()) {}

bool PeerStream::is_open() const {
  absl::MutexLock lock(&mutex_);
  return open_;
}

NodeId PeerStream::peer() const {
  absl::MutexLock lock(&mutex_);
  return peer_.value_or(NodeId{Role::kOperator, 0});
}

void PeerStream::SetPeer(const NodeId& peer) {
  SetOutLink(hub_->self(), peer);
  {
    absl::MutexLock lock(&read_mutex_);
    in_line_.SetLink(peer, hub_->self());
  }
  absl::MutexLock lock(&mutex_);
  peer_ = peer;
}

void PeerStream::MarkOpen() {
  liveness_.Heard(clock()->Now());
  absl::MutexLock lock(&mutex_);
  open_ = true;
}

absl::Status PeerStream::broken_by() const {
  absl::MutexLock lock(&mutex_);
  return broken_by_;
}

void PeerStream::SetBrokenBy(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  if (broken_by_.ok()) broken_by_ = why;
}

void PeerStream::Fail(const absl::Status& why) {
  SetBrokenBy(why);
  hub_->Lost(this, why);
  Break(std::string(why.message()));
}

absl::Status PeerStream::CheckFirst(v1::Message* message) {
  absl::MutexLock lock(&read_mutex_);
  return order_.Check(message).status();
}

bool PeerStream::Arrived(v1::Message message) {
  absl::MutexLock lock(&read_mutex_);
  if (deaf_) return false;
  if (in_line_.IsCut()) return true;  // and it is no sign of life
  const absl::Duration now = clock()->Now();
  liveness_.Heard(now);
  if (message.has_heartbeat()) {
    // Says nothing about what a fault still holds back here.
    const bool held = in_line_.next() != absl::InfiniteDuration();
    if (held && message.heartbeat().broken().empty()) return true;
    arrived_.push_back({std::move(message), false, std::nullopt});
  } else {
    in_line_.Push(std::move(message), now, &arrived_);
  }
  if (const absl::Duration next = in_line_.next(); next != absl::InfiniteDuration()) WakeAt(next);
  return ProcessAll();
}

void PeerStream::Ended(const absl::Status& why) {
  WritesEnded();
  {
    absl::MutexLock lock(&read_mutex_);
    deaf_ = true;
    in_line_.Clear();
    arrived_.clear();
  }
  hub_->Lost(this, why);
}

absl::Duration PeerStream::Pulse(absl::Duration now) {
  absl::Duration next;
  {
    absl::MutexLock lock(&read_mutex_);
    in_line_.Release(now, &arrived_);
    ProcessAll();
    next = deaf_ ? absl::InfiniteDuration() : in_line_.next();
  }
  return std::min(next, OutStream::Pulse(now));
}

bool PeerStream::ProcessAll() {
  while (!arrived_.empty()) {
    InTransit next = std::move(arrived_.front());
    arrived_.pop_front();
    if (!deaf_ && !next.lost) deaf_ = !Process(std::move(next));
  }
  return !deaf_;
}

bool PeerStream::Process(InTransit arrived) {
  v1::Message& message = arrived.message;
  if (arrived.corrupt.has_value()) CorruptMessage(*arrived.corrupt, &message);
  const absl::StatusOr<bool> fresh = order_.Check(&message);
  if (!fresh.ok()) {
    Fail(absl::UnavailableError(
        absl::StrCat("from ", peer().ToString(), ": ", fresh.status().message())));
    return false;
  }
  if (!*fresh) {
    hub_->CountRepeat();
    return true;
  }
  if (message.has_heartbeat()) {
    if (message.heartbeat().broken().empty()) return true;
    Fail(absl::UnavailableError(
        absl::StrCat(peer().ToString(), " broke the connection: ", message.heartbeat().broken())));
    return false;
  }
  const absl::Status status = hub_->Receive(this, std::move(message));
  if (status.ok()) return true;
  SetBrokenBy(status);
  hub_->CountRefusal();
  spdlog::warn("refused {}: {}", peer().ToString(), std::string(status.message()));
  RefuseMessage(status);
  return false;
}

void PeerStream::WakeAt(absl::Duration when) { hub_->ticker().WakeAt(when); }

}  // namespace semlink
