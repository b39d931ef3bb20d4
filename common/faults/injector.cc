#include "common/faults/injector.h"

#include <algorithm>
#include <string>

#include "common/transport/envelope.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

bool IsMessageFault(const v1::Fault& fault) {
  if (fault.level() == v1::Fault::KERNEL) return false;
  switch (fault.kind()) {
    case v1::Fault::CUT:
    case v1::Fault::DROP:
    case v1::Fault::DELAY:
    case v1::Fault::THROTTLE:
    case v1::Fault::DUPLICATE:
    case v1::Fault::REORDER:
    case v1::Fault::CORRUPT:
      return true;
    default:
      return false;
  }
}

bool Names(const google::protobuf::RepeatedPtrField<v1::NodeName>& names, const NodeId& node) {
  return std::any_of(names.begin(), names.end(),
                     [&](const v1::NodeName& name) { return FromProto(name) == node; });
}

bool On(const v1::Fault& fault, const NodeId& from, const NodeId& to) {
  if (Names(fault.from(), from) && Names(fault.to(), to)) return true;
  return fault.both_directions() && Names(fault.from(), to) && Names(fault.to(), from);
}

uint64_t Number(const NodeId& node) {
  return (static_cast<uint64_t>(node.role) << 24) | static_cast<uint64_t>(node.index & 0xFFFFFF);
}

void Add(const v1::Fault& fault, RandomStream stream, FaultVerdict* verdict) {
  // Always drawn, so that no kind depends on how another one reads the stream.
  const bool hit = stream.Uniform() < fault.probability();
  switch (fault.kind()) {
    case v1::Fault::CUT:
      verdict->drop = true;
      return;
    case v1::Fault::DROP:
      verdict->drop |= hit;
      return;
    case v1::Fault::DELAY:
      verdict->delay = std::max(
          verdict->delay,
          absl::Seconds(fault.delay_seconds() + fault.jitter_seconds() * stream.Uniform()));
      return;
    case v1::Fault::THROTTLE:
      if (fault.bytes_per_second() <= 0) return;
      verdict->bytes_per_second =
          verdict->bytes_per_second > 0
              ? std::min(verdict->bytes_per_second, fault.bytes_per_second())
              : fault.bytes_per_second();
      return;
    case v1::Fault::DUPLICATE:
      verdict->duplicate |= hit;
      return;
    case v1::Fault::REORDER:
      verdict->reorder |= hit;
      return;
    case v1::Fault::CORRUPT:
      if (hit) verdict->corrupt = stream;
      return;
    default:
      return;
  }
}

}  // namespace

void FaultInjector::Set(const std::vector<v1::Fault>& faults) {
  absl::MutexLock lock(&mutex_);
  faults_.clear();
  std::copy_if(faults.begin(), faults.end(), std::back_inserter(faults_), IsMessageFault);
  for (auto it = messages_.begin(); it != messages_.end();) {
    const bool stays = std::any_of(faults_.begin(), faults_.end(), [&](const v1::Fault& fault) {
      return fault.id() == std::get<0>(it->first);
    });
    it = stays ? std::next(it) : messages_.erase(it);
  }
  any_.store(!faults_.empty(), std::memory_order_release);
  version_.fetch_add(1, std::memory_order_acq_rel);
}

bool FaultInjector::Applies(const NodeId& from, const NodeId& to) const {
  if (!any_.load(std::memory_order_acquire)) return false;
  if (self_.role == Role::kCoordinator) return from == self_ || to == self_;
  return from == self_ && to.role != Role::kCoordinator;
}

bool FaultInjector::Concerns(const NodeId& from, const NodeId& to) const {
  if (!Applies(from, to)) return false;
  absl::MutexLock lock(&mutex_);
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const v1::Fault& fault) { return On(fault, from, to); });
}

bool FaultInjector::IsCut(const NodeId& from, const NodeId& to) const {
  if (!any_.load(std::memory_order_acquire)) return false;
  // A node that knows of a cut towards itself need not wait for the other end to learn of it.
  const bool mine = Applies(from, to) || (to == self_ && from.role != Role::kCoordinator);
  if (!mine) return false;
  absl::MutexLock lock(&mutex_);
  return std::any_of(faults_.begin(), faults_.end(), [&](const v1::Fault& fault) {
    return fault.kind() == v1::Fault::CUT && On(fault, from, to);
  });
}

FaultVerdict FaultInjector::Decide(const NodeId& from, const NodeId& to) {
  FaultVerdict verdict;
  if (!Applies(from, to)) return verdict;
  absl::MutexLock lock(&mutex_);
  for (const v1::Fault& fault : faults_) {
    if (!On(fault, from, to)) continue;
    const uint32_t message = messages_[{fault.id(), from, to}]++;
    Add(fault,
        RandomStream(fault.seed(), Purpose::kFault, fault.id(), message,
                     (Number(from) << 32) | Number(to)),
        &verdict);
  }
  return verdict;
}

void CorruptMessage(RandomStream stream, v1::Message* message) {
  const std::string bytes = message->SerializeAsString();
  constexpr int kTries = 64;  // many changes break the framing: the message would not parse
  for (int i = 0; i < kTries && !bytes.empty(); ++i) {
    std::string damaged = bytes;
    const uint32_t at = stream.UniformInt(static_cast<uint32_t>(damaged.size()));
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + stream.UniformInt(255)));
    v1::Message parsed;
    if (!parsed.ParseFromString(damaged)) continue;
    if (parsed.checksum() == Checksum(parsed)) continue;  // the same message, written otherwise
    *message = std::move(parsed);
    return;
  }
  message->set_checksum(message->checksum() ^ 1);
}

}  // namespace semlink
