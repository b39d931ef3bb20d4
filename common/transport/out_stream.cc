#include "common/transport/out_stream.h"

#include <utility>

namespace semlink {

bool OutStream::Send(v1::Message message) {
  const v1::Message* next = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    if (closing_) return false;
    closing_ = IsLast(message);
    queue_.push_back(std::move(message));
    if (writing_) return true;
    writing_ = true;
    next = &queue_.front();
  }
  WriteOut(next);  // outside the lock: it serialises
  return true;
}

void OutStream::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    if (writing_ || ended_) return;
    ended_ = true;
  }
  EndWrites();
}

void OutStream::Abandon() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    queue_.resize(writing_ ? 1 : 0);
    if (writing_ || ended_) return;
    ended_ = true;
  }
  EndWrites();
}

void OutStream::WriteDone(bool ok) {
  const v1::Message* next = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    queue_.pop_front();
    if (!ok) {
      closing_ = true;
      queue_.clear();
    }
    if (!queue_.empty()) {
      next = &queue_.front();
    } else {
      writing_ = false;
      if (!closing_ || ended_) return;
      ended_ = true;
    }
  }
  if (next != nullptr) {
    WriteOut(next);
  } else {
    EndWrites();
  }
}

}  // namespace semlink
