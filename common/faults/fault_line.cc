#include "common/faults/fault_line.h"

#include <algorithm>
#include <utility>

namespace semlink {

void FaultLine::SetLink(const NodeId& from, const NodeId& to) {
  from_ = from;
  to_ = to;
  version_.reset();
}

bool FaultLine::IsCut() const {
  return injector_ != nullptr && from_.has_value() && injector_->IsCut(*from_, to_);
}

bool FaultLine::Concerned() {
  if (injector_ == nullptr || !from_.has_value()) return false;
  const uint64_t version = injector_->version();
  if (version_ != version) {
    version_ = version;
    concerned_ = injector_->Concerns(*from_, to_);
  }
  return concerned_;
}

void FaultLine::Emit(Held held, std::deque<InTransit>* out) {
  if (held.twice && !held.what.lost) out->push_back(held.what);
  out->push_back(std::move(held.what));
}

void FaultLine::Enqueue(Held held) {
  held.until = last_ = std::max(last_, held.until);
  held_.push_back(std::move(held));
}

void FaultLine::Push(v1::Message message, absl::Duration now, std::deque<InTransit>* out) {
  if (!Concerned()) {
    Flush(out);
    out->push_back({std::move(message), false, std::nullopt});
    return;
  }
  const FaultVerdict verdict = injector_->Decide(*from_, to_);
  Held held;
  held.until = now + verdict.delay;
  if (verdict.bytes_per_second > 0) {
    const absl::Duration carried =
        absl::Seconds(static_cast<double>(message.ByteSizeLong()) / verdict.bytes_per_second);
    free_at_ = std::max(free_at_, now) + carried;
    held.until = std::max(held.until, free_at_);
  }
  held.what = {std::move(message), verdict.drop, verdict.corrupt};
  held.twice = verdict.duplicate;
  if (swapped_.has_value()) {
    Enqueue(std::move(held));
    swapped_->until = swapped_until_;
    Enqueue(*std::exchange(swapped_, std::nullopt));
  } else if (verdict.reorder) {
    swapped_until_ = held.until;
    held.until = std::max(held.until, now + kSwapWait);
    swapped_ = std::move(held);
  } else {
    Enqueue(std::move(held));
  }
  Release(now, out);
}

void FaultLine::Release(absl::Duration now, std::deque<InTransit>* out) {
  if (!Concerned()) {
    Flush(out);
    return;
  }
  while (!held_.empty() && held_.front().until <= now) {
    Emit(std::move(held_.front()), out);
    held_.pop_front();
  }
  if (held_.empty() && swapped_.has_value() && swapped_->until <= now) {
    Emit(*std::exchange(swapped_, std::nullopt), out);
  }
}

void FaultLine::Flush(std::deque<InTransit>* out) {
  for (Held& held : held_) Emit(std::move(held), out);
  if (swapped_.has_value()) Emit(*std::move(swapped_), out);
  Clear();
}

void FaultLine::Clear() {
  held_.clear();
  swapped_.reset();
  last_ = free_at_ = absl::ZeroDuration();
}

absl::Duration FaultLine::next() const {
  absl::Duration next = absl::InfiniteDuration();
  if (!held_.empty()) next = held_.front().until;
  if (swapped_.has_value()) next = std::min(next, std::max(swapped_->until, last_));
  return next;
}

}  // namespace semlink
