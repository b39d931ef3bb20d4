#include "common/transport/stream_hub.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"

namespace semlink {

void StreamHub::Begin(std::shared_ptr<OutStream> stream) {
  {
    absl::MutexLock lock(&mutex_);
    streams_.insert(stream);
    if (!closing_) return;
  }
  stream->Cancel();
}

void StreamHub::End(OutStream* stream) {
  std::shared_ptr<OutStream> last;  // released after the lock
  absl::MutexLock lock(&mutex_);
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [&](const auto& each) { return each.get() == stream; });
  if (it == streams_.end()) return;
  last = *it;
  streams_.erase(it);
  if (streams_.empty()) ended_.SignalAll();
}

bool StreamHub::Open(const NodeId& peer, std::shared_ptr<OutStream> stream,
                     const v1::Message* hello) {
  // Posting under the lock keeps PeerUp and PeerDown of successive connections in order.
  absl::MutexLock lock(&mutex_);
  if (!connections_.emplace(peer, std::move(stream)).second) return false;
  mailbox_->PostPeerUp(peer);
  if (hello != nullptr) {
    traffic_.CountReceived(peer, *hello, hello->ByteSizeLong());
    mailbox_->PostMessage(peer, *hello);
  }
  return true;
}

void StreamHub::Lost(const NodeId& peer, OutStream* stream, const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  if (it == connections_.end() || it->second.get() != stream) return;
  connections_.erase(it);
  mailbox_->PostPeerDown(peer, why);
}

void StreamHub::GiveUp(const NodeId& peer, const absl::Status& why) {
  mailbox_->PostPeerDown(peer, why);
}

absl::Status StreamHub::Receive(const NodeId& peer, v1::Message message) {
  const std::size_t bytes = message.ByteSizeLong();
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
  traffic_.CountReceived(peer, message, bytes);
  mailbox_->PostMessage(peer, std::move(message));
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

std::shared_ptr<OutStream> StreamHub::Find(const NodeId& peer) const {
  absl::MutexLock lock(&mutex_);
  const auto it = connections_.find(peer);
  return it == connections_.end() ? nullptr : it->second;
}

std::vector<std::pair<NodeId, std::shared_ptr<OutStream>>> StreamHub::Connections() const {
  absl::MutexLock lock(&mutex_);
  return {connections_.begin(), connections_.end()};
}

std::vector<std::shared_ptr<OutStream>> StreamHub::Streams() const {
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
