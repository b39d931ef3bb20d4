// The write side of a bidirectional gRPC stream: one write in flight, the rest queued.
#ifndef SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_
#define SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_

#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Thread-safe. gRPC aborts the process if a write is started before the last one's OnWriteDone, so
// all writes of a reactor go through here.
class OutStream {
 public:
  virtual ~OutStream() = default;

  // Queues `message`; false if the stream is closed, and the message is dropped. If no write is in
  // flight, the write starts on the caller's thread.
  bool Send(v1::Message message);

  // No more messages; what is queued is still written, then the stream ends.
  void Close();
  // Like Close(), but drops what is queued: the peer can't read it any more.
  void Abandon();
  // Breaks the stream at once.
  virtual void Cancel() = 0;

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

  // Whether nothing may follow this message. Called for each message sent, one at a time.
  virtual bool IsLast(const v1::Message& message) { return false; }

  // To be called from the reactor's OnWriteDone.
  void WriteDone(bool ok);

 private:
  absl::Mutex mutex_;
  // The front is being written while writing_; a deque keeps it in place when others are queued.
  std::deque<v1::Message> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_OUT_STREAM_H_
