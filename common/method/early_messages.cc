#include "common/method/early_messages.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"

namespace semlink::method {
namespace {

// Of one peer. Inference keeps several requests under way; training never more than one message
// ahead, which may be of the largest size.
constexpr size_t kMostMessages = kMaxInFlight;
constexpr size_t kMostBytes = kMaxMessageBytes;

}  // namespace

absl::Status EarlyMessages::Keep(int peer, const v1::Message& message) {
  const auto outdated = [&](const Entry& entry) {
    return entry.peer == peer && entry.message.attempt() < message.attempt();
  };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), outdated), entries_.end());
  size_t bytes = message.ByteSizeLong();
  size_t total = bytes;
  size_t count = 1;
  for (const Entry& entry : entries_) {
    if (entry.peer != peer) continue;
    total += entry.bytes;
    ++count;
  }
  if (count > kMostMessages || total > kMostBytes) {
    return absl::InvalidArgumentError("too many messages for a window that is not open yet");
  }
  entries_.push_back({peer, message, bytes});
  return absl::OkStatus();
}

std::deque<EarlyMessages::Entry> EarlyMessages::Take(uint64_t attempt) {
  std::deque<Entry> taken, later;
  for (Entry& entry : entries_) {
    if (entry.message.attempt() < attempt) continue;
    (entry.message.attempt() == attempt ? taken : later).push_back(std::move(entry));
  }
  entries_.swap(later);
  return taken;
}

}  // namespace semlink::method
