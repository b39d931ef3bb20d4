// The write side of a bidirectional gRPC stream: numbers, seals and queues; one write in flight.
#ifndef SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_
#define SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/faults/fault_line.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Thread-safe. gRPC aborts the process if a write is started before the last one's OnWriteDone, so
// all writes of a reactor go through here.
class OutStream {
 public:
  // After Break or Leave, how long the peer has to end its side.
  static constexpr absl::Duration kPartingTime = absl::Seconds(1);

  // Both must outlive the stream. `injector` may be null.
  OutStream(Clock* clock, FaultInjector* injector) : clock_(clock), line_(injector) {}
  virtual ~OutStream() = default;

  // Queues `message`; false if the stream is closed, and the message is dropped. If no write is in
  // flight, the write starts on the caller's thread. A Hello meets no faults.
  bool Send(v1::Message message);
  // Queues a heartbeat, unless one waits already. It overtakes messages that a fault holds back.
  void Beat();

  // No more messages; what is queued is still written, then the stream ends. What a fault holds
  // back goes at once.
  void Close();
  // Like Close(), but Pulse() cancels what has not ended in kPartingTime.
  void Leave();
  // Like Close(), but drops what is queued: the peer can't read it any more.
  void Abandon();
  // Like Abandon(), but tells the peer why if it can. Pulse() cancels what has not ended in
  // kPartingTime.
  void Break(const std::string& why);
  // Breaks the stream at once.
  virtual void Cancel() = 0;

  // To be called at the time that it returned, or earlier: sends what a fault has held back until
  // now. InfiniteDuration if there is nothing to wait for.
  virtual absl::Duration Pulse(absl::Duration now);

  // The two ends of the connection as this process's kernel names them, for ListTcpConnections();
  // `local` may be empty if it isn't known.
  struct Endpoints {
    std::string local;
    std::string peer;
  };
  virtual Endpoints endpoints() const = 0;

 protected:
  // Calls the reactor's StartWrite. Never two at once.
  virtual void WriteOut(const v1::Message* message) = 0;
  // Called once, when no write is in flight and none will follow.
  virtual void EndWrites() = 0;
  // Pulse() is needed at `when`.
  virtual void WakeAt(absl::Duration when) = 0;

  // Whether nothing may follow this message. Called for each message sent, one at a time.
  virtual bool IsLast(const v1::Message& message) { return false; }

  // Which link the stream is; before that no faults hit it.
  void SetOutLink(const NodeId& self, const NodeId& peer);
  // Between the two, messages are queued and nothing is written or ended. False if the stream has
  // ended.
  bool Cork();
  void Uncork();

  // To be called from the reactor's OnWriteDone.
  void WriteDone(bool ok);
  // To be called from its OnDone, before anybody else may let go of the stream.
  void WritesEnded();

  Clock* clock() const { return clock_; }

 private:
  // What to do once the lock is released.
  struct Next {
    InTransit* write = nullptr;
    bool end = false;
    absl::Duration wake = absl::InfiniteDuration();
  };

  Next Decide() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const Next& next);
  // Moves what has left the line into the queue.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  absl::Mutex mutex_;
  FaultLine line_ ABSL_GUARDED_BY(mutex_);
  std::deque<InTransit> passed_ ABSL_GUARDED_BY(mutex_);  // out of the line, not yet queued
  // The front is being written while writing_; a deque keeps it in place when others are queued.
  std::deque<InTransit> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t numbered_ ABSL_GUARDED_BY(mutex_) = 0;  // sequence of the last message given to Send
  uint64_t sent_ ABSL_GUARDED_BY(mutex_) = 0;      // of the last that was queued or lost
  bool beating_ ABSL_GUARDED_BY(mutex_) = false;   // a heartbeat is queued
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool corked_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration cancel_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_
