#include "common/transport/out_stream.h"

#include <algorithm>
#include <utility>

#include "common/transport/envelope.h"

namespace semlink {

bool OutStream::Send(v1::Message message) {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    if (closing_) return false;
    closing_ = IsLast(message);
    message.set_sequence(++numbered_);
    if (message.has_hello()) {
      passed_.push_back({std::move(message), line_.IsCut(), std::nullopt});
    } else {
      line_.Push(std::move(message), clock_->Now(), &passed_);
    }
    if (closing_) line_.Flush(&passed_);
    Advance();
    next = Decide();
  }
  Do(next);
  return true;
}

void OutStream::Beat() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    if (closing_ || beating_ || line_.IsCut()) return;
    beating_ = true;
    InTransit beat;
    beat.message.mutable_heartbeat()->set_sent(sent_);
    queue_.push_back(std::move(beat));
    next = Decide();
  }
  Do(next);
}

void OutStream::Close() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    line_.Flush(&passed_);
    Advance();
    next = Decide();
  }
  Do(next);
}

void OutStream::Leave() {
  {
    absl::MutexLock lock(&mutex_);
    cancel_at_ = std::min(cancel_at_, clock_->Now() + kPartingTime);
  }
  WakeAt(clock_->Now() + kPartingTime);
  Close();
}

void OutStream::Abandon() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    Drop();
    next = Decide();
  }
  Do(next);
}

void OutStream::Break(const std::string& why) {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    if (cancel_at_ != absl::InfiniteDuration()) return;
    cancel_at_ = clock_->Now() + kPartingTime;
    const bool parting = !closing_ && !line_.IsCut();
    closing_ = true;
    Drop();
    if (parting) {
      InTransit last;
      last.message.mutable_heartbeat()->set_sent(sent_);
      last.message.mutable_heartbeat()->set_broken(why);
      queue_.push_back(std::move(last));
    }
    next = Decide();
    next.wake = std::min(next.wake, cancel_at_);
  }
  Do(next);
}

absl::Duration OutStream::Pulse(absl::Duration now) {
  Next next;
  bool cancel = false;
  absl::Duration again;
  {
    absl::MutexLock lock(&mutex_);
    line_.Release(now, &passed_);
    Advance();
    next = Decide();
    cancel = cancel_at_ <= now;
    again = cancel ? absl::InfiniteDuration() : std::min(cancel_at_, line_.next());
    next.wake = absl::InfiniteDuration();  // returned instead
  }
  if (cancel) Cancel();
  Do(next);
  return again;
}

void OutStream::SetOutLink(const NodeId& self, const NodeId& peer) {
  absl::MutexLock lock(&mutex_);
  line_.SetLink(self, peer);
}

bool OutStream::Cork() {
  absl::MutexLock lock(&mutex_);
  if (ended_) return false;
  corked_ = true;
  return true;
}

void OutStream::Uncork() {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    corked_ = false;
    next = Decide();
  }
  Do(next);
}

void OutStream::WriteDone(bool ok) {
  Next next;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.front().message.has_heartbeat()) beating_ = false;
    queue_.pop_front();
    writing_ = false;
    if (!ok) {
      closing_ = true;
      Drop();
    }
    next = Decide();
  }
  Do(next);
}

void OutStream::WritesEnded() {
  absl::MutexLock lock(&mutex_);
  closing_ = ended_ = true;
  writing_ = false;
  Drop();
}

void OutStream::Advance() {
  for (InTransit& each : passed_) {
    sent_ = std::max(sent_, each.message.sequence());
    if (!each.lost) queue_.push_back(std::move(each));
  }
  passed_.clear();
}

void OutStream::Drop() {
  line_.Clear();
  queue_.resize(writing_ ? 1 : 0);
}

OutStream::Next OutStream::Decide() {
  Next next;
  next.wake = line_.next();
  if (corked_ || writing_) return next;
  if (!queue_.empty()) {
    writing_ = true;
    next.write = &queue_.front();
  } else if (closing_ && !ended_) {
    ended_ = true;
    next.end = true;
  }
  return next;
}

// Outside the lock: serialising takes time, and the reactor may call back. Whoever set writing_
// owns the front of the queue until WriteDone.
void OutStream::Do(const Next& next) {
  if (next.write != nullptr) {
    SealMessage(&next.write->message);
    if (next.write->corrupt.has_value()) {
      CorruptMessage(*next.write->corrupt, &next.write->message);
    }
    WriteOut(&next.write->message);
  }
  if (next.end) EndWrites();
  if (next.wake != absl::InfiniteDuration()) WakeAt(next.wake);
}

}  // namespace semlink
