#include "common/transport/stream_hub.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/faults/process_faults.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

PeerConnection EndsOf(const NodeId& peer, const PeerStream& stream) {
  OutStream::Endpoints ends = stream.endpoints();
  return {peer, std::move(ends.local), std::move(ends.peer)};
}

}  // namespace

void StreamHub::Begin(std::shared_ptr<PeerStream> stream) {
  {
    absl::MutexLock lock(&mutex_);
    streams_.insert(stream);
    if (!closing_) return;
  }
  stream->Cancel();
}

void StreamHub::End(PeerStream* stream) {
  std::shared_ptr<PeerStream> last;  // released after the lock
  absl::MutexLock lock(&mutex_);
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [&](const auto& each) { return each.get() == stream; });
  if (it == streams_.end()) return;
  last = *it;
  streams_.erase(it);
  if (streams_.empty()) ended_.SignalAll();
}

bool StreamHub::GivesWay(const Connection& old, uint64_t incarnation) const {
  if (incarnation != 0 && incarnation == old.incarnation) return true;
  return old.stream->liveness().QuietFor(clock_->Now()) > kReplaceAfter;
}

absl::Status StreamHub::Open(std::shared_ptr<PeerStream> stream, const v1::Message* hello) {
  const NodeId peer = stream->peer();
  const uint64_t incarnation = hello != nullptr ? hello->hello().incarnation() : 0;
  const absl::Status replaced = absl::UnavailableError("it has opened a new connection");
  std::shared_ptr<PeerStream> old;
  {
    // Posting under the lock keeps PeerUp and PeerDown of successive connections in order.
    absl::MutexLock lock(&mutex_);
    const std::size_t bytes = hello != nullptr ? hello->ByteSizeLong() : 0;
    RETURN_IF_ERROR(CheckRoom(peer, bytes));
    const auto it = connections_.find(peer);
    if (it != connections_.end()) {
      if (!GivesWay(it->second, incarnation)) {
        return absl::AlreadyExistsError(absl::StrCat(
            "a live ", peer.ToString(), " is connected to ", self_.ToString(), " already"));
      }
      old = it->second.stream;
      ReadLast(peer, *old);
      mailbox_->PostPeerDown(peer, replaced);
    }
    connections_[peer] = {std::move(stream), incarnation, ++opened_};
    mailbox_->PostPeerUp(peer, opened_);
    if (hello != nullptr) {
      traffic_.CountReceived(peer, *hello, bytes);
      mailbox_->PostMessage(peer, *hello, bytes);
    }
  }
  if (old != nullptr) old->Fail(replaced);
  if (kernel_faults_ != nullptr) kernel_faults_->PeersChanged();
  return absl::OkStatus();
}

void StreamHub::Lost(PeerStream* stream, const absl::Status& why) {
  const NodeId peer = stream->peer();
  std::shared_ptr<PeerStream> last;  // released after the lock
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  if (it == connections_.end() || it->second.stream.get() != stream) return;
  ReadLast(peer, *stream);
  last = std::move(it->second.stream);
  connections_.erase(it);
  mailbox_->PostPeerDown(peer, why);
  if (kernel_faults_ != nullptr) kernel_faults_->PeersChanged();
}

void StreamHub::GiveUp(const NodeId& peer, const absl::Status& why) {
  mailbox_->PostPeerDown(peer, why);
}

absl::Status StreamHub::CheckReceived(const NodeId& peer, const v1::Message& message,
                                      std::size_t bytes) const {
  if (message.has_hello() || !MaySend(peer.role, self_.role, message)) {
    return absl::InvalidArgumentError(absl::StrCat(peer.ToString(), " may not send ",
                                                   MessageName(message), " to ", self_.ToString(),
                                                   message.has_hello() ? " twice" : ""));
  }
  if (bytes > max_message_bytes_) {
    return absl::InvalidArgumentError(absl::StrCat(MessageName(message), " has ", bytes,
                                                   " bytes; at most ", max_message_bytes_,
                                                   " are accepted"));
  }
  return absl::OkStatus();
}

absl::Status StreamHub::CheckRoom(const NodeId& peer, std::size_t bytes) {
  const std::size_t waiting = mailbox_->Waiting(peer);
  if (waiting + bytes <= max_waiting_bytes_) return absl::OkStatus();
  ++overflows_;
  return absl::ResourceExhaustedError(absl::StrCat(
      self_.ToString(), " has not yet taken ", waiting, " bytes of messages of ", peer.ToString(),
      ", and ", bytes, " more have come; at most ", max_waiting_bytes_, " may wait"));
}

void StreamHub::Obey(const v1::Message& message) {
  if (message.has_set_faults()) {
    const auto& faults = message.set_faults().fault();
    spdlog::info("faults on the links of {}: {}", self_.ToString(), faults.size());
    faults_.Set({faults.begin(), faults.end()});
    if (kernel_faults_ != nullptr) kernel_faults_->Set({faults.begin(), faults.end()});
    ticker_.WakeAt(clock_->Now());  // for what was held back by a fault that has ended
  } else if (message.has_suffer()) {
    SufferNow(message.suffer());
  }
}

absl::Status StreamHub::Receive(PeerStream* stream, v1::Message message) {
  const NodeId peer = stream->peer();
  const std::size_t bytes = message.ByteSizeLong();
  RETURN_IF_ERROR(CheckReceived(peer, message, bytes));
  {
    absl::MutexLock lock(&mutex_);
    const auto it = connections_.find(peer);
    if (it == connections_.end() || it->second.stream.get() != stream) return absl::OkStatus();
    if (!message.has_set_faults() && !message.has_suffer()) {
      RETURN_IF_ERROR(CheckRoom(peer, bytes));
      traffic_.CountReceived(peer, message, bytes);
      mailbox_->PostMessage(peer, std::move(message), bytes);
      return absl::OkStatus();
    }
    traffic_.CountReceived(peer, message, bytes);
  }
  Obey(message);
  return absl::OkStatus();
}

void StreamHub::CountRefusal() {
  absl::MutexLock lock(&mutex_);
  ++refusals_;
}

uint64_t StreamHub::refusals() const {
  absl::MutexLock lock(&mutex_);
  return refusals_;
}

uint64_t StreamHub::overflows() const {
  absl::MutexLock lock(&mutex_);
  return overflows_;
}

void StreamHub::CountRepeat() {
  absl::MutexLock lock(&mutex_);
  ++repeats_;
}

uint64_t StreamHub::repeats() const {
  absl::MutexLock lock(&mutex_);
  return repeats_;
}

std::shared_ptr<PeerStream> StreamHub::Find(const NodeId& peer) const {
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  return it == connections_.end() ? nullptr : it->second.stream;
}

std::shared_ptr<PeerStream> StreamHub::SeenByNode(const NodeId& peer) const {
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  if (it == connections_.end() || mailbox_->Connection(peer) != it->second.number) return nullptr;
  return it->second.stream;
}

std::vector<PeerConnection> StreamHub::Connections() const {
  std::vector<std::pair<NodeId, std::shared_ptr<PeerStream>>> streams;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [peer, connection] : connections_) {
      streams.emplace_back(peer, connection.stream);
    }
  }
  std::vector<PeerConnection> all;
  for (const auto& [peer, stream] : streams) all.push_back(EndsOf(peer, *stream));
  return all;
}

void StreamHub::ReadWire() { wire_.Read(Connections()); }

std::vector<v1::Wire> StreamHub::WireTotals() {
  ReadWire();
  return wire_.Totals();
}

void StreamHub::ReadLast(const NodeId& peer, const PeerStream& stream) {
  wire_.Read({EndsOf(peer, stream)});
}

std::vector<std::shared_ptr<PeerStream>> StreamHub::Streams() const {
  absl::MutexLock lock(&mutex_);
  return {streams_.begin(), streams_.end()};
}

void StreamHub::CloseAll() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  // Outside the lock: a stream may call back when it ends.
  for (const auto& stream : Streams()) stream->Close();
}

void StreamHub::CancelAll() {
  for (const auto& stream : Streams()) stream->Cancel();
}

bool StreamHub::WaitUntilIdle(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::MutexLock lock(&mutex_);
  while (!streams_.empty()) {
    if (ended_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  return streams_.empty();
}

v1::Message MakeRefusal(v1::Refusal::Reason reason, std::string detail) {
  v1::Message message;
  message.mutable_refusal()->set_reason(reason);
  message.mutable_refusal()->set_detail(std::move(detail));
  return message;
}

}  // namespace semlink
